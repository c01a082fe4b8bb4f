/** Files over WebDAV (RFC 4918). */
import { createGunzip, createInflate } from 'node:zlib';
import type { Deadline } from '#common/deadline.ts';
import { parentOf } from '#common/files/path.ts';
import type { StoredEntry } from '../backend.ts';
import { CUT_SHORT, folderNotEmpty, unavailable } from '../failures.ts';
import type { RemoteClient, Span } from '../remote/client.ts';
import { RemoteSource } from '../remote/remote-source.ts';
import type { WebdavConfig } from './config.ts';
import { StatusError, translate } from './errors.ts';
import { type Answer, Http, type Request } from './http.ts';
import { type Resource, readMultistatus } from './multistatus.ts';

/** One place is never a reader's. */
const CONNECTIONS_MIN = 2;
/** Of finding a file that is not replaced between the look at it and its sending. */
const ATTEMPTS_MAX = 30;

/** One client for all: it has connections of its own, one for each of its users. */
export function openWebdav(config: WebdavConfig, connectionsMax: number): RemoteSource {
  const usersMax = Math.max(connectionsMax, CONNECTIONS_MIN);
  const open = async (): Promise<RemoteClient> => new WebdavClient(config, usersMax);
  return new RemoteSource(
    { open, connectionsMax: 1, usersMax, translate, renamesExclusively: false, readsByName: false },
    { copies: true },
  );
}

const WANTED = ['resourcetype', 'getcontentlength', 'getlastmodified', 'getetag', 'getcontenttype'];
const PROPFIND_BODY = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>${WANTED.map((name) => `<${name}/>`).join('')}</prop></propfind>`;

const MADE = [200, 201, 204];
const MULTISTATUS = 207;
const PARTIAL = 206;
const REDIRECTS = [301, 302, 307, 308];
const NONE = [404, 410];

class WebdavClient implements RemoteClient {
  readonly failure = undefined;
  readonly #http: Http;
  readonly #encoding: string;
  /** Decoded, without slashes at the ends. */
  readonly #root: string;

  constructor(config: WebdavConfig, connections: number) {
    this.#http = new Http(config, connections);
    this.#encoding = config.encoding;
    const before = decodeURIComponent(config.base.pathname).replace(/^\/+|\/+$/g, '');
    this.#root = [before, config.container].filter((part) => part !== '').join('/');
  }

  close(): void {
    this.#http.close();
  }

  async stat(path: string): Promise<StoredEntry | undefined> {
    const answer = await this.#looked(this.#address(path), '0', path === '' ? undefined : parentOf(path));
    const [resource] = answer ? await all(answer) : [];
    return resource && entryOf(path, resource);
  }

  async list(folder: string): Promise<StoredEntry[] | undefined> {
    const answer = await this.#looked(this.#address(folder, true), '1', folder);
    if (!answer) return undefined;
    const root = this.#root === '' ? '' : `${this.#root}/`;
    const own = this.#decoded(folder);
    const entries: StoredEntry[] = [];
    let isFolder = false;
    for (const resource of await all(answer)) {
      if (resource.path === own) isFolder = resource.isFolder;
      else if (resource.path.startsWith(root)) entries.push(entryOf(resource.path.slice(root.length), resource));
    }
    return isFolder ? entries : undefined;
  }

  /**
   * Looks at the file again behind its headers, which say nothing: Apache names size and version of what it found, and
   * sends what it opens a moment later.
   */
  async read(path: string, admit: (entry: StoredEntry) => Span): Promise<AsyncIterator<Uint8Array> | undefined> {
    let entry = await this.stat(path);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (!entry) return undefined;
      const span = admit(entry);
      if (span.from >= span.to) return [][Symbol.iterator]() as unknown as AsyncIterator<Uint8Array>;
      const answer = await this.#get(path, span, entry.size);
      const now = await this.stat(path);
      if (answer && now && isSameVersion(entry, now)) return piecesOf(answer, span);
      answer?.body.destroy();
      entry = now;
    }
    throw unavailable('The file is replaced faster than it can be read.');
  }

  async write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    size: number | undefined,
    deadline: Deadline,
  ): Promise<void> {
    const controller = new AbortController();
    const forget = deadline.onAbort(() => controller.abort());
    let broken: unknown;
    // The driver tells of a body that has failed in words of its own.
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* body;
      } catch (error) {
        broken = error;
        throw error;
      }
    }
    try {
      await this.#do({
        method: 'PUT',
        path: this.#address(path),
        headers: size === undefined ? {} : { 'content-length': String(size) },
        body: watched(),
        signal: controller.signal,
      });
    } catch (error) {
      // It is not told whether something of the body was taken: this is no cause to try again.
      const isUnplaced = error instanceof StatusError && [404, 409].includes(error.status);
      throw deadline.reason ?? broken ?? (isUnplaced ? unavailable('The storage takes no new file.', error) : error);
    } finally {
      forget();
    }
  }

  rename(from: string, to: string, isNewOnly: boolean): Promise<void> {
    return this.#transfer('MOVE', from, to, isNewOnly);
  }

  copy(from: string, to: string): Promise<void> {
    return this.#transfer('COPY', from, to, true);
  }

  remove(path: string): Promise<void> {
    return this.#do({ method: 'DELETE', path: this.#address(path) });
  }

  async removeFolder(path: string): Promise<void> {
    // The server would remove all that is in it.
    if ((await this.list(path))?.length !== 0) throw folderNotEmpty();
    await this.#do({ method: 'DELETE', path: this.#address(path, true) });
  }

  makeFolder(path: string): Promise<void> {
    return this.#do({ method: 'MKCOL', path: this.#address(path, true) });
  }

  #transfer(method: 'MOVE' | 'COPY', from: string, to: string, isNewOnly: boolean): Promise<void> {
    const destination = this.#http.address(this.#address(to));
    const headers = { destination, overwrite: isNewOnly ? 'F' : 'T' };
    return this.#do({ method, path: this.#address(from), headers });
  }

  async #do(request: Request): Promise<void> {
    const answer = await this.#http.send(request, MADE);
    await answer.body.dump();
  }

  /**
   * Apache says of what would be below a file that the request is bad.
   * @param within  what must be a folder
   */
  async #looked(
    address: string,
    depth: '0' | '1',
    within: string | undefined,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      return await this.#properties(address, depth);
    } catch (error) {
      const isBad = error instanceof StatusError && error.status === 400 && within !== undefined;
      if (isBad && (await this.stat(within))?.isFolder !== true) return undefined;
      throw error;
    }
  }

  /** undefined: nothing there. Servers may want the slash of a folder. */
  async #properties(path: string, depth: '0' | '1'): Promise<AsyncIterable<Uint8Array> | undefined> {
    const headers = {
      depth,
      'content-type': 'application/xml; charset=utf-8',
      'accept-encoding': this.#encoding,
    };
    const request: Request = { method: 'PROPFIND', path, headers, body: PROPFIND_BODY };
    const answer = await this.#http.send(request, [MULTISTATUS, ...NONE, ...REDIRECTS]);
    if (answer.statusCode === MULTISTATUS) return unpacked(answer);
    await answer.body.dump();
    if (NONE.includes(answer.statusCode)) return undefined;
    const target = String(answer.headers['location'] ?? '');
    if (path.endsWith('/') || !target.endsWith(`${path}/`)) throw new StatusError('PROPFIND', answer.statusCode);
    return this.#properties(`${path}/`, depth);
  }

  /** As it is, not packed: sizes and ranges are those of the file. */
  async #get(path: string, { from, to }: Span, size: number): Promise<Answer | undefined> {
    const isAll = from === 0 && to === size;
    const headers = { 'accept-encoding': 'identity', ...(isAll ? {} : { range: `bytes=${from}-${to - 1}` }) };
    const answer = await this.#http.send({ method: 'GET', path: this.#address(path), headers }, [
      200,
      206,
      416,
      ...NONE,
    ]);
    if ([200, 206].includes(answer.statusCode)) return answer;
    await answer.body.dump();
    return undefined;
  }

  #decoded(path: string): string {
    return [this.#root, path].filter((part) => part !== '').join('/');
  }

  #address(path: string, isFolder = false): string {
    const parts = this.#decoded(path).split('/').map(encodeURIComponent).join('/');
    // The root of the server, and that of the container, are folders.
    return `/${parts}${(isFolder || path === '') && parts !== '' ? '/' : ''}`;
  }
}

async function all(body: AsyncIterable<Uint8Array>): Promise<Resource[]> {
  const resources: Resource[] = [];
  for await (const resource of readMultistatus(body)) resources.push(resource);
  return resources;
}

function unpacked({ body, headers }: Answer): AsyncIterable<Uint8Array> {
  const unpack = { gzip: createGunzip, deflate: createInflate }[
    String(headers['content-encoding'] ?? '').toLowerCase()
  ];
  if (!unpack) return body;
  const unpacking = unpack();
  body.on('error', (error) => unpacking.destroy(error));
  return body.pipe(unpacking);
}

function entryOf(path: string, { isFolder, size, modifiedMs, contentType, etag }: Resource): StoredEntry {
  const ofTimes = isFolder || modifiedMs === undefined ? undefined : `${size.toString(36)}-${modifiedMs.toString(36)}`;
  return { path, isFolder, size, modifiedMs, contentType, etag: etag ?? ofTimes };
}

const isSameVersion = (one: StoredEntry, other: StoredEntry): boolean =>
  one.etag === other.etag && one.size === other.size && one.modifiedMs === other.modifiedMs;

function piecesOf({ body, statusCode, headers }: Answer, { from, to }: Span): AsyncIterator<Uint8Array> {
  let at = statusCode === PARTIAL ? Number(/^bytes (\d+)-/.exec(String(headers['content-range']))?.[1] ?? from) : 0;
  async function* pieces(): AsyncGenerator<Uint8Array, undefined> {
    for await (const piece of body as AsyncIterable<Buffer>) {
      const wanted = piece.subarray(Math.max(0, from - at), Math.max(0, to - at));
      at += piece.length;
      if (wanted.length > 0) yield wanted;
      if (at > to) break;
    }
    if (at < to) throw unavailable(CUT_SHORT);
  }
  const generator = pieces();
  return {
    next: () => generator.next(),
    // Also where it was never begun, or waits for a server that is silent.
    return: async () => {
      body.destroy();
      return generator.return(undefined);
    },
  };
}

/** Files over SFTP: one SSH connection carries the calls of several callers, who do not wait for each other. */
import ssh2, { type Client, type ConnectConfig, type SFTPWrapper, type Stats } from 'ssh2';
import { FILE_PIECE_BYTES } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { joinPath, parentOf } from '#common/files/path.ts';
import type { StoredEntry } from '../backend.ts';
import { CONNECTION_LOST, folderMissing, unavailable } from '../failures.ts';
import type { RemoteClient, Span } from '../remote/client.ts';
import { RemoteSource } from '../remote/remote-source.ts';
import type { SftpConfig } from './config.ts';
import { full, isAbsence, STATUS, statusOf, translate, wrongServer } from './errors.ts';
import { isKeyOf, kindOf, signaturesBut } from './fingerprint.ts';
import { Pieces } from './pieces.ts';

/** More than these say nothing new to a server: each carries many calls. */
const CONNECTIONS_MAX = 4;
/** Calls of ours on one connection. */
const USERS_MAX = 64;
/** Pieces that are on their way to the server before the first one is acknowledged. */
const WRITES_AHEAD = 8;
/** Links of a listing that are followed together. */
const LINKS_AT_ONCE = 16;
/** A silent server is asked so many times within its timeout whether it is there. */
const QUESTIONS = 3;
const SECOND_MS = 1000;

/** @throws MillraceError invalid for a private key that cannot be read */
export function openSftp(config: SftpConfig, connectionsMax: number): RemoteSource {
  const credentials = credentialsOf(config);
  return new RemoteSource({
    open: () => connectTo(config, credentials),
    connectionsMax: Math.min(connectionsMax, CONNECTIONS_MAX),
    usersMax: USERS_MAX,
    translate,
    renamesExclusively: true,
    readsByName: false,
  });
}

type Credentials = Pick<ConnectConfig, 'username' | 'password' | 'privateKey' | 'passphrase'>;

/** A password that opens the key is none of the server's business. */
function credentialsOf({ username, password, privateKey }: SftpConfig): Credentials {
  if (privateKey === undefined) return { username, ...(password !== undefined && { password }) };
  if (!(ssh2.utils.parseKey(privateKey) instanceof Error))
    return { username, privateKey, ...(password !== undefined && { password }) };
  if (password === undefined || ssh2.utils.parseKey(privateKey, password) instanceof Error)
    throw invalid("Setting 'private_key' cannot be read, with 'password' as its passphrase where one is given.", {
      field: 'private_key',
    });
  return { username, privateKey, passphrase: password };
}

/** A server has keys of several kinds, and offers one: where that is not the known one the others are asked for. */
async function connectTo(config: SftpConfig, credentials: Credentials): Promise<SftpClient> {
  const wrongKinds = new Set<string>();
  for (;;) {
    const wrongBefore = wrongKinds.size;
    const client = new ssh2.Client();
    try {
      await signIn(client, config, credentials, wrongKinds);
      return await SftpClient.open(client, config.container);
    } catch (error) {
      client.destroy();
      if (wrongKinds.size > wrongBefore) continue;
      throw wrongKinds.size > 0 ? wrongServer() : error;
    }
  }
}

function signIn(client: Client, config: SftpConfig, credentials: Credentials, wrongKinds: Set<string>): Promise<void> {
  const { host, port, timeoutMs, fingerprint } = config;
  const { password } = credentials;
  const isKnown = (key: Buffer): boolean => {
    if (!fingerprint || isKeyOf(fingerprint, key)) return true;
    wrongKinds.add(kindOf(key));
    return false;
  };
  return new Promise((resolve, reject) => {
    client.once('ready', resolve);
    client.on('error', reject); // also later ones, which have been told by then
    client.once('close', () => reject(unavailable(CONNECTION_LOST)));
    // Servers that ask for the password in words of their own.
    client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) =>
      finish(prompts.map(() => password ?? '')),
    );
    client.connect({
      ...credentials,
      host,
      port,
      tryKeyboard: password !== undefined,
      readyTimeout: timeoutMs,
      keepaliveInterval: Math.ceil(timeoutMs / QUESTIONS),
      keepaliveCountMax: QUESTIONS,
      hostVerifier: isKnown,
      ...(wrongKinds.size > 0 && {
        algorithms: {
          serverHostKey: signaturesBut(wrongKinds) as NonNullable<ConnectConfig['algorithms']>['serverHostKey'] & {},
        },
      }),
    });
  });
}

type Answer<T> = (error: Error | null | undefined, value: T) => void;

class SftpClient implements RemoteClient {
  readonly #client: Client;
  readonly #sftp: SFTPWrapper;
  /** Absolute and without links; empty: the root of the server. */
  readonly #root: string;
  #failure: unknown;

  private constructor(client: Client, sftp: SFTPWrapper, root: string) {
    this.#client = client;
    this.#sftp = sftp;
    this.#root = root;
    const fail = (error?: unknown): void => {
      this.#failure ??= error ?? unavailable(CONNECTION_LOST);
    };
    for (const emitter of [client, sftp]) emitter.on('error', fail).on('close', fail);
  }

  static async open(client: Client, container: string): Promise<SftpClient> {
    const sftp = await asked<SFTPWrapper>((answer) => client.sftp(answer));
    const real = (path: string): Promise<string> => asked<string>((answer) => sftp.realpath(path, answer));
    const root = await real(container || '/').catch(async (error: unknown) => {
      if (!isAbsence(error)) throw error;
      return container.startsWith('/') ? container : `${await real('.')}/${container}`;
    });
    return new SftpClient(client, sftp, root === '/' ? '' : root);
  }

  get failure(): unknown {
    return this.#failure;
  }

  close(): void {
    this.#failure ??= unavailable(CONNECTION_LOST);
    this.#client.end();
  }

  async stat(path: string): Promise<StoredEntry | undefined> {
    const [isInside, stats] = await Promise.all([
      this.#isInside(path),
      this.#ask<Stats>((answer) => this.#sftp.stat(this.#full(path), answer)).catch(ifThere),
    ]);
    return isInside && stats ? entryOf(path, stats) : undefined;
  }

  async list(folder: string): Promise<StoredEntry[] | undefined> {
    if (!(await this.stat(folder))?.isFolder) return undefined;
    const all: StoredEntry[] = [];
    const links: string[] = [];
    for (const { filename, attrs } of await this.#ask<{ filename: string; attrs: Stats }[]>((answer) =>
      this.#sftp.readdir(this.#full(folder), answer),
    )) {
      const path = joinPath(folder, filename);
      if (attrs.isSymbolicLink()) links.push(path);
      else all.push(...[entryOf(path, attrs)].filter((entry) => entry !== undefined));
    }
    for (let first = 0; first < links.length; first += LINKS_AT_ONCE) {
      const found = await Promise.all(links.slice(first, first + LINKS_AT_ONCE).map((path) => this.stat(path)));
      all.push(...found.filter((entry) => entry !== undefined));
    }
    return all;
  }

  async read(path: string, admit: (entry: StoredEntry) => Span): Promise<AsyncIterator<Uint8Array> | undefined> {
    // Opening a pipe would hold the server until somebody writes to it.
    const there = await this.stat(path);
    if (!there) return undefined;
    if (there.isFolder) admit(there);
    const handle = await this.#ask<Buffer>((answer) => this.#sftp.open(this.#full(path), 'r', answer)).catch(ifThere);
    if (!handle) return undefined;
    const close = (): Promise<void> => this.#ask<void>((answer) => this.#sftp.close(handle, answer));
    try {
      const entry = entryOf(path, await this.#ask<Stats>((answer) => this.#sftp.fstat(handle, answer)));
      const span = entry && admit(entry);
      if (span) return new Pieces(span, (at, length) => this.#readAt(handle, at, length), close);
    } catch (error) {
      await close().catch(() => {});
      throw error;
    }
    await close();
    return undefined;
  }

  async write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    _size: number | undefined,
    deadline: Deadline,
  ): Promise<void> {
    const handle = await this.#ask<Buffer>((answer) => this.#sftp.open(this.#full(path), 'wx', answer));
    let at = 0;
    const ahead: Promise<void>[] = [];
    try {
      for await (const piece of body) {
        for (let from = 0; from < piece.length; from += FILE_PIECE_BYTES) {
          const bytes = Buffer.from(
            piece.buffer,
            piece.byteOffset + from,
            Math.min(FILE_PIECE_BYTES, piece.length - from),
          );
          const position = at;
          const writing = this.#ask<void>((answer) =>
            this.#sftp.write(handle, bytes, 0, bytes.length, position, answer),
          );
          writing.catch(() => {}); // met where it is awaited
          ahead.push(writing);
          at += bytes.length;
          if (ahead.length >= WRITES_AHEAD) await ahead.shift();
        }
      }
      for (const writing of ahead) await writing;
    } catch (error) {
      await Promise.allSettled(ahead);
      await this.#ask<void>((answer) => this.#sftp.close(handle, answer)).catch(() => {});
      throw deadline.reason ?? (await this.#orFull(error));
    }
    await this.#ask<void>((answer) => this.#sftp.close(handle, answer));
  }

  async rename(from: string, to: string, isNewOnly: boolean): Promise<void> {
    const [source, target] = [await this.#place(from), await this.#place(to)];
    const plainly = (): Promise<void> => this.#ask<void>((answer) => this.#sftp.rename(source, target, answer));
    if (isNewOnly) return plainly();
    try {
      await this.#ask<void>((answer) => this.#sftp.ext_openssh_rename(source, target, answer));
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      await this.#ask<void>((answer) => this.#sftp.unlink(target, answer)).catch(ifThere);
      await plainly();
    }
  }

  async remove(path: string): Promise<void> {
    const place = await this.#place(path);
    await this.#ask<void>((answer) => this.#sftp.unlink(place, answer));
  }

  async removeFolder(path: string): Promise<void> {
    const place = await this.#place(path);
    await this.#ask<void>((answer) => this.#sftp.rmdir(place, answer));
  }

  async makeFolder(path: string): Promise<void> {
    const place = await this.#place(path);
    await this.#ask<void>((answer) => this.#sftp.mkdir(place, answer));
  }

  async touch(path: string, modifiedMs: number): Promise<void> {
    const seconds = modifiedMs / SECOND_MS;
    await this.#ask<void>((answer) => this.#sftp.utimes(this.#full(path), seconds, seconds, answer));
  }

  #full(path: string): string {
    return path === '' ? this.#root || '/' : `${this.#root}/${path}`;
  }

  /** Where something comes to or goes from: its folder must be inside, whatever links lead there. */
  async #place(path: string): Promise<string> {
    if (!(await this.#isInside(parentOf(path)))) throw folderMissing(parentOf(path));
    return this.#full(path);
  }

  async #isInside(path: string): Promise<boolean> {
    if (this.#root === '') return true;
    const real = await this.#ask<string>((answer) => this.#sftp.realpath(this.#full(path), answer)).catch(ifThere);
    return real === this.#root || (real?.startsWith(`${this.#root}/`) ?? false);
  }

  async #readAt(handle: Buffer, at: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    const read = await this.#ask<number>((answer) => this.#sftp.read(handle, bytes, 0, length, at, answer));
    return bytes.subarray(0, read);
  }

  /** "Failure" is all that servers say of a full disk. */
  async #orFull(error: unknown): Promise<unknown> {
    if (statusOf(error) !== STATUS.failure) return error;
    const space = await this.#ask<{ f_bavail: number }>((answer) =>
      this.#sftp.ext_openssh_statvfs(this.#full(''), answer),
    ).catch(() => undefined);
    return Number(space?.f_bavail) === 0 ? full(error) : error;
  }

  async #ask<T>(question: (answer: Answer<T>) => void): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await asked(question);
    } catch (error) {
      // Questions hear of a lost connection before the connection itself.
      if (translate(error).message === CONNECTION_LOST) this.#failure ??= error;
      throw error;
    }
  }
}

function asked<T>(question: (answer: Answer<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    question((error, value) => (error ? reject(error) : resolve(value)));
  });
}

/** The driver throws at once where a server has not named the extension. */
const isUnsupported = (error: unknown): boolean =>
  statusOf(error) === STATUS.unsupported || /does not support/.test(String((error as Error).message));

function ifThere(error: unknown): undefined {
  if (!isAbsence(error)) throw error;
}

/** The protocol tells seconds only. */
function entryOf(path: string, stats: Stats): StoredEntry | undefined {
  const modifiedMs = stats.mtime * SECOND_MS;
  if (stats.isDirectory())
    return { path, isFolder: true, size: 0, modifiedMs, contentType: undefined, etag: undefined };
  if (!stats.isFile()) return undefined;
  const etag = `${stats.size.toString(36)}-${stats.mtime.toString(36)}`;
  return { path, isFolder: false, size: stats.size, modifiedMs, contentType: undefined, etag };
}

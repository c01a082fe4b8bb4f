/** Files of a Dropbox. It makes a file of a whole upload only, so there are no parts to be seen or removed. */
import { MIB } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { filePath, isBelow, joinPath } from '#common/files/path.ts';
import type { OpenedFile, ReadOptions, StorageSource, StoredEntry, WriteOptions } from '../backend.ts';
import { inTimeBody } from '../body.ts';
import * as failures from '../failures.ts';
import { RemoteBody } from '../remote/body.ts';
import { DROPBOX, DropboxApi, type Hosts } from './api.ts';
import { inBlocks } from './blocks.ts';
import type { DropboxConfig } from './config.ts';
import { type DropboxError, says, translate } from './errors.ts';

/** What is sent with one request; held in memory, so that it can be sent again. */
const BLOCK_BYTES = 4 * MIB;
const CONNECTIONS_MIN = 2;
/** Entries of one page: as many as Dropbox gives. */
const PAGE_ENTRIES = 2000;
const ATTEMPTS_MAX = 3;
/** How Dropbox names versions. */
const REV = /^[0-9a-f]{9,}$/;

/** What Dropbox says of a file or folder. */
interface Metadata {
  readonly '.tag': 'file' | 'folder' | 'deleted';
  readonly name: string;
  readonly size?: number;
  readonly rev?: string;
  readonly server_modified?: string;
}

interface Page {
  readonly entries: readonly Metadata[];
  readonly cursor: string;
  readonly has_more: boolean;
}

type Conditions = Pick<WriteOptions, 'createOnly' | 'ifEtag'>;

export class DropboxSource implements StorageSource {
  readonly #api: DropboxApi;
  readonly #root: string;

  constructor(config: DropboxConfig, connectionsMax: number, hosts: Hosts = DROPBOX) {
    this.#api = new DropboxApi(config, Math.max(connectionsMax, CONNECTIONS_MIN), hosts);
    this.#root = config.root;
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  stat(path: string, deadline: Deadline): Promise<StoredEntry | undefined> {
    return done(deadline, async () => {
      if (path !== '') return this.#find(path, deadline);
      // There is nothing to be known of the root but whether we may look.
      await this.#page('', 1, deadline);
      return { path: '', isFolder: true, size: 0, modifiedMs: undefined, contentType: undefined, etag: undefined };
    });
  }

  async *list(folder: string, deadline: Deadline): AsyncGenerator<StoredEntry> {
    const entries = await done(deadline, () => this.#entries(folder, deadline));
    for (const entry of entries) {
      deadline.throwIfAborted();
      yield entry;
    }
  }

  read(path: string, { range, ifEtag }: ReadOptions, deadline: Deadline): Promise<OpenedFile> {
    return done(deadline, async () => {
      const entry = path === '' ? undefined : await this.#find(path, deadline);
      if (!entry || entry.isFolder) throw failures.fileMissing(path);
      if (ifEtag !== undefined && ifEtag !== entry.etag) throw failures.otherVersion(path);
      const from = Math.min(range?.offset ?? 0, entry.size);
      const to = Math.min(from + (range?.length ?? entry.size), entry.size);
      const pieces = from < to ? await this.#download(entry, from, to, deadline) : noPieces();
      return { entry, body: new RemoteBody({ pieces, deadline, translate, release: () => {} }) };
    });
  }

  write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    { createOnly, ifEtag }: WriteOptions,
    deadline: Deadline,
  ): Promise<StoredEntry> {
    return done(deadline, async () => {
      if (path === '') throw failures.isRoot();
      await this.#requireWritable(path, { createOnly, ifEtag }, deadline);
      const commit = this.#commit(path, { createOnly, ifEtag });
      try {
        return entryOf(path, await this.#upload(commit, inTimeBody(body, deadline), deadline));
      } catch (error) {
        if (!says(error, 'conflict')) throw error;
        if (says(error, 'folder')) throw failures.folderThere(path);
        throw ifEtag === undefined ? failures.fileThere(path) : failures.otherVersion(path);
      }
    });
  }

  makeFolder(path: string, deadline: Deadline): Promise<void> {
    return done(deadline, async () => {
      if (path === '') return;
      try {
        await this.#api.call('create_folder_v2', { path: this.#full(path), autorename: false }, true, deadline);
      } catch (error) {
        if (!says(error, 'conflict')) throw error;
        if ((await this.#find(path, deadline))?.isFolder !== true) throw failures.fileThere(path);
      }
    });
  }

  remove(path: string, deadline: Deadline): Promise<void> {
    return done(deadline, async () => {
      for (let attempt = 1; ; attempt++) {
        const there = path === '' ? undefined : await this.#find(path, deadline);
        if (!there || there.isFolder) throw failures.fileMissing(path);
        try {
          // With its version: a folder that has come in its place would go with all that is in it.
          const argument = { path: this.#full(path), parent_rev: there.etag };
          await this.#api.call('delete_v2', argument, false, deadline);
          return;
        } catch (error) {
          if (says(error, 'not_found')) throw failures.fileMissing(path);
          if (!says(error, 'conflict') || attempt === ATTEMPTS_MAX) throw error;
        }
      }
    });
  }

  removeFolder(path: string, deadline: Deadline): Promise<void> {
    return done(deadline, async () => {
      if (path === '') throw failures.isRoot();
      const page = await this.#page(path, 1, deadline);
      if (!page) throw failures.folderMissing(path);
      // Dropbox would remove all that is in it.
      if (page.entries.length > 0 || page.has_more) throw failures.folderNotEmpty();
      await this.#api.call('delete_v2', { path: this.#full(path) }, false, deadline);
    });
  }

  /** Dropbox copies to where nothing is; over a file the bytes come through us. */
  copy(from: string, to: string, deadline: Deadline): Promise<void> {
    return done(deadline, async () => {
      const there = from === '' ? undefined : await this.#find(from, deadline);
      if (!there || there.isFolder) throw failures.fileMissing(from);
      try {
        await this.#relocate('copy_v2', from, to, deadline);
      } catch (error) {
        if (!says(error, 'conflict')) throw error;
        const { body } = await this.read(from, {}, deadline);
        const options = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
        await this.write(to, body, options, deadline);
      }
    });
  }

  move(from: string, to: string, isFolder: boolean, deadline: Deadline): Promise<void> {
    return done(deadline, async () => {
      if (from === '' || to === '' || isBelow(to, from)) throw failures.isRoot();
      const there = await this.#find(from, deadline);
      if (there?.isFolder !== isFolder) throw (isFolder ? failures.folderMissing : failures.fileMissing)(from);
      await this.#relocate('move_v2', from, to, deadline).catch((error: unknown) => {
        throw says(error, 'conflict') ? failures.fileThere(to) : error;
      });
    });
  }

  async #find(path: string, deadline: Deadline): Promise<StoredEntry | undefined> {
    try {
      return entryOf(path, await this.#api.call<Metadata>('get_metadata', { path: this.#full(path) }, true, deadline));
    } catch (error) {
      if (says(error, 'not_found') || says(error, 'not_folder')) return undefined;
      throw error;
    }
  }

  /** undefined: there is no such folder. */
  async #page(folder: string, limit: number, deadline: Deadline): Promise<Page | undefined> {
    try {
      const argument = { path: this.#full(folder), recursive: false, include_deleted: false, limit };
      return await this.#api.call<Page>('list_folder', argument, true, deadline);
    } catch (error) {
      if (says(error, 'not_found') || says(error, 'not_folder')) return undefined;
      throw error;
    }
  }

  /** By their bytes: Dropbox has an order of its own. */
  async #entries(folder: string, deadline: Deadline): Promise<StoredEntry[]> {
    const all: { entry: StoredEntry; key: string }[] = [];
    for (let page = await this.#page(folder, PAGE_ENTRIES, deadline); page; ) {
      for (const metadata of page.entries) {
        const path = joinPath(folder, metadata.name);
        if (metadata['.tag'] !== 'deleted' && isShown(path))
          all.push({ entry: entryOf(path, metadata), key: Buffer.from(path).toString('latin1') });
      }
      if (!page.has_more) break;
      page = await this.#api.call<Page>('list_folder/continue', { cursor: page.cursor }, true, deadline);
    }
    return all.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ entry }) => entry);
  }

  /** By its version: another one that comes meanwhile is not in between. */
  async #download(
    { etag }: StoredEntry,
    from: number,
    to: number,
    deadline: Deadline,
  ): Promise<AsyncIterator<Uint8Array>> {
    const answer = await this.#api.download({ path: `rev:${etag}` }, `bytes=${from}-${to - 1}`, deadline);
    const { body, statusCode } = answer;
    let at = statusCode === 206 ? from : 0;
    async function* pieces(): AsyncGenerator<Uint8Array, undefined> {
      for await (const piece of body as AsyncIterable<Buffer>) {
        const wanted = piece.subarray(Math.max(0, from - at), Math.max(0, to - at));
        at += piece.length;
        if (wanted.length > 0) yield wanted;
      }
      if (at < to) throw failures.unavailable(failures.CUT_SHORT);
    }
    const generator = pieces();
    return {
      next: () => generator.next(),
      // Also where it was never begun.
      return: () => {
        body.destroy();
        return generator.return(undefined);
      },
    };
  }

  /** Said before a body is taken that is of no use; Dropbox itself decides when it has come. */
  async #requireWritable(path: string, { createOnly, ifEtag }: Conditions, deadline: Deadline): Promise<void> {
    if (!createOnly && ifEtag === undefined) return;
    const there = await this.#find(path, deadline);
    if (there?.isFolder) throw failures.folderThere(path);
    if (there && createOnly) throw failures.fileThere(path);
    if (ifEtag !== undefined && (there?.etag !== ifEtag || !REV.test(ifEtag))) throw failures.otherVersion(path);
  }

  #commit(path: string, { createOnly, ifEtag }: Conditions) {
    const update = ifEtag === undefined ? 'overwrite' : { '.tag': 'update', update: ifEtag };
    const mode = createOnly ? 'add' : update;
    // Strict: also where the same bytes are there already.
    return { path: this.#full(path), mode, autorename: false, mute: true, strict_conflict: true };
  }

  /** Small files with one request, larger ones block by block. */
  async #upload(
    commit: Readonly<Record<string, unknown>>,
    body: AsyncIterable<Uint8Array>,
    deadline: Deadline,
  ): Promise<Metadata> {
    let session: string | undefined;
    let offset = 0;
    for await (const { block, isLast } of inBlocks(body, BLOCK_BYTES)) {
      if (isLast && session === undefined) return this.#api.upload('upload', commit, block, false, deadline);
      const cursor = { session_id: session, offset };
      if (isLast) return this.#api.upload('upload_session/finish', { cursor, commit }, block, false, deadline);
      if (session === undefined) {
        const started = await this.#api.upload<{ session_id: string }>(
          'upload_session/start',
          {},
          block,
          true,
          deadline,
        );
        session = started.session_id;
      } else await this.#append(cursor, block, deadline);
      offset += block.length;
    }
    throw failures.unavailable(failures.CONNECTION_LOST);
  }

  /** Sent again it may be there already: then Dropbox expects what comes behind it. */
  async #append(cursor: { readonly offset: number }, block: Uint8Array, deadline: Deadline): Promise<void> {
    try {
      await this.#api.upload('upload_session/append_v2', { cursor, close: false }, block, true, deadline);
    } catch (error) {
      const { correct_offset: expected } = ((error as DropboxError).detail ?? {}) as { correct_offset?: number };
      if (!says(error, 'incorrect_offset') || expected !== cursor.offset + block.length) throw error;
    }
  }

  async #relocate(route: string, from: string, to: string, deadline: Deadline): Promise<void> {
    const argument = { from_path: this.#full(from), to_path: this.#full(to), autorename: false };
    await this.#api.call(route, argument, false, deadline);
  }

  #full(path: string): string {
    return path === '' ? this.#root : `${this.#root}/${path}`;
  }
}

async function done<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
  deadline.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    throw deadline.reason ?? translate(error);
  }
}

function entryOf(path: string, metadata: Metadata): StoredEntry {
  const isFolder = metadata['.tag'] === 'folder';
  const time = Date.parse(metadata.server_modified ?? '');
  return {
    path,
    isFolder,
    size: metadata.size ?? 0,
    modifiedMs: Number.isNaN(time) ? undefined : time,
    contentType: undefined,
    etag: metadata.rev,
  };
}

async function* noPieces(): AsyncGenerator<Uint8Array> {}

function isShown(path: string): boolean {
  try {
    return filePath(path) === path;
  } catch {
    return false;
  }
}

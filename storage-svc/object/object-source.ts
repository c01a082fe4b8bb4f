/** Files and folders over a store of keys and values. */
import { Readable } from 'node:stream';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { inTime, within } from '#common/in-time.ts';
import type { OpenedFile, ReadOptions, StorageSource, StoredEntry, WriteOptions } from '../backend.ts';
import { inTimeBody } from '../body.ts';
import {
  fileMissing,
  fileThere,
  folderMissing,
  folderNotEmpty,
  isRoot,
  otherVersion,
  TOO_SLOW,
  unavailable,
} from '../failures.ts';
import { ObjectBody } from './body.ts';
import type { Condition, GetOptions, ObjectClient, OpenedObject } from './client.ts';
import { statusOf } from './failures.ts';
import { isShown, prefixOf } from './keys.ts';
import { entryOf, folderEntry, hasAny, keysBelow, listFolder, listTree, type Pages } from './listing.ts';
import { upload } from './upload.ts';

/** The first call waits for it, whatever its own time is. */
const CONTAINER_TIMEOUT_MS = 15_000;
/** For what nobody waits for any longer. */
const CLEAN_UP_TIMEOUT_MS = 15_000;
/** What folders are made of: as other programs mark them. */
const FOLDER_TYPE = 'application/x-directory';
/** What may stand in an HTTP header between quotes. */
const ETAG = /^[\x21\x23-\x7e]+$/;
const OTHER_VERSION = 412;
const OUT_OF_RANGE = 416;
const NOTHING = new Uint8Array();

export interface ObjectStore {
  readonly client: ObjectClient;
  readonly translate: (thrown: unknown) => MillraceError;
}

export class ObjectSource implements StorageSource {
  readonly #client: ObjectClient;
  readonly #translate: (thrown: unknown) => MillraceError;
  readonly #cleaning = new Set<Promise<void>>();
  #container: Promise<void> | undefined;

  constructor({ client, translate }: ObjectStore) {
    this.#client = client;
    this.#translate = translate;
  }

  async close(): Promise<void> {
    await Promise.all(this.#cleaning);
    await this.#client.close();
  }

  stat(path: string, deadline: Deadline): Promise<StoredEntry | undefined> {
    return this.#do(deadline, async (signal) => {
      if (path === '') return folderEntry(path);
      const info = await this.#client.head(path, signal);
      if (info) return entryOf(info);
      return (await hasAny(this.#pages(signal), prefixOf(path))) ? folderEntry(path) : undefined;
    });
  }

  list(folder: string, deadline: Deadline): AsyncGenerator<StoredEntry> {
    return this.#each(deadline, (pages) => listFolder(pages, folder));
  }

  listTree(folder: string, deadline: Deadline): AsyncGenerator<StoredEntry> {
    return this.#each(deadline, (pages) => listTree(pages, folder));
  }

  read(path: string, options: ReadOptions, deadline: Deadline): Promise<OpenedFile> {
    return this.#do(deadline, async (signal) => {
      if (path === '') throw fileMissing(path);
      const opened = await this.#open(path, options, signal);
      const { offset = 0, length = opened.info.size } = options.range ?? {};
      const from = Math.min(offset, opened.info.size);
      const range = { from, to: Math.min(from + length, opened.info.size) };
      const { etag } = opened.info;
      const reopen = (at: number) => this.#reopen(path, { offset: at, length: range.to - at }, etag, deadline);
      const body = new ObjectBody(opened.body, { range, deadline, reopen, translate: this.#translate });
      return { entry: entryOf(opened.info), body };
    });
  }

  write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions,
    deadline: Deadline,
  ): Promise<StoredEntry> {
    return this.#do(deadline, async (signal) => {
      const { contentType, size, createOnly, ifEtag } = options;
      if (path === '') throw isRoot();
      // Said before a body is taken that is of no use; and some stores know no conditions.
      if (createOnly || ifEtag !== undefined) {
        const there = await this.#client.head(path, signal);
        if (there && createOnly) throw fileThere(path);
        if (ifEtag !== undefined && there?.etag !== ifEtag) throw otherVersion(path);
      }
      const condition: Condition = createOnly ? 'new' : ifEtag === undefined ? undefined : { etag: ifEtag };
      try {
        const sent = inTimeBody(body, deadline);
        const cleanUp = (work: Work): void => this.#cleanUp(work);
        const done = await upload(this.#client, path, sent, { contentType, size, condition }, signal, cleanUp);
        return entryOf({ key: path, contentType, ...done });
      } catch (error) {
        throw deadline.reason ?? this.#unmet(path, condition, error);
      }
    });
  }

  makeFolder(path: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async (signal) => {
      if (path !== '') await this.#mark(path, signal);
    });
  }

  remove(path: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async (signal) => {
      if (path === '' || !(await this.#client.remove(path, signal))) throw fileMissing(path);
    });
  }

  removeFolder(path: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async (signal) => {
      if (path === '') throw isRoot();
      const key = prefixOf(path);
      // The folder's own key is the first of them.
      const { objects } = await this.#client.page({ prefix: key, isDeep: true, token: undefined, max: 2 }, signal);
      if (objects.some((object) => object.key !== key)) throw folderNotEmpty();
      if (objects.length === 0 || !(await this.#client.remove(key, signal))) throw folderMissing(path);
    });
  }

  removeTree(folder: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async (signal) => {
      const own = prefixOf(folder);
      for await (const keys of keysBelow(this.#pages(signal), own)) {
        const gone = keys.filter((key) => key !== own && isShown(key, folder));
        if (gone.length > 0) await this.#client.removeAll(gone, signal);
      }
    });
  }

  copy(from: string, to: string, deadline: Deadline): Promise<void> {
    return this.#do(deadline, async (signal) => {
      if (to === '') throw isRoot();
      if (from === '' || !(await this.#client.copy(from, to, signal))) throw fileMissing(from);
    });
  }

  /** It stands beside the content; of a folder beside that of the folder's own key. */
  describe(
    path: string,
    isFolder: boolean,
    properties: Readonly<Record<string, unknown>>,
    deadline: Deadline,
  ): Promise<void> {
    return this.#do(deadline, async (signal) => {
      if (path === '') throw isRoot();
      if (isFolder) await this.#mark(path, signal);
      const key = isFolder ? prefixOf(path) : path;
      const isThere = await this.#client.describe(key, inAscii(JSON.stringify(properties)), signal);
      if (!isThere) throw (isFolder ? folderMissing : fileMissing)(path);
    });
  }

  /** The key of the folder itself; beside one that is there may stand what was said of it. */
  async #mark(path: string, signal: AbortSignal): Promise<void> {
    const key = prefixOf(path);
    if (await this.#client.head(key, signal)) return;
    await this.#client.put(key, NOTHING, { contentType: FOLDER_TYPE, condition: undefined }, signal);
  }

  /** Requests end with the deadline. */
  async #do<T>(deadline: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    deadline.throwIfAborted();
    const controller = new AbortController();
    const forget = deadline.onAbort(() => controller.abort());
    try {
      await inTime(this.#ready(), deadline);
      return await inTime(work(controller.signal), deadline);
    } catch (error) {
      throw deadline.reason ?? this.#translate(error);
    } finally {
      forget();
    }
  }

  async *#each(deadline: Deadline, work: (pages: Pages) => AsyncGenerator<StoredEntry>): AsyncGenerator<StoredEntry> {
    const pages: Pages = (query) => this.#do(deadline, (signal) => this.#client.page(query, signal));
    for await (const entry of work(pages)) {
      deadline.throwIfAborted();
      yield entry;
    }
    deadline.throwIfAborted();
  }

  #pages(signal: AbortSignal): Pages {
    return (query) => this.#client.page(query, signal);
  }

  /** Once; again where it has failed. */
  #ready(): Promise<void> {
    this.#container ??= signalled(CONTAINER_TIMEOUT_MS, (signal) => this.#client.ensureContainer(signal)).catch(
      (error: unknown) => {
        this.#container = undefined;
        throw isLate(error) ? unavailable(TOO_SLOW, error) : error;
      },
    );
    return this.#container;
  }

  async #open(path: string, { range, ifEtag }: ReadOptions, signal: AbortSignal): Promise<OpenedObject> {
    let isOther = false;
    if (range?.length !== 0 && (ifEtag === undefined || ETAG.test(ifEtag))) {
      const opened = await this.#client.get(path, { range, etag: ifEtag }, signal).catch((error: unknown) => {
        if (statusOf(error) === OTHER_VERSION) return 'other' as const;
        if (statusOf(error) === OUT_OF_RANGE) return 'behind' as const;
        throw error;
      });
      if (!opened) throw fileMissing(path);
      isOther = opened === 'other';
      if (typeof opened === 'object') return opened;
    }
    const info = await this.#client.head(path, signal);
    if (!info) throw fileMissing(path);
    if (isOther || (ifEtag !== undefined && info.etag !== ifEtag)) throw otherVersion(path);
    return { info, body: Readable.from([]) };
  }

  #reopen(path: string, range: GetOptions['range'], etag: string | undefined, deadline: Deadline): Promise<Readable> {
    return this.#do(deadline, async (signal) => {
      const opened = await this.#client.get(path, { range, etag }, signal);
      if (!opened) throw fileMissing(path);
      return opened.body;
    });
  }

  /** What a store says of a condition, about the file. */
  #unmet(path: string, condition: Condition, error: unknown): unknown {
    const { code } = this.#translate(error);
    if (condition === 'new' && ['conflict', 'contradiction'].includes(code)) return fileThere(path);
    if (condition && ['conflict', 'contradiction', 'not_found'].includes(code)) return otherVersion(path);
    return error;
  }

  #cleanUp(work: Work): void {
    // Where it fails the store has parts that nobody sees: it, or our next start, removes them in time.
    const done = signalled(CLEAN_UP_TIMEOUT_MS, work)
      .catch(() => {})
      .finally(() => this.#cleaning.delete(done));
    this.#cleaning.add(done);
  }
}

type Work = (signal: AbortSignal) => Promise<void>;

const signalled = (milliseconds: number, work: Work): Promise<void> =>
  within(milliseconds, (deadline) => {
    const controller = new AbortController();
    deadline.onAbort(() => controller.abort());
    return work(controller.signal);
  });

const isLate = (error: unknown): boolean => error instanceof MillraceError && error.code === 'deadline';

/** JSON that is the same JSON, for places that take nothing else. */
const inAscii = (json: string): string =>
  json.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

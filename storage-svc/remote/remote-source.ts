/**
 * Files on a server, whatever protocol it speaks: conditions, parts that come to their place when they are whole,
 * connections that are lent and replaced.
 */
import type { Deadline } from '#common/deadline.ts';
import type { MillraceError } from '#common/errors.ts';
import { filePath, isBelow, OWN_FOLDER, parentOf } from '#common/files/path.ts';
import { inTime } from '#common/in-time.ts';
import type { OpenedFile, ReadOptions, StorageSource, StoredEntry, WriteOptions } from '../backend.ts';
import { inTimeBody } from '../body.ts';
import * as failures from '../failures.ts';
import { type Lease, Pool, type PoolOptions, type Purpose } from '../pool.ts';
import { Turns } from '../turns.ts';
import { RemoteBody } from './body.ts';
import type { RemoteClient, Span } from './client.ts';
import { locked } from './lock.ts';
import { Parts, partPath } from './parts.ts';

export interface RemoteOptions extends Omit<PoolOptions<RemoteClient>, 'onOpen'> {
  readonly translate: (thrown: unknown) => MillraceError;
  /** The protocol itself replaces only where nothing is, if that is asked for. */
  readonly renamesExclusively: boolean;
  /** What is read cannot be told from a version that takes its place after it was looked at. */
  readonly readsByName: boolean;
}

type Conditions = Pick<WriteOptions, 'createOnly' | 'ifEtag'>;

const REPLACE: Conditions = { createOnly: false, ifEtag: undefined };
const SECOND_MS = 1000;

export class RemoteSource implements StorageSource {
  readonly #options: RemoteOptions;
  readonly #pool: Pool<RemoteClient>;
  readonly #parts: Parts;
  /** What is compared and then replaced is held against other writers of this process. */
  readonly #turns = new Turns();
  #hasOwnFolder = false;
  /** Servers that copy by themselves only. */
  copy?: (from: string, to: string, deadline: Deadline) => Promise<void>;

  constructor(options: RemoteOptions, abilities: { readonly copies: boolean } = { copies: false }) {
    this.#options = options;
    this.#parts = new Parts((deadline, work) => this.#use('call', deadline, work));
    this.#pool = new Pool({ ...options, onOpen: () => this.#parts.clean() });
    if (abilities.copies) this.copy = (from, to, deadline) => this.#copy(from, to, deadline);
  }

  async close(): Promise<void> {
    await this.#parts.settled();
    await this.#pool.close();
  }

  async stat(path: string, deadline: Deadline): Promise<StoredEntry | undefined> {
    const entry = await this.#settled(path, () => this.#look(deadline, (client) => client.stat(path)));
    if (!entry && path === '') throw failures.rootMissing();
    return entry;
  }

  async *list(folder: string, deadline: Deadline): AsyncGenerator<StoredEntry> {
    const entries = await this.#look(deadline, (client) => client.list(folder));
    if (!entries && folder === '') throw failures.rootMissing();
    for (const entry of sorted((entries ?? []).filter(isShown))) {
      deadline.throwIfAborted();
      yield entry;
    }
  }

  async read(path: string, { range, ifEtag }: ReadOptions, deadline: Deadline): Promise<OpenedFile> {
    let entry: StoredEntry | undefined;
    const admit = (found: StoredEntry): Span => {
      if (found.isFolder) throw failures.fileMissing(path);
      if (ifEtag !== undefined && ifEtag !== found.etag) throw failures.otherVersion(path);
      entry = found;
      const from = Math.min(range?.offset ?? 0, found.size);
      return { from, to: Math.min(from + (range?.length ?? found.size), found.size) };
    };
    const body = await this.#settled(path, async () => {
      const { lease, result: pieces } = await this.#retried('read', deadline, (client) => client.read(path, admit));
      const { translate } = this.#options;
      if (pieces) return new RemoteBody({ pieces, deadline, translate, release: () => lease.release() });
      lease.release();
      return undefined;
    });
    if (!body || !entry) throw failures.fileMissing(path);
    return { entry, body };
  }

  async write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions,
    deadline: Deadline,
  ): Promise<StoredEntry> {
    // Said before a body is taken that is of no use; looked at again when it has come.
    await this.#look(deadline, (client) => requireWritable(client, path, options));
    await this.#ensureOwnFolder(deadline);
    return this.#withPart(path, options, deadline, (client, part) =>
      client.write(part, inTimeBody(body, deadline), options.size, deadline),
    );
  }

  async makeFolder(path: string, deadline: Deadline): Promise<void> {
    if (path === '') return deadline.throwIfAborted();
    await this.#use('call', deadline, (client) => makeFolder(client, path));
  }

  async remove(path: string, deadline: Deadline): Promise<void> {
    const there = await this.stat(path, deadline);
    if (!there || there.isFolder) throw failures.fileMissing(path);
    await this.#use('call', deadline, async (client) => {
      await client.remove(path).catch(async (error: unknown) => {
        throw (await client.stat(path)) ? error : failures.fileMissing(path);
      });
    });
  }

  async removeFolder(path: string, deadline: Deadline): Promise<void> {
    if (path === '') throw failures.isRoot();
    const there = await this.stat(path, deadline);
    if (!there?.isFolder) throw failures.folderMissing(path);
    await this.#use('call', deadline, async (client) => {
      await client.removeFolder(path).catch(async (error: unknown) => {
        const entries = await client.list(path);
        if (!entries) throw failures.folderMissing(path);
        throw entries.length > 0 ? failures.folderNotEmpty() : error;
      });
    });
  }

  async move(from: string, to: string, isFolder: boolean, deadline: Deadline): Promise<void> {
    if (from === '' || to === '' || isBelow(to, from)) throw failures.isRoot();
    const there = await this.stat(from, deadline);
    if (there?.isFolder !== isFolder) throw (isFolder ? failures.folderMissing : failures.fileMissing)(from);
    await this.#turns.take(to, () =>
      this.#use('call', deadline, async (client) => {
        if (await client.stat(to)) throw failures.fileThere(to);
        deadline.throwIfAborted();
        await client.rename(from, to, true).catch((error: unknown) => this.#whyNotRenamed(client, to, true, error));
      }),
    );
  }

  async #copy(from: string, to: string, deadline: Deadline): Promise<void> {
    const there = await this.stat(from, deadline);
    if (!there || there.isFolder) throw failures.fileMissing(from);
    await this.#look(deadline, (client) => requireWritable(client, to, REPLACE));
    await this.#ensureOwnFolder(deadline);
    await this.#withPart(to, REPLACE, deadline, async (client, part) => client.copy?.(from, part));
  }

  /** Servers that do not replace at once have nothing there for a moment: then it is looked for again. */
  async #settled<T>(path: string, look: () => Promise<T | undefined>): Promise<T | undefined> {
    const found = await look();
    return found === undefined && this.#turns.isTaken(path) ? this.#turns.take(path, look) : found;
  }

  /** What is made as a part comes to its place, or is removed. */
  async #withPart(
    path: string,
    conditions: Conditions,
    deadline: Deadline,
    make: (client: RemoteClient, part: string) => Promise<void>,
  ): Promise<StoredEntry> {
    const part = partPath();
    let isDone = false;
    const making = (): Promise<void> => this.#use('write', deadline, (client) => make(client, part));
    try {
      await making().catch(async (error: MillraceError) => {
        // Somebody has taken our own folder away; nothing of the body is taken yet.
        if (error.code !== 'not_found') throw error;
        this.#hasOwnFolder = false;
        await this.#ensureOwnFolder(deadline);
        await making();
      });
      return await this.#turns.take(path, () =>
        this.#use('call', deadline, async (client) => {
          const entry = await this.#publish(client, part, path, conditions, deadline);
          isDone = true;
          return entry;
        }),
      );
    } finally {
      if (!isDone) this.#parts.giveUp(part);
    }
  }

  async #publish(
    client: RemoteClient,
    part: string,
    path: string,
    conditions: Conditions,
    deadline: Deadline,
  ): Promise<StoredEntry> {
    const { createOnly, ifEtag } = conditions;
    const place = async (): Promise<StoredEntry> => {
      const there = await requireWritable(client, path, conditions);
      if (there) await tellApart(client, part, there);
      deadline.throwIfAborted();
      await client
        .rename(part, path, createOnly)
        .catch((error: unknown) => this.#whyNotRenamed(client, path, createOnly, error));
      const entry = await client.stat(path);
      if (!entry) throw failures.fileMissing(path);
      return entry;
    };
    const needsLock = ifEtag !== undefined || (createOnly && !this.#options.renamesExclusively);
    return needsLock ? locked(client, path, deadline, place) : place();
  }

  async #whyNotRenamed(client: RemoteClient, to: string, isNewOnly: boolean, error: unknown): Promise<never> {
    if (client.failure !== undefined) throw error;
    const there = await client.stat(to);
    if (there && isNewOnly) throw failures.fileThere(to);
    if (there?.isFolder) throw failures.folderThere(to);
    if (!there) await requireFolder(client, parentOf(to));
    throw error;
  }

  async #ensureOwnFolder(deadline: Deadline): Promise<void> {
    if (this.#hasOwnFolder) return;
    await this.#use('call', deadline, (client) => makeFolder(client, OWN_FOLDER));
    this.#hasOwnFolder = true;
  }

  /** Done again on a fresh connection where the first one is broken. */
  async #look<T>(deadline: Deadline, work: (client: RemoteClient) => Promise<T>): Promise<T> {
    const { lease, result } = await this.#retried('call', deadline, work);
    lease.release();
    return result;
  }

  async #retried<T>(
    purpose: Purpose,
    deadline: Deadline,
    work: (client: RemoteClient) => Promise<T>,
  ): Promise<{ lease: Lease<RemoteClient>; result: T }> {
    for (let attempt = 1; ; attempt++) {
      const lease = await this.#acquire(purpose, deadline);
      try {
        return { lease, result: await this.#working(lease, deadline, work) };
      } catch (error) {
        if (lease.connection.failure === undefined || deadline.reason || attempt === 2)
          throw deadline.reason ?? this.#options.translate(error);
      }
    }
  }

  async #use<T>(purpose: Purpose, deadline: Deadline, work: (client: RemoteClient) => Promise<T>): Promise<T> {
    const lease = await this.#acquire(purpose, deadline);
    try {
      const result = await this.#working(lease, deadline, work);
      lease.release();
      return result;
    } catch (error) {
      throw deadline.reason ?? this.#options.translate(error);
    }
  }

  async #acquire(purpose: Purpose, deadline: Deadline): Promise<Lease<RemoteClient>> {
    try {
      return await this.#pool.acquire(purpose, deadline);
    } catch (error) {
      throw deadline.reason ?? this.#options.translate(error);
    }
  }

  /**
   * Where it fails the connection is given back. At the deadline nobody waits any longer: a connection of one's own is
   * closed, which ends the work; from one that others use it goes when the server has answered.
   */
  async #working<T>(
    lease: Lease<RemoteClient>,
    deadline: Deadline,
    work: (client: RemoteClient) => Promise<T>,
  ): Promise<T> {
    const working = work(lease.connection);
    try {
      return await inTime(working, deadline);
    } catch (error) {
      if (deadline.reason) {
        if (this.#options.usersMax === 1) lease.connection.close();
        void working.catch(() => {}).finally(() => lease.release());
      } else lease.release();
      throw error;
    }
  }
}

/** @returns what is there. @throws MillraceError conflict, contradiction */
async function requireWritable(
  client: RemoteClient,
  path: string,
  { createOnly, ifEtag }: Conditions,
): Promise<StoredEntry | undefined> {
  if (path === '') throw failures.isRoot();
  const there = await client.stat(path);
  if (there?.isFolder) throw failures.folderThere(path);
  if (there && createOnly) throw failures.fileThere(path);
  if (ifEtag !== undefined && there?.etag !== ifEtag) throw failures.otherVersion(path);
  if (!there) await requireFolder(client, parentOf(path));
  return there;
}

async function requireFolder(client: RemoteClient, path: string): Promise<void> {
  const there = await client.stat(path);
  if (there?.isFolder) return;
  throw path === '' ? failures.rootMissing() : failures.folderMissing(path);
}

async function makeFolder(client: RemoteClient, path: string): Promise<void> {
  try {
    await client.makeFolder(path);
  } catch (error) {
    if (client.failure !== undefined) throw error;
    const there = await client.stat(path);
    if (there?.isFolder) return;
    if (there) throw failures.fileThere(path);
    await requireFolder(client, parentOf(path));
    throw error;
  }
}

/** Where versions are told apart by size and seconds, one that would look like its predecessor gets a later second. */
async function tellApart(client: RemoteClient, part: string, there: StoredEntry): Promise<void> {
  if (!client.touch || there.modifiedMs === undefined) return;
  const { size, modifiedMs } = (await client.stat(part)) ?? {};
  if (size === there.size && (modifiedMs ?? 0) <= there.modifiedMs)
    await client.touch(part, there.modifiedMs + SECOND_MS);
}

/** Our own folder is not, nor what our paths cannot say. */
function isShown({ path }: StoredEntry): boolean {
  try {
    return !path.includes('\ufffd') && filePath(path) === path;
  } catch {
    return false;
  }
}

function sorted(entries: readonly StoredEntry[]): StoredEntry[] {
  return entries
    .map((entry) => ({ entry, key: Buffer.from(entry.path).toString('latin1') }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ entry }) => entry);
}

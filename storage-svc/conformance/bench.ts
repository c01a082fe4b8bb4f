/** An opened source and the few words in which the cases of all backends speak. */
import { expect } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { ReadOptions, StorageBackend, StorageSource, StoredEntry, WriteOptions } from '../backend.ts';

/** What a backend may lack, each with its reason. */
export type Lack =
  | 'copy'
  | 'move'
  | 'listTree'
  | 'describe'
  /** Versions that differ in nothing but their bytes, written within a second, look alike. */
  | 'etag'
  /** What is there already is looked for, and not held off: of two writers with create_only both may win. */
  | 'exclusive'
  /** Likewise of two with if_etag. */
  | 'compareAndSwap'
  /** Names that differ in case only are the same. */
  | 'caseSensitive';

export interface Subject {
  readonly backend: StorageBackend;
  /** The source over a fresh, empty container. The suite closes it. */
  open(): Promise<StorageSource>;
  readonly lacks: Readonly<Partial<Record<Lack, string>>>;
  /** Entries of the folder that takes more than one page. */
  readonly manyEntries?: number;
  /** Bytes of the name of a folder, where the server takes fewer than of a file. */
  readonly folderNameBytesMax?: number | undefined;
}

const DEADLINE_MS = 30_000;

export class Bench {
  readonly source: StorageSource;
  readonly backend: StorageBackend;
  readonly #lacks: Subject['lacks'];

  constructor(source: StorageSource, { backend, lacks }: Subject) {
    this.source = source;
    this.backend = backend;
    this.#lacks = lacks;
  }

  has(ability: Lack): boolean {
    return this.#lacks[ability] === undefined;
  }

  deadline(): Deadline {
    return Deadline.after(DEADLINE_MS);
  }

  put(path: string, content: Content, options: Partial<WriteOptions> = {}): Promise<StoredEntry> {
    const body = isPieces(content) ? content : [Buffer.from(content)];
    return this.source.write(path, piecesOf(body), { ...PLAIN, ...options }, this.deadline());
  }

  async bytes(path: string, options: ReadOptions = {}): Promise<Buffer> {
    const { body } = await this.source.read(path, options, this.deadline());
    return collected(body);
  }

  async text(path: string, options: ReadOptions = {}): Promise<string> {
    return (await this.bytes(path, options)).toString();
  }

  stat(path: string): Promise<StoredEntry | undefined> {
    return this.source.stat(path, this.deadline());
  }

  async list(folder: string): Promise<StoredEntry[]> {
    return allOf(this.source.list(folder, this.deadline()));
  }

  /** Their paths; those of folders with a slash at the end. */
  async paths(folder: string): Promise<string[]> {
    return (await this.list(folder)).map(shown);
  }

  async makeFolders(...paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.source.makeFolder(path, this.deadline());
  }
}

export const shown = ({ path, isFolder }: StoredEntry): string => (isFolder ? `${path}/` : path);

const PLAIN: WriteOptions = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };

type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
type Content = string | Uint8Array | Pieces;

const isPieces = (content: Content): content is Pieces =>
  typeof content !== 'string' && !(content instanceof Uint8Array);

/** As senders give them: each is used again for the next one. */
async function* piecesOf(pieces: Pieces): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield piece;
}

export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function collected(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  // Copies: a backend may read the next piece into the same memory.
  for await (const piece of body) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** All of them the same byte. */
export const isOneByte = (bytes: Buffer): boolean => bytes.every((byte) => byte === bytes[0]);

/** `done`, or the code of the error. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    return (error as MillraceError).code;
  }
}

/** Something to wait for. */
export interface Gate {
  readonly passed: Promise<void>;
  pass(): void;
}

export function gate(): Gate {
  let pass = (): void => {};
  const passed = new Promise<void>((resolve) => {
    pass = resolve;
  });
  return { passed, pass };
}

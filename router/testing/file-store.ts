/** A storage tier in memory, with what routers can see of it, for the tests of what is in front of it. */
import { createHash } from 'node:crypto';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError, notFound } from '#common/errors.ts';
import type { UploadAnswer } from '#common/files/answers.ts';
import type { ChangeInit, FileContext, ListOptions, UploadOptions } from '#common/files/client.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { isBelow, joinPath, nameOf, parentOf } from '#common/files/path.ts';
import { PathRules } from '#common/files/rules.ts';
import { Family, type Rules } from '#proto/files/v1/files_pb.ts';
import type { FileStore } from '../files/call.ts';

/** 2023-11-14, 22:13:20.5 */
export const MODIFIED_MS = 1_700_000_000_500;

interface Kept {
  readonly content: Buffer | undefined;
  readonly version: number;
}

const TYPES: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  json: 'application/json',
  html: 'text/html',
  zip: 'application/zip',
  js: 'text/javascript',
  svg: 'image/svg+xml',
  png: 'image/png',
};

interface Uploading {
  readonly path: string;
  length: number | undefined;
  readonly metadata: string;
  bytes: Buffer;
}

/** Folders have no content. */
export class FakeStore implements Partial<Record<keyof FileStore, unknown>> {
  family: Family;
  readonly kept = new Map<string, Kept>();
  readonly uploads = new Map<string, Uploading>();
  /** What each call said of its caller. */
  readonly contexts: FileContext[] = [];
  readonly calls: string[] = [];
  /** Done before a file is read, as somebody else might. */
  beforeRead: (() => void) | undefined;
  #version = 0;

  constructor(family: Family = Family.LOCAL, contents: Readonly<Record<string, string | undefined>> = {}) {
    this.family = family;
    for (const [path, content] of Object.entries(contents)) this.put(path, content);
  }

  get asStore(): FileStore {
    return this as unknown as FileStore;
  }

  get paths(): string[] {
    return [...this.kept.keys()].sort();
  }

  text(path: string): string | undefined {
    return this.kept.get(path)?.content?.toString();
  }

  put(path: string, content: string | Buffer | undefined): void {
    const bytes = content === undefined ? undefined : Buffer.from(content as string);
    this.kept.set(path, { content: bytes, version: ++this.#version });
  }

  async stat(context: FileContext, path: string, digests: readonly string[]) {
    this.#note('stat', context, path);
    const entry = this.#entry(path);
    const content = this.kept.get(path)?.content;
    const sums = content ? digests.map((name) => [name, digestOf(name, content)]) : [];
    return { entry, family: this.family, digests: Object.fromEntries(sums) as Record<string, string> };
  }

  async list(context: FileContext, options: ListOptions) {
    const { path = '', fullTree, withoutFiles, withoutFolders, search = '' } = options;
    this.#note('list', context, path);
    if (!this.#entry(path)?.isFolder) throw notFound(`Folder '${path}' does not exist.`);
    const rules = new PathRules(context.rules as Rules | undefined);
    const found = this.paths
      .filter((each) => (fullTree ? isBelow(each, path) : each !== '' && parentOf(each) === path))
      .filter((each) => rules.allows(each, 1) && nameOf(each).includes(search))
      .map((each) => this.#entry(each) as FileEntry)
      .filter(({ isFolder }) => !(isFolder ? withoutFolders : withoutFiles));
    return { folder: this.#entry(path) as FileEntry, family: this.family, entries: groupsOf(found) };
  }

  async read(context: FileContext, options: { path?: string; range?: unknown; ifEtag?: string }) {
    const { path = '', range, ifEtag = '' } = options;
    this.beforeRead?.();
    this.#note('read', context, path);
    const entry = this.#entry(path);
    const content = this.kept.get(path)?.content;
    if (!entry || !content) throw notFound(`File '${path}' does not exist.`);
    if (ifEtag !== '' && ifEtag !== entry.etag) throw new MillraceError('contradiction', 'another version');
    const { offset, length } = (range ?? { offset: 0n, length: BigInt(content.length) }) as Record<string, bigint>;
    const part = content.subarray(Number(offset), Number(offset) + Number(length));
    return { entry, family: this.family, body: piecesOf(part) };
  }

  async pack(context: FileContext, path: string) {
    this.#note('pack', context, path);
    if (!this.#entry(path)?.isFolder) throw notFound(`Folder '${path}' does not exist.`);
    return { entry: this.#entry(path) as FileEntry, family: this.family, body: piecesOf(Buffer.from('PK zip')) };
  }

  async write(context: FileContext, options: UploadOptions, body: AsyncIterable<Uint8Array>) {
    const { path = '', createOnly, ifEtag = '', digests = {}, size } = options;
    this.#note('write', context, path);
    const parent = parentOf(path);
    if (!this.#entry(parent)?.isFolder) throw notFound(`Folder '${parent}' does not exist.`);
    const there = this.#entry(path);
    if (there && createOnly) throw new MillraceError('conflict', `File '${path}' already exists.`);
    if (ifEtag !== '' && there?.etag !== ifEtag) throw new MillraceError('contradiction', 'another version');
    const content = await gathered(body);
    if (size !== undefined && Number(size) !== content.length) throw invalid('The content is shorter than was said.');
    for (const [name, value] of Object.entries(digests)) {
      if (digestOf(name, content) !== value) throw invalid(`The content does not have the digest '${name}'.`);
    }
    this.put(path, content);
    return { entry: this.#entry(path) as FileEntry, family: this.family, digests: {} };
  }

  async unpack(context: FileContext, { path = '', clean }: UploadOptions, body: AsyncIterable<Uint8Array>) {
    this.#note(clean ? 'unpack clean' : 'unpack', context, path);
    this.put(joinPath(path, 'unpacked.txt'), await gathered(body));
    return { folder: this.#entry(path) as FileEntry, files: 1, family: this.family };
  }

  async fetch(
    context: FileContext,
    { path = '' }: UploadOptions,
    source: { url: string; unpack: boolean; intoFolder?: boolean },
  ) {
    const target = source.intoFolder ? joinPath(path, nameOf(new URL(source.url).pathname)) : path;
    this.#note(source.unpack ? 'fetch zip' : 'fetch', context, target);
    if (source.unpack) return { unpacked: { folder: this.#entry(path) as FileEntry, files: 1, family: this.family } };
    this.put(target, source.url);
    return { written: { entry: this.#entry(target) as FileEntry, family: this.family, digests: {} } };
  }

  async beginUpload(
    context: FileContext,
    { path = '', size, metadata = '', createOnly }: UploadOptions,
  ): Promise<UploadAnswer> {
    this.#note('begin', context, path);
    if (this.#entry(path) && createOnly) throw new MillraceError('conflict', `File '${path}' already exists.`);
    const length = size === undefined ? undefined : Number(size);
    this.uploads.set('u1', { path, length, metadata, bytes: Buffer.alloc(0) });
    return this.#uploadOf('u1');
  }

  async appendUpload(
    context: FileContext,
    { upload = '', offset = 0n, length }: { upload?: string; offset?: bigint; length?: bigint },
    digests: Readonly<Record<string, string>>,
    body: AsyncIterable<Uint8Array>,
  ): Promise<UploadAnswer> {
    const known = this.#upload(upload);
    this.#note('append', context, known.path);
    if (Number(offset) !== known.bytes.length) {
      throw new MillraceError('conflict', 'The upload goes on at another offset.', { offset: known.bytes.length });
    }
    const bytes = await gathered(body);
    for (const [name, value] of Object.entries(digests)) {
      if (digestOf(name === 'sha' ? 'sha1' : name, bytes) !== value) throw invalid('Another digest.', { digest: name });
    }
    known.bytes = Buffer.concat([known.bytes, bytes]);
    if (length !== undefined) known.length = Number(length);
    if (known.bytes.length === known.length) this.put(known.path, known.bytes);
    return this.#uploadOf(upload);
  }

  async getUpload(context: FileContext, upload: string): Promise<UploadAnswer> {
    this.#note('look', context, upload);
    return this.#uploadOf(upload);
  }

  async endUpload(context: FileContext, upload: string): Promise<UploadAnswer> {
    this.#note('end', context, upload);
    const answer = this.#uploadOf(upload);
    this.uploads.delete(upload);
    return answer;
  }

  #upload(id: string): Uploading {
    const known = this.uploads.get(id);
    if (!known) throw notFound('There is no such upload.');
    return known;
  }

  #uploadOf(upload: string): UploadAnswer {
    const { path, length, metadata, bytes } = this.#upload(upload);
    const entry = bytes.length === length ? this.#entry(path) : undefined;
    const { family } = this;
    return { upload, offset: bytes.length, length, metadata, expiresMs: MODIFIED_MS, path, entry, family };
  }

  async change(context: FileContext, changes: readonly ChangeInit[], _deadline: Deadline) {
    const outcomes = changes.map((change) => {
      try {
        this.#change(context, change);
        return { entry: undefined };
      } catch (error) {
        return { error: MillraceError.from(error) };
      }
    });
    return { family: this.family, outcomes };
  }

  #change(context: FileContext, { kind }: ChangeInit): void {
    if (kind?.case === 'makeFolder') {
      const { path = '' } = kind.value;
      this.#note('makeFolder', context, path);
      const there = this.#entry(path);
      if (there) throw new MillraceError('conflict', `${there.isFolder ? 'Folder' : 'File'} '${path}' already exists.`);
      this.put(path, undefined);
    } else if (kind?.case === 'copy') {
      const { from = '', to = '', isFolder, move } = kind.value;
      this.#note(move ? 'move' : 'copy', context, `${from} ${to}`);
      const there = this.#entry(from);
      if (there?.isFolder !== isFolder) throw notFound(`${isFolder ? 'Folder' : 'File'} '${from}' does not exist.`);
      if (this.#entry(to))
        throw new MillraceError('conflict', `${isFolder ? 'Folder' : 'File'} '${to}' already exists.`);
      for (const [path, { content }] of [...this.kept]) {
        if (path !== from && !isBelow(path, from)) continue;
        this.put(to + path.slice(from.length), content);
        if (move) this.kept.delete(path);
      }
    } else if (kind?.case === 'remove') {
      const { path = '', isFolder, force, contentOnly } = kind.value;
      this.#note('remove', context, path);
      if (this.#entry(path)?.isFolder !== isFolder) throw notFound(`'${path}' does not exist.`);
      const below = this.paths.filter((each) => isBelow(each, path));
      if (below.length > 0 && !force) throw new MillraceError('conflict', 'The folder is not empty.');
      for (const each of contentOnly ? below : [...below, path]) this.kept.delete(each);
    } else if (kind?.case === 'describe') {
      const { path = '', propertiesJson = new Uint8Array() } = kind.value;
      this.#note('describe', context, `${path} ${Buffer.from(propertiesJson)}`);
      if (this.family !== Family.OBJECT) throw new MillraceError('unsupported', 'no properties here');
    }
  }

  #note(name: string, context: FileContext, path: string): void {
    this.contexts.push(context);
    this.calls.push(`${name} ${path}`);
  }

  #entry(path: string): FileEntry | undefined {
    const kept = path === '' ? { content: undefined, version: 0 } : this.kept.get(path);
    if (!kept) return undefined;
    const { content, version } = kept;
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    return {
      path,
      isFolder: content === undefined,
      size: content?.length ?? 0,
      modifiedMs: MODIFIED_MS,
      contentType: content && type,
      etag: content && `v${version}`,
    };
  }
}

const digestOf = (name: string, content: Uint8Array): string =>
  createHash(name.replace('-', '')).update(content).digest('base64');

async function* groupsOf(entries: readonly FileEntry[]): AsyncGenerator<readonly FileEntry[]> {
  for (let at = 0; at < entries.length; at += 2) yield entries.slice(at, at + 2);
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 3) yield bytes.subarray(at, at + 3);
}

async function gathered(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

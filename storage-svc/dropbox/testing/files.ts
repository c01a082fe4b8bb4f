/** The files of the stand-in, and what its calls do with them. */
import { randomUUID } from 'node:crypto';

export interface Failure {
  readonly status: number;
  readonly summary: string;
  readonly detail: unknown;
}

/** @param summary  tags with slashes between them */
export function fail(summary: string, status = 409, detail: unknown = { '.tag': summary.split('/')[0] }): never {
  throw { status, summary, detail } satisfies Failure;
}

interface Metadata {
  readonly '.tag': 'file' | 'folder';
  readonly name: string;
  readonly path_lower: string;
  readonly path_display: string;
  readonly rev?: string;
  readonly size?: number;
  readonly server_modified?: string;
}

interface Node {
  readonly metadata: Metadata;
  readonly bytes: Buffer;
}

interface Commit {
  readonly path: string;
  readonly mode: string | { readonly '.tag': string; readonly update: string };
  readonly strict_conflict: boolean;
}

interface Cursor {
  readonly session_id: string;
  readonly offset: number;
}

type Argument = Readonly<Record<string, unknown>>;
type Handler = (argument: Argument, body: Buffer) => unknown;

export class FakeFiles {
  /** By path in lower case. */
  readonly #nodes = new Map<string, Node>();
  readonly #versions = new Map<string, Node>();
  readonly #sessions = new Map<string, Buffer[]>();
  readonly #cursors = new Map<string, Metadata[]>();
  #rev = 0x0123456789;
  bytesMax = Number.POSITIVE_INFINITY;

  readonly #handlers: Readonly<Record<string, Handler>> = {
    get_metadata: ({ path }) => this.#find(path, 'path').metadata,
    list_folder: ({ path, limit }) => this.#list(String(path), Number(limit)),
    'list_folder/continue': ({ cursor }) => this.#page(this.#cursors.get(String(cursor)) ?? fail('reset'), 500),
    create_folder_v2: ({ path }) => {
      const there = this.#nodes.get(this.#checked(path, 'path'));
      if (there) fail(`path/conflict/${there.metadata['.tag']}`);
      return { metadata: this.#makeFolder(String(path)) };
    },
    delete_v2: ({ path, parent_rev: rev }) => {
      const { metadata } = this.#find(path, 'path_lookup');
      if (rev !== undefined && metadata.rev !== rev) fail('path_write/conflict/file');
      for (const key of this.#below(metadata.path_lower)) this.#nodes.delete(key);
      return { metadata };
    },
    copy_v2: (argument) => this.#relocate(argument, false),
    move_v2: (argument) => this.#relocate(argument, true),
    upload: (argument, body) => this.#store(argument as unknown as Commit, body, 'path'),
    'upload_session/start': (_, body) => {
      const id = randomUUID();
      this.#sessions.set(id, [body]);
      return { session_id: id };
    },
    'upload_session/append_v2': ({ cursor }, body) => {
      this.#session(cursor as Cursor, '').push(body);
      return null;
    },
    'upload_session/finish': ({ cursor, commit }, body) => {
      const pieces = this.#session(cursor as Cursor, 'lookup_failed/');
      return this.#store(commit as Commit, Buffer.concat([...pieces, body]), 'path');
    },
  };

  call(route: string, argument: Argument, body: Buffer | undefined): unknown {
    const handler = this.#handlers[route] ?? fail(`Unknown API function: ${route}`, 400);
    return handler(argument, body ?? Buffer.alloc(0));
  }

  /** @param path  or `rev:` and a version */
  content(path: string): Node {
    const node = path.startsWith('rev:') ? this.#versions.get(path.slice(4)) : this.#find(path, 'path');
    if (!node) fail('path/not_found');
    return node.metadata['.tag'] === 'file' ? node : fail('path/not_file');
  }

  #checked(path: unknown, tag: string): string {
    if (typeof path !== 'string' || !/^(\/[^/]+)+$/.test(path)) fail(`${tag}/malformed_path`);
    return path.toLowerCase();
  }

  #find(path: unknown, tag: string): Node {
    return this.#nodes.get(this.#checked(path, tag)) ?? fail(`${tag}/not_found`);
  }

  #below(lower: string): string[] {
    return [...this.#nodes.keys()].filter((key) => key === lower || key.startsWith(`${lower}/`));
  }

  #list(path: string, limit: number): unknown {
    if (path !== '' && this.#find(path, 'path').metadata['.tag'] !== 'folder') fail('path/not_folder');
    const lower = path.toLowerCase();
    const entries = [...this.#nodes.values()]
      .map(({ metadata }) => metadata)
      .filter(({ path_lower: each }) => each.slice(0, each.lastIndexOf('/')) === lower);
    return this.#page(entries, limit);
  }

  #page(entries: readonly Metadata[], limit: number): unknown {
    const cursor = randomUUID();
    const rest = entries.slice(Math.min(limit, 500));
    this.#cursors.set(cursor, rest);
    return { entries: entries.slice(0, Math.min(limit, 500)), cursor, has_more: rest.length > 0 };
  }

  #makeFolder(path: string): Metadata {
    const lower = path.toLowerCase();
    const there = this.#nodes.get(lower)?.metadata;
    if (there) return there['.tag'] === 'folder' ? there : fail('path/conflict/file_ancestor');
    const above = path.slice(0, path.lastIndexOf('/'));
    if (above !== '') this.#makeFolder(above);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const metadata: Metadata = { '.tag': 'folder', name, path_lower: lower, path_display: path };
    this.#nodes.set(lower, { metadata, bytes: Buffer.alloc(0) });
    return metadata;
  }

  #session({ session_id: id, offset }: Cursor, tag: string): Buffer[] {
    const pieces = this.#sessions.get(id) ?? fail(`${tag}not_found`);
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const detail = { '.tag': 'incorrect_offset', correct_offset: size };
    return size === offset ? pieces : fail(`${tag}incorrect_offset`, 409, detail);
  }

  #store({ path, mode, strict_conflict: isStrict }: Commit, bytes: Buffer, tag: string): Metadata {
    const lower = this.#checked(path, tag);
    const there = this.#nodes.get(lower);
    if (there?.metadata['.tag'] === 'folder') fail(`${tag}/conflict/folder`);
    if (there && mode === 'add' && (isStrict || !there.bytes.equals(bytes))) fail(`${tag}/conflict/file`);
    if (typeof mode === 'object') {
      if (!/^[0-9a-f]{9,}$/.test(mode.update)) fail('update: did not match the pattern of a rev', 400);
      if (there?.metadata.rev !== mode.update) fail(`${tag}/conflict/file`);
    }
    if (bytes.length > this.bytesMax) fail(`${tag}/insufficient_space`);
    return this.#put(path, bytes);
  }

  #put(path: string, bytes: Buffer): Metadata {
    const above = path.slice(0, path.lastIndexOf('/'));
    if (above !== '') this.#makeFolder(above);
    const rev = (++this.#rev).toString(16).padStart(15, '0');
    const metadata: Metadata = {
      '.tag': 'file',
      name: path.slice(path.lastIndexOf('/') + 1),
      path_lower: path.toLowerCase(),
      path_display: path,
      rev,
      size: bytes.length,
      server_modified: `${new Date().toISOString().slice(0, 19)}Z`,
    };
    const node = { metadata, bytes };
    this.#nodes.set(metadata.path_lower, node);
    this.#versions.set(rev, node);
    return metadata;
  }

  #relocate({ from_path: from, to_path: to }: Argument, isMove: boolean): unknown {
    const { metadata } = this.#find(from, 'from_lookup');
    const there = this.#nodes.get(this.#checked(to, 'to'));
    if (there) fail(`to/conflict/${there.metadata['.tag']}`);
    for (const key of this.#below(metadata.path_lower)) {
      const node = this.#nodes.get(key) as Node;
      const path = String(to) + node.metadata.path_display.slice(String(from).length);
      if (node.metadata['.tag'] === 'file') this.#put(path, node.bytes);
      else this.#makeFolder(path);
      if (isMove) this.#nodes.delete(key);
    }
    return { metadata: this.#find(to, 'to').metadata };
  }
}

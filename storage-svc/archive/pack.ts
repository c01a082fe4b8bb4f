/** A folder as a zip, streamed. */
import { FILE_PIECE_BYTES, FILES_AT_ONCE, PACKED_ENTRIES_MAX } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import { isBelow } from '#common/files/path.ts';
import type { StoredEntry } from '../backend.ts';
import { type Call, READ_BIT } from '../call.ts';
import { contentTypeOf } from '../content-types.ts';
import { walkTree } from '../operations/tree.ts';
import { type Ahead, readAhead } from './read-ahead.ts';
import { isWorthPacking } from './worth-packing.ts';
import { ZipWriter } from './zip-writer.ts';

/**
 * What the caller's role may read of a folder; folders themselves where they are empty. What vanishes meanwhile is left
 * out, what cannot be read makes the whole fail. Names are those from the root of the service, or, of stores of keys
 * and values, from the folder (files-and-scripting-api §1.2).
 *
 * @throws MillraceError limited where there are too many entries, else what the storage says
 */
export async function* pack(call: Call, folder: string): AsyncGenerator<Uint8Array> {
  const zip = new ZipWriter();
  const isFromRoot = call.family !== 'object' || folder === '';
  const options = { filesMax: FILES_AT_ONCE, bytesMax: FILE_PIECE_BYTES };
  for await (const { entry, file } of readAhead(readable(call, folder), (one) => open(call, one), options)) {
    try {
      if (zip.entries === PACKED_ENTRIES_MAX) throw tooMany();
      yield* packed(zip, isFromRoot ? entry.path : entry.path.slice(folder.length + 1), entry, file);
    } finally {
      await file?.rest?.return?.();
    }
  }
  yield* zip.end();
}

const tooMany = (): MillraceError =>
  new MillraceError('limited', `A zip is made of at most ${PACKED_ENTRIES_MAX} files.`);

async function* packed(
  zip: ZipWriter,
  name: string,
  { path, modifiedMs, size, contentType }: StoredEntry,
  file: Ahead | undefined,
): AsyncGenerator<Uint8Array> {
  const isWorth = isWorthPacking(contentType ?? contentTypeOf(path));
  if (!file) yield zip.folder({ name: `${name}/`, modifiedMs });
  else if (!file.rest) yield* zip.whole({ name, modifiedMs }, file.held, isWorth);
  else yield* zip.streamed({ name, modifiedMs, size, isWorthPacking: isWorth }, contentOf(file.held, file.rest));
}

/** All files and empty folders that the role may read. */
async function* readable({ source, rules, deadline }: Call, folder: string): AsyncGenerator<StoredEntry> {
  let above: StoredEntry | undefined;
  for await (const entry of walkTree(source, folder, deadline)) {
    if (above && !isBelow(entry.path, above.path)) yield above;
    above = undefined;
    if (!rules.allows(entry.path, READ_BIT)) continue;
    if (entry.isFolder) above = entry;
    else yield entry;
  }
  if (above) yield above;
}

/** Its first bytes: of a small one all of them, and then it is closed. */
async function open({ source, deadline }: Call, { path }: StoredEntry): Promise<Ahead | undefined> {
  const opened = await source.read(path, {}, deadline).catch((error: unknown) => {
    if (error instanceof MillraceError && error.code === 'not_found') return undefined;
    throw error;
  });
  if (!opened) return undefined;
  const pieces = opened.body[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const next = await pieces.next();
    if (next.done) return { held: Buffer.concat(held), rest: undefined };
    held.push(next.value);
    bytes += next.value.length;
    if (bytes > FILE_PIECE_BYTES) return { held: Buffer.concat(held), rest: pieces };
  }
}

async function* contentOf(held: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield held;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

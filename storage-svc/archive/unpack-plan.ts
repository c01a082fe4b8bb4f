/** What a zip would do to a folder, and whether it may: judged as a whole, before anything is done. */
import { UNPACK_RATIO_FROM_BYTES, UNPACK_RATIO_MAX } from '#common/bounds.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { filePath, isBelow, joinPath, parentOf } from '#common/files/path.ts';
import type { PathRules } from '#common/files/rules.ts';
import type { ZipItem } from './zip-reader.ts';

export interface PlannedFile {
  readonly path: string;
  readonly item: ZipItem;
}

export interface UnpackPlan {
  /** Below the folder, those above others first; also those that only follow from the names of files. */
  readonly folders: readonly string[];
  readonly files: readonly PlannedFile[];
}

export interface PlanOptions {
  readonly folder: string;
  /** Where the contents of the zip end, at the latest. */
  readonly zipBytes: number;
  /** Of all contents together. */
  readonly bytesMax: number;
  readonly rules: PathRules;
  readonly writeBit: number;
}

/** @throws MillraceError invalid, denied: with the entry and the reason */
export function planOf(items: readonly ZipItem[], options: PlanOptions): UnpackPlan {
  requireApart(items, options.zipBytes);
  const modest = Math.max(UNPACK_RATIO_FROM_BYTES, options.zipBytes * UNPACK_RATIO_MAX);
  const bytesMax = Math.min(options.bytesMax, modest);
  let bytes = 0;
  const files = new Map<string, PlannedFile>();
  const named = new Set<string>();
  for (const item of items) {
    const path = pathOf(item, options.folder);
    if (!item.entry) throw refused(item, 'is a symbolic link, or another thing that is no file');
    if (files.has(path) || named.has(path)) throw refused(item, 'is there twice');
    if (item.isFolder) named.add(path);
    else files.set(path, { path, item });
    if (item.isFolder && item.size > 0) throw refused(item, 'is a folder with a content');
    bytes += item.size;
    if (bytes > bytesMax) throw invalid(`The zip unpacks to more than ${bytesMax} bytes.`);
  }
  const folders = foldersOf([...named, ...[...files.keys()].map(parentOf)], options.folder);
  for (const path of folders) {
    const file = files.get(path);
    if (file) throw refused(file.item, 'is a file and a folder');
  }
  for (const path of [...folders, ...files.keys()]) options.rules.require(path, options.writeBit);
  return { folders, files: [...files.values()] };
}

/** All that are named, and those above them, below the folder of the zip. */
function foldersOf(paths: readonly string[], root: string): string[] {
  const folders = new Set<string>();
  for (const named of paths) {
    for (let path = named; isBelow(path, root) && !folders.has(path); path = parentOf(path)) folders.add(path);
  }
  return [...folders].sort((a, b) => a.length - b.length); // one above another is shorter
}

function pathOf(item: ZipItem, folder: string): string {
  // Some begin every name at the folder itself, and name that too.
  const name = item.name.replace(/^(?:\.\/)+/, '');
  if (name === '' && item.isFolder) return folder;
  if (name === '' || name.startsWith('/')) throw refused(item, 'does not begin with a name');
  if (name.includes('//')) throw refused(item, 'has a part without a name');
  if (decoded(name).split(/[/\\]/).includes('..')) throw refused(item, 'climbs');
  // By itself, for what counts at the beginning only, and where it shall be.
  return filePath(joinPath(folder, filePath(name)));
}

/** Somebody who takes the paths of this folder for parts of a URL shall not be led out of it either. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** No byte of the zip belongs to two entries: their sizes cannot add up to more than was sent. */
function requireApart(items: readonly ZipItem[], zipBytes: number): void {
  let end = 0;
  for (const item of items.toSorted((a, b) => a.offset - b.offset)) {
    if (item.offset < end) throw refused(item, 'shares bytes with another entry');
    end = item.offset + LOCAL_HEADER_BYTES + item.packedSize;
  }
  if (end > zipBytes) throw invalid('This is no zip, or a damaged one.');
}

const LOCAL_HEADER_BYTES = 30;

const SHOWN_LENGTH = 200;

function refused({ name }: ZipItem, reason: string): MillraceError {
  const shown = JSON.stringify(name.slice(0, SHOWN_LENGTH)).slice(1, -1);
  return invalid(`The zip is refused: its entry '${shown}' ${reason}.`);
}

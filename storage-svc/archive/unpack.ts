/**
 * A zip into a folder. It is taken in as a whole first: the directory, which alone says what belongs to a zip, stands
 * at its end, and a zip that is refused shall not have begun to do anything.
 */
import { FILES_AT_ONCE, UNPACK_TIMES_MAX } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { parentOf } from '#common/files/path.ts';
import { type Call, DELETE_BIT } from '../call.ts';
import { contentTypeOf } from '../content-types.ts';
import { fileThere, folderThere } from '../failures.ts';
import { AtOnce } from '../operations/at-once.ts';
import { makeFolders } from '../operations/parents.ts';
import { removeBelow, requireBelow } from '../operations/remove.ts';
import { withStaged } from './staged.ts';
import { type PlannedFile, planOf, type UnpackPlan } from './unpack-plan.ts';
import { ZipReader } from './zip-reader.ts';

export interface UnpackOptions {
  /** It is made where there is none. */
  readonly folder: string;
  /** What is in the folder leaves first: when the zip has proved good. */
  readonly clean: boolean;
  /** Of the zip. */
  readonly bytesMax: number;
}

/**
 * Files that are there are replaced. Where the storage fails in the middle, what was written so far is there.
 *
 * @returns how many files were written
 * @throws MillraceError invalid, denied, conflict: nothing was done
 */
export async function unpack(call: Call, options: UnpackOptions, body: AsyncIterable<Uint8Array>): Promise<number> {
  const { folder, clean, bytesMax } = options;
  const { deadline, rules, writeBit } = call;
  return withStaged(body, bytesMax, deadline, async (file, zipBytes) => {
    const zip = await ZipReader.open(file, zipBytes);
    const plan = planOf(zip.items, { folder, zipBytes, bytesMax: bytesMax * UNPACK_TIMES_MAX, rules, writeBit });
    for (const { item } of plan.files) await requireGood(zip, item, deadline);
    if (clean) await requireBelow(call, folder, (path) => rules.require(path, DELETE_BIT));
    else await requireNoneInTheWay(call, folder, plan);
    await makeFolders(call, folder);
    if (clean) await removeBelow(call, folder);
    for (const path of plan.folders) await call.source.makeFolder(path, deadline);
    await atOnce(plan.files, (planned) => write(call, zip, planned));
    return plan.files.length;
  });
}

/** Reads all of it. */
async function requireGood(zip: ZipReader, item: PlannedFile['item'], deadline: Deadline): Promise<void> {
  for await (const _ of zip.content(item)) deadline.throwIfAborted();
}

/** @throws MillraceError conflict for a file where a folder shall be, and the other way round */
async function requireNoneInTheWay({ source, deadline }: Call, root: string, plan: UnpackPlan): Promise<void> {
  const there = new Set<string>([root]);
  for (const path of plan.folders) {
    if (!there.has(parentOf(path))) continue; // in a new folder all is new
    const entry = await source.stat(path, deadline);
    if (entry && !entry.isFolder) throw fileThere(path);
    if (entry) there.add(path);
  }
  const inOldFolders = plan.files.filter(({ path }) => there.has(parentOf(path)));
  await atOnce(inOldFolders, async ({ path }) => {
    if ((await source.stat(path, deadline))?.isFolder) throw folderThere(path);
  });
}

async function write({ source, deadline }: Call, zip: ZipReader, { path, item }: PlannedFile): Promise<void> {
  const options = { contentType: contentTypeOf(path), size: item.size, createOnly: false, ifEtag: undefined };
  await source.write(path, zip.content(item), options, deadline);
}

async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const underway = new AtOnce(FILES_AT_ONCE);
  try {
    for (const item of items) await underway.add(() => work(item));
    await underway.all();
  } finally {
    await underway.settled();
  }
}

import { create } from '@bufbuild/protobuf';
import { invalid, MillraceError, unreachable } from '#common/errors.ts';
import { failureOf } from '#common/files/failure.ts';
import { parentOf } from '#common/files/path.ts';
import {
  type Change,
  type Changed,
  ChangedSchema,
  type ChangeReply,
  ChangeReplySchema,
  type ChangeRequest,
  type Describe,
  type MakeFolder,
} from '#proto/files/v1/files_pb.ts';
import type { StoredEntry } from '../backend.ts';
import type { Call } from '../call.ts';
import { fileMissing, fileThere, folderMissing, folderThere, isRoot } from '../failures.ts';
import { copy } from './copy.ts';
import { entryMessage, FAMILIES } from './messages.ts';
import { makeFolders, requireParent } from './parents.ts';
import { remove } from './remove.ts';

/** One after the other; each fails alone. */
export async function change(call: Call, { changes }: ChangeRequest): Promise<ChangeReply> {
  const changed: Changed[] = [];
  for (const one of changes) {
    call.deadline.throwIfAborted();
    changed.push(await outcomeOf(call, one));
  }
  return create(ChangeReplySchema, { changed, family: FAMILIES[call.family] });
}

async function outcomeOf(call: Call, one: Change): Promise<Changed> {
  try {
    return create(ChangedSchema, { entry: entryMessage(await done(call, one)) });
  } catch (error) {
    return create(ChangedSchema, { failure: failureOf(error) });
  }
}

function done(call: Call, { kind }: Change): Promise<StoredEntry> {
  switch (kind.case) {
    case 'makeFolder':
      return makeFolder(call, kind.value);
    case 'remove':
      return remove(call, kind.value);
    case 'copy':
      return copy(call, kind.value);
    case 'describe':
      return describe(call, kind.value);
    case undefined:
      throw invalid('The change is missing or not known to this version.');
    default:
      return unreachable(kind);
  }
}

/** Stores of keys and values want the folder above to be there; the others make it (files-and-scripting-api §1.4). */
async function makeFolder(call: Call, { path }: MakeFolder): Promise<StoredEntry> {
  const { source, deadline, family } = call;
  if (path === '') throw isRoot();
  const there = await source.stat(path, deadline);
  if (there) throw (there.isFolder ? folderThere : fileThere)(path);
  if (family === 'object') await requireParent(call, path);
  else await makeFolders(call, parentOf(path));
  await source.makeFolder(path, deadline);
  return entryOf(call, path, true);
}

async function describe(call: Call, { path, isFolder, propertiesJson }: Describe): Promise<StoredEntry> {
  const { source, deadline } = call;
  if (!source.describe) throw new MillraceError('unsupported', 'This kind of storage keeps no properties.');
  const properties: unknown = parsed(propertiesJson);
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw invalid('The properties must be a JSON object.');
  }
  await entryOf(call, path, isFolder);
  await source.describe(path, isFolder, properties as Record<string, unknown>, deadline);
  return entryOf(call, path, isFolder);
}

async function entryOf({ source, deadline }: Call, path: string, isFolder: boolean): Promise<StoredEntry> {
  const entry = await source.stat(path, deadline);
  if (entry?.isFolder !== isFolder) throw (isFolder ? folderMissing : fileMissing)(path);
  return entry;
}

function parsed(json: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(json).toString());
  } catch {
    return undefined;
  }
}

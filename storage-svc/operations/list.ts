import { create } from '@bufbuild/protobuf';
import { FILE_ENTRIES_MAX } from '#common/bounds.ts';
import { nameOf } from '#common/files/path.ts';
import { type Entries, EntriesSchema, type Entry, type ListRequest } from '#proto/files/v1/files_pb.ts';
import type { StoredEntry } from '../backend.ts';
import { type Call, READ_BIT } from '../call.ts';
import { folderMissing } from '../failures.ts';
import { entryMessage, FAMILIES } from './messages.ts';
import { walkTree } from './tree.ts';

/** The folder first, then what is in it or below it: only what the caller's role may read. */
export async function* list(call: Call, request: ListRequest): AsyncGenerator<Entries> {
  const { source, family, rules, deadline } = call;
  const folder = await source.stat(request.path, deadline);
  if (!folder?.isFolder) throw folderMissing(request.path);
  yield create(EntriesSchema, { folder: entryMessage(folder), family: FAMILIES[family] });

  const mayRead = ({ path }: StoredEntry): boolean => rules.allows(path, READ_BIT);
  const entries = request.fullTree
    ? walkTree(source, request.path, deadline, mayRead)
    : source.list(request.path, deadline);
  const isWanted = filterOf(request);
  let group: Entry[] = [];
  for await (const entry of entries) {
    if (!isWanted(entry) || !mayRead(entry)) continue;
    group.push(entryMessage(entry));
    if (group.length === FILE_ENTRIES_MAX) {
      yield create(EntriesSchema, { entries: group });
      group = [];
    }
  }
  if (group.length > 0) yield create(EntriesSchema, { entries: group });
}

function filterOf({ withoutFiles, withoutFolders, search }: ListRequest): (entry: StoredEntry) => boolean {
  const sought = search.toLowerCase();
  return ({ path, isFolder }) =>
    !(isFolder ? withoutFolders : withoutFiles) && (sought === '' || nameOf(path).toLowerCase().includes(sought));
}

/** Files and folders are removed: the one of the address, or those of a list (files-and-scripting-api §1.9). */
import { invalid, MillraceError } from '#common/errors.ts';
import { filePath, joinPath, nameOf } from '#common/files/path.ts';
import { Family } from '#proto/files/v1/files_pb.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import { changeOne, type FileCall, requireNamed, soon } from './call.ts';
import { isConditional, judge, preconditionFailed } from './conditions.ts';
import { type EntryJson, shownPath } from './entry-json.ts';
import { type Item, itemsOf, outcomeOf, textIn } from './items.ts';
import { failsAlone, folderNotFound, isNotFound, refusalOf } from './refusals.ts';

interface Target {
  readonly path: string;
  readonly isFolder: boolean;
}

export async function sendRemoval(call: FileCall): Promise<void> {
  const { address, request, reply, headers } = call;
  const items = address.isFolder ? itemsOf(request) : undefined;
  if (items) return sendRemovals(call, items);
  if (address.path === '') throw invalid('No resources given for delete.');
  await requireVersion(call);
  const error = await removed(call, address);
  if (error) throw error;
  const { path, isFolder } = address;
  const value = { name: nameOf(path), path: shownPath(path, isFolder) };
  sendValue(reply, 200, value, presentationOf(request, headers, true));
}

/** Each fails alone. @throws MillraceError invalid, before anything is gone, where one of them is not named */
async function sendRemovals(call: FileCall, items: readonly Item[]): Promise<void> {
  const named = items.map((item) => ({ item, given: givenOf(call, item) }));
  const outcomes: EntryJson[] = [];
  for (const { item, given } of named) {
    let path = given;
    let error: MillraceError | undefined;
    try {
      path = filePath(given);
      requireNamed(call, path, 'DELETE');
      error = await removed(call, { path, isFolder: item.isFolder });
    } catch (thrown) {
      if (!failsAlone(thrown)) throw thrown;
      error = thrown;
    }
    outcomes.push(outcomeOf(nameOf(path), shownPath(path, item.isFolder), item, error));
  }
  const shown = presentationOf(call.request, call.headers, false);
  sendValue(call.reply, 200, shown.wrap ? { resource: outcomes } : outcomes, shown);
}

/** The path counts, from the root; else the name, from the folder of the address. */
function givenOf({ address }: FileCall, item: Item): string {
  const path = textIn(item, 'path');
  if (path) return path;
  const name = textIn(item, 'name');
  if (name) return joinPath(address.path, name);
  throw invalid('No path or name provided for resource.');
}

/** @returns why it is still there, in the words of the kind of storage */
async function removed(call: FileCall, { path, isFolder }: Target): Promise<MillraceError | undefined> {
  const { query } = call.request;
  const [force, contentOnly] = [query.flag('force'), query.flag('content_only')];
  const { error, family } = await changeOne(call, {
    kind: { case: 'remove', value: { path, isFolder, force, contentOnly } },
  });
  if (!error) return undefined;
  if (isNotFound(error)) {
    // Whoever wants a folder gone, or asks for no look, has what he wants: so do these kinds of storage.
    if (isFolder ? family === Family.LOCAL : family === Family.OBJECT && query.flag('no_check')) return undefined;
    return isFolder ? folderNotFound(path) : new MillraceError('not_found', `File '${path}' was not found.`);
  }
  if (error.code !== 'conflict' || !isFolder) return refusalOf(error);
  return family === Family.OBJECT
    ? invalid(`Folder '${path}/' contains other files or folders.`)
    : invalid('Directory not empty, can not delete without force option.');
}

/** Of a file only. @throws StatusError 412 */
async function requireVersion(call: FileCall): Promise<void> {
  const { address, request, store, context, deadline } = call;
  if (address.isFolder || !isConditional(request.http)) return;
  const { entry } = await soon(call, store.stat(context, address.path, [], deadline));
  if (judge(request.http, entry?.isFolder ? undefined : entry) === 'failed') throw preconditionFailed();
}

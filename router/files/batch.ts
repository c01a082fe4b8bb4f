/** Files and folders by a list: made, written, copied, moved; each fails alone (files-and-scripting-api §1.5). */

import { FILE_PIECE_BYTES } from '#common/bounds.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { filePath, joinPath, nameOf } from '#common/files/path.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import { isTrue } from '../parse/query.ts';
import { changeOne, type FileCall, requireNamed } from './call.ts';
import { type EntryJson, shownPath } from './entry-json.ts';
import { type Item, outcomeOf, textIn } from './items.ts';
import { failsAlone, refusalOf } from './refusals.ts';

const CREATED = 201;

/** Created, whatever became of each. @throws MillraceError of what is no fault of an item */
export async function sendBatch(call: FileCall, items: readonly Item[]): Promise<void> {
  const outcomes: EntryJson[] = [];
  for (const item of items) outcomes.push(await done(call, item));
  const shown = presentationOf(call.request, call.headers, false);
  sendValue(call.reply, CREATED, shown.wrap ? { resource: outcomes } : outcomes, shown);
}

async function done(call: FileCall, item: Item): Promise<EntryJson> {
  const source = textIn(item, 'source_path');
  let name = textIn(item, 'name') ?? '';
  let path = name;
  let error: MillraceError | undefined;
  try {
    // A source says its name as well, with or without a slash behind it.
    name ||= source === undefined ? '' : nameOf(filePath(source));
    path = filePath(joinPath(call.address.path, name));
    if (path === call.address.path) throw invalid('The item has no name.', { field: 'name' });
    requireNamed(call, path, call.request.verb);
    error = await work(call, item, path, source);
  } catch (thrown) {
    if (!failsAlone(thrown)) throw thrown;
    error = thrown;
  }
  return outcomeOf(name, shownPath(path, item.isFolder), item, error && refusalOf(error));
}

/** @returns how the storage failed, if it did. @throws MillraceError */
async function work(
  call: FileCall,
  item: Item,
  path: string,
  source: string | undefined,
): Promise<MillraceError | undefined> {
  if ((item.fields['source_container'] ?? '') !== '') {
    throw invalid('Copies come from the same service.', { field: 'source_container' });
  }
  if (source) return copy(call, item, path, filePath(source));
  if (item.isFolder) return (await changeOne(call, { kind: { case: 'makeFolder', value: { path } } })).error;
  const content = textIn(item, 'content');
  if (content === undefined) throw invalid('The file has neither content nor source_path.', { field: 'content' });
  const bytes = isSet(item, 'is_base64') ? fromBase64(content) : Buffer.from(content);
  const { store, context, deadline } = call;
  await store.write(context, { path, size: BigInt(bytes.length) }, piecesOf(bytes), deadline);
  return undefined;
}

async function copy(call: FileCall, item: Item, to: string, from: string): Promise<MillraceError | undefined> {
  const { isFolder } = item;
  const move = isSet(item, 'delete_source');
  requireNamed(call, from, 'GET');
  if (move) requireNamed(call, from, 'DELETE');
  return (await changeOne(call, { kind: { case: 'copy', value: { from, to, isFolder, move } } })).error;
}

function isSet({ fields }: Item, name: string): boolean {
  const value = fields[name];
  return value === true || value === 1 || (typeof value === 'string' && isTrue(value));
}

/** @throws MillraceError invalid, in the place of a file with other bytes than were meant */
function fromBase64(text: string): Buffer {
  const compact = text.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(compact)) throw invalid('The content is no base64.', { field: 'content' });
  return Buffer.from(compact, 'base64');
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += FILE_PIECE_BYTES) yield bytes.subarray(at, at + FILE_PIECE_BYTES);
}

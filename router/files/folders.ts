/** New folders (files-and-scripting-api §1.4 rows 2 and 6). */
import { invalid } from '#common/errors.ts';
import { filePath, joinPath, nameOf } from '#common/files/path.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import { changeOne, type FileCall, requireNamed } from './call.ts';
import type { EntryJson } from './entry-json.ts';
import { nameInHeader } from './header-name.ts';
import { refusalOf } from './refusals.ts';

const CREATED = 201;

/** The folder that the address names. @throws MillraceError invalid where it is there already */
export async function sendNewFolder(call: FileCall): Promise<void> {
  const { path } = call.address;
  if (path === '') throw invalid('Invalid empty path.');
  await make(call, path, { name: nameOf(path), path: `${path}/` });
}

/** A folder in the one of the address, by the name in X-Folder-Name. @throws MillraceError */
export async function sendNamedFolder(call: FileCall, header: string): Promise<void> {
  const name = nameInHeader(header);
  const path = filePath(joinPath(call.address.path, name));
  if (path === call.address.path) throw invalid('X-Folder-Name names no folder.', { field: 'X-Folder-Name' });
  requireNamed(call, path, call.request.verb);
  await make(call, path, { name, path });
}

async function make(call: FileCall, path: string, answer: EntryJson): Promise<void> {
  const { error } = await changeOne(call, { kind: { case: 'makeFolder', value: { path } } });
  if (error) throw refusalOf(error);
  sendValue(call.reply, CREATED, answer, presentationOf(call.request, call.headers, true));
}

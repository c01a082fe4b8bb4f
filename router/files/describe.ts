/** Properties that a caller gives to a file or folder, where the kind of storage keeps such (files-and-scripting-api §1.8). */
import { MillraceError } from '#common/errors.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import { jsonWithout, objectOf } from '../system/body.ts';
import { changeOne, type FileCall } from './call.ts';
import { fileNotFound, folderNotFound, isNotFound, refusalOf } from './refusals.ts';

/** @throws MillraceError unsupported where the storage keeps none; the original has 501 for it */
export async function sendDescription(call: FileCall): Promise<void> {
  const { address, request, reply, headers } = call;
  const { path, isFolder } = address;
  const propertiesJson = jsonWithout(objectOf(request));
  const { error } = await changeOne(call, { kind: { case: 'describe', value: { path, isFolder, propertiesJson } } });
  if (!error) return sendValue(reply, 200, { success: true }, presentationOf(request, headers, true));
  if (error.code === 'unsupported') {
    const what = isFolder ? 'folder' : 'file';
    throw new MillraceError('unsupported', `The properties of a ${what} cannot be changed in this storage.`);
  }
  if (isNotFound(error)) throw (isFolder ? folderNotFound : fileNotFound)(path);
  throw refusalOf(error);
}

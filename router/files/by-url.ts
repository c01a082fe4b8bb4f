/** A file, or a zip to be extracted, that the storage tier fetches from an address outside (files-and-scripting-api §1.4 row 3). */
import type { UploadOptions } from '#common/files/client.ts';
import { filePath, joinPath, parentOf } from '#common/files/path.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import { type FileCall, requireNamed } from './call.ts';
import { refusalOf } from './refusals.ts';
import { extractedAt, isZip, storedAt } from './upload.ts';

const CREATED = 201;

/** Where it may be fetched from is decided by the storage tier, address by address. @throws MillraceError */
export async function sendFetched(call: FileCall, url: string): Promise<void> {
  const { request, reply, headers, store, context, deadline } = call;
  const { query } = request;
  const path = targetOf(call);
  const unpack = query.flag('extract') && isZip(path ?? pathIn(url), undefined);
  const folder = path === undefined ? call.address.path : parentOf(path);
  const options: UploadOptions = {
    path: unpack ? folder : (path ?? folder),
    createOnly: query.flag('check_exist'),
    clean: query.flag('clean'),
  };
  const source = { url, unpack, intoFolder: path === undefined && !unpack };
  try {
    const fetched = await store.fetch(context, options, source, deadline);
    const value =
      'written' in fetched ? storedAt(fetched.written.entry.path) : extractedAt(folder, fetched.unpacked.family);
    sendValue(reply, CREATED, value, presentationOf(request, headers, true));
  } catch (error) {
    throw refusalOf(error);
  }
}

/** The file, as the address or `filename` names it; undefined: in the folder of the address, named as the URL ends. */
function targetOf(call: FileCall): string | undefined {
  const { address, request } = call;
  if (!address.isFolder) return address.path;
  const name = request.option('filename');
  if (typeof name !== 'string' || name === '') return undefined;
  const path = filePath(joinPath(address.path, name));
  requireNamed(call, path, request.verb);
  return path;
}

const pathIn = (url: string): string => (URL.canParse(url) ? new URL(url).pathname : url);

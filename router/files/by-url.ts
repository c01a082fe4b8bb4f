/** A file, or a zip to be extracted, that the storage tier fetches from an address outside (files-and-scripting-api §1.4 row 3). */
import { invalid } from '#common/errors.ts';
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
  const { address, request, store, context, deadline } = call;
  const { query } = request;
  const given = request.option('filename');
  const name = address.isFolder ? (typeof given === 'string' && given !== '' ? given : undefined) : '';
  const path = name === undefined ? address.path : filePath(joinPath(address.path, name));
  if (name !== undefined && path !== address.path) requireNamed(call, path, request.verb);
  if (address.isFolder && name !== undefined && path === address.path) {
    throw invalid('The name of the file is empty.', { field: 'filename' });
  }
  const unpack = query.flag('extract') && isZip(name || pathIn(url), undefined);
  const folder = name === undefined ? path : parentOf(path);
  const options: UploadOptions = {
    path: unpack ? folder : path,
    createOnly: query.flag('check_exist'),
    clean: unpack && query.flag('clean'),
  };
  const source = { url, unpack, intoFolder: name === undefined && !unpack };
  try {
    const fetched = await store.fetch(context, options, source, deadline);
    const value =
      'written' in fetched ? storedAt(fetched.written.entry.path) : extractedAt(folder, fetched.unpacked.family);
    sendValue(call.reply, CREATED, value, presentationOf(request, call.headers, true));
  } catch (error) {
    throw refusalOf(error);
  }
}

const pathIn = (url: string): string => (URL.canParse(url) ? new URL(url).pathname : url);

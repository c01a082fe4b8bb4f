/** Files from a form, each written as it arrives, one after the other (files-and-scripting-api §1.4 row 4, §1.7). */
import { invalid } from '#common/errors.ts';
import { filePath, joinPath, nameOf } from '#common/files/path.ts';
import { sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import { bodyOf } from './body.ts';
import { type FileCall, requireNamed } from './call.ts';
import { saidDigests } from './digests.ts';
import type { EntryJson } from './entry-json.ts';
import { FormReader, type StreamedPart } from './form-reader.ts';
import { type Content, store } from './upload.ts';

const CREATED = 201;
/** PHP's way to name several. */
const FILE_FIELD = /^files?(?:\[[^\]]*\])?$/;

/** What fails ends the request; files before it stay. @throws MillraceError */
export async function sendFormUpload(call: FileCall): Promise<void> {
  requireNoDigests(call);
  const reader = new FormReader(call.request.http.header('content-type') ?? '', bodyOf(call.request.http));
  try {
    const { address } = call;
    const value = address.isFolder ? { resource: await storeAll(call, reader) } : await storeOne(call, reader);
    const shown = presentationOf(call.request, call.headers, !address.isFolder);
    sendValue(call.reply, CREATED, shown.wrap || !address.isFolder ? value : value['resource'], shown);
  } finally {
    await reader.leave();
  }
}

async function storeAll(call: FileCall, reader: FormReader): Promise<EntryJson[]> {
  const { address, request } = call;
  const stored: EntryJson[] = [];
  for (let file = await nextFile(reader); file; file = await nextFile(reader)) {
    const path = filePath(joinPath(address.path, tidyName(file.filename)));
    requireNamed(call, path, request.verb);
    stored.push((await store(call, contentOf(path, file, file.body))).value);
  }
  if (stored.length === 0) throw noFile();
  return stored;
}

/** The name is that of the address; only when nothing follows is the file written. */
async function storeOne(call: FileCall, reader: FormReader): Promise<EntryJson> {
  const { path } = call.address;
  const file = await nextFile(reader);
  if (!file) throw noFile();
  const { body } = file;
  async function* alone(): AsyncGenerator<Uint8Array> {
    yield* body;
    if (await nextFile(reader)) {
      throw invalid(`Multiple files uploaded to a single REST resource '${nameOf(path)}'.`);
    }
  }
  return (await store(call, contentOf(path, file, alone()))).value;
}

async function nextFile(reader: FormReader): Promise<StreamedPart | undefined> {
  for (let part = await reader.next(); part; part = await reader.next()) {
    if (FILE_FIELD.test(part.name) && part.filename !== undefined) return part;
  }
  return undefined;
}

const contentOf = (path: string, { contentType }: StreamedPart, body: AsyncIterable<Uint8Array>): Content => ({
  ...{ path, contentType, body },
  size: undefined,
  digests: {},
});

/** As the original does: the last part of what the client says, only letters, digits and `_ . -`, dots one at a time. */
export function tidyName(filename = ''): string {
  const name = filename
    .slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1)
    .replace(/[^A-Za-z0-9_.-]/g, '')
    .replace(/\.{2,}/g, '.');
  if (name.replaceAll('.', '') === '')
    throw invalid(`Nothing is left of the name of a file: letters, digits and _ . - are taken.`);
  return name;
}

const noFile = () =>
  invalid("There is no file in the form: it has to be in a field 'files' or 'files[]'.", { field: 'files' });

/** They would be those of the form, not of the files in it. */
function requireNoDigests(call: FileCall): void {
  if (Object.keys(saidDigests(call.request.http)).length === 0) return;
  throw invalid('A form is taken without a digest: send the file itself as the body.', { field: 'Content-Digest' });
}

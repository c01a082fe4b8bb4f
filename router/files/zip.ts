/** A folder as a zip, sent while it is read (files-and-scripting-api §1.2). */
import { nameOf } from '#common/files/path.ts';
import { headersOf } from '../encode/answer.ts';
import { dispositionOf } from '../encode/format.ts';
import { type FileCall, soon } from './call.ts';
import { passOn } from './download.ts';
import { folderNotFound, isNotFound } from './refusals.ts';

/** @throws MillraceError not_found */
export async function sendZip(call: FileCall): Promise<void> {
  const { address, request, service, store, context, deadline, reply, headers } = call;
  const { path } = address;
  try {
    const content = await soon(call, store.pack(context, path, deadline));
    const name = path === '' ? `${service.name}_${Math.floor(Date.now() / 1000)}` : nameOf(path);
    const disposition = dispositionOf('attachment', `${name}.zip`);
    const shown = { format: undefined, wrap: false, disposition, headers };
    const out = reply.stream(200, headersOf(shown, ['Content-Type', 'application/zip']));
    await passOn(out, content, request.http.method === 'HEAD');
  } catch (error) {
    throw isNotFound(error) ? folderNotFound(path) : error;
  }
}

/** A file that is too large to be kept, compressed while it is sent. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { COMPRESSING_MAX } from '#common/bounds.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { type FileCall, soon } from '../files/call.ts';
import { isConditional, judge, preconditionFailed } from '../files/conditions.ts';
import type { BodyStream, Headers } from '../http/reply.ts';
import { type Coding, compressor } from './coding.ts';

let compressing = 0;

export const mayCompress = (): boolean => compressing < COMPRESSING_MAX;

/**
 * @param entry  of the file as it is stored; @param coded  of what is sent
 * @throws StatusError 412; MillraceError contradiction, not_found: it is another file meanwhile
 */
export async function sendCompressed(
  call: FileCall,
  entry: FileEntry,
  coded: FileEntry,
  coding: Coding,
  headersFor: (type: boolean) => Headers,
): Promise<void> {
  const { request, reply, store, context, deadline, headers } = call;
  if (isConditional(request.http)) {
    const judged = judge(request.http, coded);
    if (judged === 'failed') throw preconditionFailed();
    if (judged === 'not modified') return reply.send(304, [...headers, ...headersFor(false)], '');
  }
  const all = [...headers, ...headersFor(true)];
  if (request.http.method === 'HEAD') return reply.stream(200, all).end();
  const options = { path: entry.path, ifEtag: entry.etag ?? '' };
  const { body } = await soon(call, store.read(context, options, deadline));
  compressing++;
  try {
    await pass(body, coding, entry.size, reply.stream(200, all));
  } finally {
    compressing--;
  }
}

/** The status is out: only a cut connection tells that this was not all. */
async function pass(body: AsyncIterable<Uint8Array>, coding: Coding, size: number, out: BodyStream): Promise<void> {
  try {
    await pipeline(Readable.from(body), compressor(coding, size), async (compressed: AsyncIterable<Uint8Array>) => {
      for await (const piece of compressed) await out.write(piece);
    });
    out.end();
  } catch {
    out.fail();
  }
}

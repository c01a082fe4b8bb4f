/** A file, or a zip, from an address outside: within what the administrator lets this tier call. */
import { create } from '@bufbuild/protobuf';
import { invalid, MillraceError } from '#common/errors.ts';
import { filePath, joinPath } from '#common/files/path.ts';
import { type OpenedAnswer, openOutside, type Resolve } from '#common/outbound/open.ts';
import type { OutboundPolicy } from '#common/outbound/policy.ts';
import { type FetchReply, FetchReplySchema, type FetchRequest, UploadHeadSchema } from '#proto/files/v1/files_pb.ts';
import type { Call } from '../call.ts';
import { contentTypeOf, UNKNOWN_TYPE } from '../content-types.ts';
import { unpack } from './unpack.ts';
import { write } from './write.ts';

export interface FetchSettings {
  readonly outbound: OutboundPolicy;
  /** Of a zip that is unpacked. */
  readonly unpackBytesMax: number;
}

/**
 * @param resolve  for tests
 * @throws MillraceError not_found: the address has nothing for us; invalid: it may not be called, or has too much;
 *   unavailable: it broke off; else what writing and unpacking throw
 */
export async function fetch(
  call: Call,
  request: FetchRequest,
  settings: FetchSettings,
  resolve?: Resolve,
): Promise<FetchReply> {
  const { head = create(UploadHeadSchema), url } = request;
  const path = request.intoFolder && !request.unpack ? namedBy(url, head.path) : head.path;
  if (path !== head.path) call.rules.require(path, call.writeBit);
  const answer = await open(url, settings.outbound, call, resolve);
  try {
    const size = sizeOf(answer);
    const { bytesMax } = settings.outbound;
    if (size !== undefined && size > bytesMax) throw tooLarge(bytesMax);
    const body = upTo(bytesMax, answer.body);
    if (request.unpack) {
      const unpacked = await unpack(call, head, body, settings.unpackBytesMax);
      return create(FetchReplySchema, { outcome: { case: 'unpacked', value: unpacked } });
    }
    const contentType = head.contentType || typeOf(path, answer);
    const bytes = size === undefined ? {} : { size: BigInt(size) };
    const written = await write(call, { ...head, path, contentType, ...bytes }, body);
    return create(FetchReplySchema, { outcome: { case: 'written', value: written } });
  } finally {
    answer.close();
  }
}

async function open(
  url: string,
  policy: OutboundPolicy,
  { deadline }: Call,
  resolve: Resolve | undefined,
): Promise<OpenedAnswer> {
  const get = { verb: 'GET', url, headers: { accept: '*/*', 'accept-encoding': 'identity' }, body: new Uint8Array() };
  try {
    // How much may come is counted here, where it has other words.
    const answer = await openOutside(get, { ...policy, bytesMax: Number.MAX_SAFE_INTEGER }, deadline, resolve);
    if (answer.status === 200) return answer;
    answer.close();
    throw nothingThere();
  } catch (error) {
    if (deadline.reason || !(error instanceof MillraceError)) throw error;
    if (error.code === 'denied') throw invalid(error.message);
    throw nothingThere(error);
  }
}

/** The words of the original (files-and-scripting-api §1.4). */
const nothingThere = (cause?: unknown): MillraceError =>
  new MillraceError('not_found', 'Invalid URL entered. File not found.', undefined, cause);

const tooLarge = (bytesMax: number): MillraceError => invalid(`The file at the URL is larger than ${bytesMax} bytes.`);

async function* upTo(bytesMax: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    yield piece;
  }
}

function sizeOf({ headers }: OpenedAnswer): number | undefined {
  const length = headers['content-length'];
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/** The name counts, as for every file; where it says nothing, the host may. */
function typeOf(path: string, { contentType }: OpenedAnswer): string {
  const type = contentTypeOf(path);
  return type === UNKNOWN_TYPE && contentType !== undefined ? contentType : type;
}

/** A file in the folder, named as the last part of the address. */
function namedBy(url: string, folder: string): string {
  const last = URL.canParse(url) ? (new URL(url).pathname.split('/').at(-1) ?? '') : '';
  let name: string;
  try {
    name = filePath(decodeURIComponent(last));
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw invalid('The last part of the URL is no name for a file.');
  }
  if (name === '' || name.includes('/')) throw invalid('The URL names no file: say under which name to keep it.');
  return filePath(joinPath(folder, name));
}

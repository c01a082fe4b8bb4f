/** Content codings: what the client takes, and how contents get them. */
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib';
import type { FileEntry } from '#common/files/entry.ts';

export type Coding = 'br' | 'gzip';

/** The best first. */
export const CODINGS: readonly Coding[] = ['br', 'gzip'];

/** What a compressed neighbour of a file is called. */
export const NEIGHBOUR: Readonly<Record<Coding, string>> = { br: '.br', gzip: '.gz' };

const SUFFIX: Readonly<Record<Coding, string>> = { br: '-br', gzip: '-gz' };
const NONE: readonly Coding[] = [];

/** Browsers say the same few things over and over. */
const known = new Map<string, readonly Coding[]>();
const KNOWN_MAX = 100;
const KNOWN_LENGTH_MAX = 200;

/** @param header  Accept-Encoding; absent: nothing is taken */
export function codingsOf(header: string | undefined): readonly Coding[] {
  if (header === undefined) return NONE;
  const before = known.get(header);
  if (before) return before;
  const codings = readCodings(header);
  if (known.size < KNOWN_MAX && header.length <= KNOWN_LENGTH_MAX) known.set(header, codings);
  return codings;
}

function readCodings(header: string): readonly Coding[] {
  const wanted = new Map<string, boolean>();
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', ...options] = part.split(';').map((each) => each.trim());
    const weight = options.find((each) => each.startsWith('q='))?.slice(2);
    wanted.set(name, weight === undefined || Number(weight) > 0);
  }
  return CODINGS.filter((coding) => wanted.get(coding) ?? wanted.get('*') ?? false);
}

/** The same file in another coding is another representation (RFC 9110 §8.8.3). */
export const codedEntry = (entry: FileEntry, coding: Coding): FileEntry =>
  entry.etag === undefined ? entry : { ...entry, etag: `${entry.etag}${SUFFIX[coding]}` };

/** Of what is kept: once for many. */
const KEPT_QUALITY = 6;
/** Of what is sent on the way, as fast as gzip. */
const FLOWING_QUALITY = 4;
/** 512 KiB of what came before: all of most files, and little memory for each. */
const WINDOW_BITS = 19;

const brotliOptions = (quality: number, size: number) => ({
  params: {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: size,
  },
});

const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

/** Beside the event loop. */
export const compress = (bytes: Uint8Array, coding: Coding): Promise<Buffer> =>
  coding === 'br' ? brotli(bytes, brotliOptions(KEPT_QUALITY, bytes.length)) : gzipped(bytes);

export const compressor = (coding: Coding, size: number) =>
  coding === 'br' ? createBrotliCompress(brotliOptions(FLOWING_QUALITY, size)) : createGzip();

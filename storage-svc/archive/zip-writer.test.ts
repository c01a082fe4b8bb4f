import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { type Entry, fromBufferPromise, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';
import { zipEntries } from './testing/read-zip.ts';
import { centralHeader, DEFLATED, endOfDirectory } from './zip-format.ts';
import { ZipWriter } from './zip-writer.ts';

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const modifiedMs = Date.UTC(2020, 1, 2, 3, 4, 5);

test('a content that may need 64 bits for its size, and one whose size is not what was said', async () => {
  const zip = new ZipWriter();
  const bytes: Uint8Array[] = [];
  const entries = [
    { name: 'vast', modifiedMs, size: 2 ** 33, isWorthPacking: true },
    { name: 'stored', modifiedMs, size: 2 ** 33, isWorthPacking: false },
    { name: 'small', modifiedMs, size: 1, isWorthPacking: true },
  ];
  for (const entry of entries) for await (const piece of zip.streamed(entry, pieces('ab', 'ab'))) bytes.push(piece);
  bytes.push(...zip.end());
  const read = await zipEntries(Buffer.concat(bytes));
  expect(read.map(({ name, content }) => [name, content.toString()])).toEqual([
    ['vast', 'abab'],
    ['stored', 'abab'],
    ['small', 'abab'],
  ]);
});

test('more entries than 16 bits count', async () => {
  const zip = new ZipWriter();
  const bytes: Uint8Array[] = [];
  for (let i = 0; i < 70_000; i++) bytes.push(zip.folder({ name: `${i}/`, modifiedMs: undefined }));
  bytes.push(...zip.end());
  const read: string[] = [];
  for await (const { fileName } of (await fromBufferPromise(Buffer.concat(bytes))).eachEntry()) read.push(fileName);
  expect([read.length, read.at(-1)]).toEqual([70_000, '69999/']);
});

/** Zeros up to the bytes. */
class Far extends RandomAccessReader {
  readonly #from: number;
  readonly #bytes: Buffer;

  constructor(from: number, bytes: Buffer) {
    super();
    this.#from = from;
    this.#bytes = bytes;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const all = Buffer.concat([Buffer.alloc(Math.max(0, this.#from - start)), this.#bytes]);
    const from = Math.max(0, start - this.#from);
    return Readable.from([all.subarray(from, from + end - start)]);
  }
}

test('what begins beyond 32 bits', async () => {
  const from = 6 * 2 ** 30;
  const record = {
    name: 'far',
    modifiedMs,
    method: DEFLATED,
    isStreamed: true,
    isZip64: true,
    offset: from - 5,
  } as const;
  const sums = { crc: 7, packedSize: 5 * 2 ** 30, size: 2 ** 40 };
  const directory = centralHeader(record, sums);
  const bytes = Buffer.concat([directory, endOfDirectory(1, directory.length, from)]);
  const zip = await fromRandomAccessReaderPromise(new Far(from, bytes), from + bytes.length);
  const read: Entry[] = [];
  for await (const entry of zip.eachEntry()) read.push(entry);
  expect(read).toMatchObject([
    {
      fileName: 'far',
      crc32: 7,
      compressedSize: 5 * 2 ** 30,
      uncompressedSize: 2 ** 40,
      relativeOffsetOfLocalHeader: from - 5,
    },
  ]);
});

test.each([
  ['before 1980', Date.UTC(1969, 0, 1), 1980],
  ['after 2107', Date.UTC(2200, 0, 1), 2107],
])('a time %s is the nearest that there is', async (_, time, year) => {
  const zip = new ZipWriter();
  const bytes = Buffer.concat([zip.folder({ name: 'a/', modifiedMs: time }), ...zip.end()]);
  expect((await zipEntries(bytes))[0]?.modified.getFullYear()).toBe(year);
});

/** Forms are read alike, whatever the borders of the packets that bring them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FILE_FORM_HEAD_BYTES_MAX, FILE_FORM_PARTS_MAX } from '#common/bounds.ts';
import { FormReader } from './form-reader.ts';

const TYPE = 'multipart/form-data; boundary=B';

interface Part {
  readonly name: string;
  readonly content: Buffer;
}

const formOf = (parts: readonly Part[], end = '--B--\r\n'): Buffer =>
  Buffer.concat([
    ...parts.flatMap(({ name, content }) => [
      Buffer.from(`--B\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\n\r\n`),
      content,
      Buffer.from('\r\n'),
    ]),
    Buffer.from(end),
  ]);

async function* packets(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(bytes: Buffer, sizes: readonly number[], skip = false): Promise<Part[]> {
  const reader = new FormReader(TYPE, packets(bytes, sizes));
  const parts: Part[] = [];
  for (let part = await reader.next(); part; part = await reader.next()) {
    const pieces: Uint8Array[] = [];
    if (!skip) for await (const piece of part.body) pieces.push(Buffer.from(piece));
    parts.push({ name: part.filename ?? '', content: Buffer.concat(pieces) });
  }
  return parts;
}

test('what was put in comes out', async () => {
  const near = fc.constantFrom('\r\n--', '\r\n-', '--B', '\r', '\n', '-', 'B', 'x', '\r\n--A\r\n');
  const text = fc.array(near, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const content = fc.oneof(
    text.filter((each) => !`\r\n${each}\r\n--B`.slice(0, -5).includes('\r\n--B')).map((each) => Buffer.from(each)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  const part = fc.record({ name: fc.stringMatching(/^[a-z.]{1,8}$/), content });
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 4 }), sizes, async (parts, cuts) => {
      expect(await read(formOf(parts), cuts)).toEqual(parts);
      expect((await read(formOf(parts), cuts, true)).map(({ name }) => name)).toEqual(parts.map(({ name }) => name));
    }),
    { numRuns: 300 },
  );
});

describe('refused', () => {
  const one = { name: 'a', content: Buffer.from('x') };
  const BAD: readonly (readonly [string, Buffer])[] = [
    ['the last boundary is missing', formOf([one], '')],
    ['a head without an end', Buffer.from(`--B\r\n${'x'.repeat(2 * FILE_FORM_HEAD_BYTES_MAX)}`)],
    ['a part without a name', Buffer.from('--B\r\n\r\nx\r\n--B--')],
    ['no boundary at all', Buffer.from('x'.repeat(1000))],
    ['too many parts', formOf(Array.from({ length: FILE_FORM_PARTS_MAX + 1 }, () => one))],
  ];
  test.each(BAD)('%s', async (_why, bytes) => {
    await expect(read(bytes, [64])).rejects.toMatchObject({ code: 'invalid' });
  });

  test('a type without a boundary', () => {
    expect(() => new FormReader('multipart/form-data', packets(Buffer.alloc(0), [1]))).toThrow(/boundary/);
  });
});

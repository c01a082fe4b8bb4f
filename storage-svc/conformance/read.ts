import { expect, test } from 'vitest';
import { FILE_PIECE_BYTES } from '#common/bounds.ts';
import { type Bench, collected, isOneByte, outcomeOf } from './bench.ts';

const TEXT = '0123456789';

interface RangeCase {
  readonly why: string;
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}
const RANGES: readonly RangeCase[] = [
  { why: 'the beginning', offset: 0, length: 3, text: '012' },
  { why: 'the middle', offset: 4, length: 2, text: '45' },
  { why: 'one byte, the last', offset: 9, length: 1, text: '9' },
  { why: 'all', offset: 0, length: 10, text: TEXT },
  { why: 'more than there is', offset: 8, length: 100, text: '89' },
  { why: 'right behind the end', offset: 10, length: 1, text: '' },
  { why: 'far behind the end', offset: 1000, length: 5, text: '' },
  { why: 'no bytes', offset: 3, length: 0, text: '' },
];

export function tryRead(bench: () => Bench): void {
  test('all of it', async () => {
    await bench().put('a', TEXT);
    expect(await bench().text('a')).toBe(TEXT);
  });

  test('an empty file, and a range of it', async () => {
    await bench().put('a', '');
    expect(await bench().text('a')).toBe('');
    expect(await bench().text('a', { range: { offset: 0, length: 5 } })).toBe('');
  });

  test.each(RANGES)('a range: $why', async ({ offset, length, text }) => {
    await bench().put('a', TEXT);
    const { entry, body } = await bench().source.read('a', { range: { offset, length } }, bench().deadline());
    expect((await collected(body)).toString()).toBe(text);
    expect(entry.size).toBe(TEXT.length);
  });

  test('a range over several pieces', async () => {
    const content = Buffer.from(Uint8Array.from({ length: FILE_PIECE_BYTES * 3 }, (_, n) => (n * 7) % 251));
    await bench().put('a', content);
    const range = { offset: FILE_PIECE_BYTES - 5, length: FILE_PIECE_BYTES + 10 };
    const expected = content.subarray(range.offset, range.offset + range.length);
    expect(expected.equals(await bench().bytes('a', { range }))).toBe(true);
  });

  test.each(['nothing', 'folder', '', 'no/such', 'file/below'])("not_found: '%s'", async (path) => {
    await bench().makeFolders('folder');
    await bench().put('folder/x', 'x');
    await bench().put('file', 'x');
    expect(await outcomeOf(bench().bytes(path))).toBe('not_found');
  });

  test('only the version that is wanted', async () => {
    const { etag } = await bench().put('a', TEXT);
    if (etag === undefined) return expect(bench().has('etag')).toBe(false);
    expect(await bench().text('a', { ifEtag: etag })).toBe(TEXT);
    expect(await outcomeOf(bench().bytes('a', { ifEtag: 'another' }))).toBe('contradiction');
    expect(await outcomeOf(bench().bytes('missing', { ifEtag: etag }))).toBe('not_found');
  });

  test('left early, again and again, everything is given back', async () => {
    const content = Buffer.alloc(FILE_PIECE_BYTES * 20, 'x');
    await bench().put('a', content);
    for (let time = 0; time < 20; time++) {
      const { body } = await bench().source.read('a', {}, bench().deadline());
      for await (const piece of body) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
    }
    expect(content.equals(await bench().bytes('a'))).toBe(true);
  });

  test('what is replaced while it is read: one version or an error, never a mixture', async () => {
    const [old, young] = [Buffer.alloc(FILE_PIECE_BYTES * 40, 'a'), Buffer.alloc(FILE_PIECE_BYTES * 40, 'b')];
    await bench().put('a', old);
    const { body } = await bench().source.read('a', {}, bench().deadline());
    const seen: Buffer[] = [];
    const outcome = await outcomeOf(
      (async () => {
        for await (const piece of body) {
          if (seen.length === 0) await bench().put('a', young);
          seen.push(Buffer.from(piece));
        }
      })(),
    );
    if (outcome === 'done') expect(old.equals(Buffer.concat(seen))).toBe(true);
    expect(isOneByte(Buffer.concat(seen))).toBe(true);
    expect(young.equals(await bench().bytes('a'))).toBe(true);
  });
}

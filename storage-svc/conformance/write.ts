import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { callerGone } from '#common/deadline.ts';
import { type Bench, gate, outcomeOf } from './bench.ts';

const LARGE_BYTES = 12 * MIB;
const ODD_PIECES = [1, 7, 65_537, 0, 100_003, 1_000_003, 3];

export function tryWrite(bench: () => Bench): void {
  test.each([
    { why: 'with something in it', content: 'hello' },
    { why: 'empty', content: '' },
    { why: 'of bytes that are no text', content: Buffer.from([0, 255, 254, 13, 10, 26, 0]) },
  ])('a new file, $why', async ({ content }) => {
    const entry = await bench().put('a', content);
    expect(entry).toMatchObject({ path: 'a', isFolder: false, size: content.length });
    expect(await bench().bytes('a')).toEqual(Buffer.from(content));
  });

  test('an empty file from no piece at all', async () => {
    expect(await bench().put('a', [])).toMatchObject({ size: 0 });
    expect(await bench().text('a')).toBe('');
  });

  test('replaces what is there, longer or shorter', async () => {
    for (const content of ['first', 'the second one', '3', '']) {
      await bench().put('a', content);
      expect(await bench().text('a')).toBe(content);
    }
    expect(await bench().paths('')).toEqual(['a']);
  });

  test.each([LARGE_BYTES, undefined])('12 MiB in odd pieces, size known: %s', async (size) => {
    const sent = createHash('sha256');
    function* pieces(): Generator<Uint8Array> {
      let left = LARGE_BYTES;
      for (let n = 0; left > 0; n++) {
        const piece = Buffer.alloc(Math.min(left, ODD_PIECES[n % ODD_PIECES.length] as number), n);
        left -= piece.length;
        sent.update(piece);
        yield piece;
      }
    }
    expect(await bench().put('large', pieces(), { size })).toMatchObject({ size: LARGE_BYTES });
    const got = createHash('sha256');
    const { body } = await bench().source.read('large', {}, bench().deadline());
    for await (const piece of body) got.update(piece);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
  });

  test('the content type is kept, or not known', async () => {
    await bench().put('a.bin', 'x', { contentType: 'text/x-special' });
    expect(['text/x-special', undefined]).toContain((await bench().stat('a.bin'))?.contentType);
  });

  test('another etag with every change of the content', async () => {
    const etags = new Set<string | undefined>();
    const contents = bench().has('etag') ? ['one', 'two', 'one'] : ['one', 'three', 'fifteen'];
    for (const content of contents) etags.add((await bench().put('a', content)).etag);
    if (bench().has('etag')) {
      expect(etags).not.toContain(undefined);
      // A store may name versions by their bytes.
      expect(etags.size).toBeGreaterThanOrEqual(2);
      await bench().put('a', 'two');
      const second = (await bench().stat('a'))?.etag;
      await bench().put('a', 'six');
      expect((await bench().stat('a'))?.etag).not.toBe(second);
    } else if (!etags.has(undefined)) expect(etags.size).toBe(3);
  });

  test.each(['new', 'there already'])('nobody sees a file before it is whole: %s', async (which) => {
    const isNew = which === 'new';
    if (!isNew) await bench().put('a', 'before');
    const [begun, rest] = [gate(), gate()];
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(MIB, 'a');
      begun.pass();
      await rest.passed;
      yield Buffer.from('end');
    }
    const writing = bench().put('a', slowly());
    await begun.passed;
    expect(await bench().paths('')).toEqual(isNew ? [] : ['a']);
    if (isNew) {
      expect(await bench().stat('a')).toBeUndefined();
      expect(await outcomeOf(bench().bytes('a'))).toBe('not_found');
    } else expect(await bench().text('a')).toBe('before');
    rest.pass();
    await writing;
    expect(await bench().bytes('a')).toHaveLength(MIB + 3);
    expect(await bench().paths('')).toEqual(['a']);
  });

  test.each([
    { why: 'at once', bytes: 0, isNew: true },
    { why: 'after a little', bytes: 10, isNew: true },
    { why: 'after a little, over a file', bytes: 10, isNew: false },
    { why: 'after much', bytes: LARGE_BYTES, isNew: true },
    { why: 'after much, over a file', bytes: LARGE_BYTES, isNew: false },
  ])('a body that throws leaves what was there before: $why', async ({ bytes, isNew }) => {
    if (!isNew) await bench().put('a', 'before');
    async function* broken(): AsyncGenerator<Uint8Array> {
      for (let left = bytes; left > 0; left -= MIB) yield Buffer.alloc(Math.min(left, MIB), 'a');
      throw callerGone();
    }
    expect(await outcomeOf(bench().put('a', broken()))).toBe('cancelled');
    expect(await bench().paths('')).toEqual(isNew ? [] : ['a']);
    if (!isNew) expect(await bench().text('a')).toBe('before');
    await bench().put('a', 'after');
    expect(await bench().text('a')).toBe('after');
  });
}

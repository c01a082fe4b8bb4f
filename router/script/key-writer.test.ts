import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Key, KeyWriter } from './key-writer.ts';

const hexOf = ({ bytes, length }: Key): string => bytes.subarray(0, length).toString('hex');

type Part = number | string | Uint8Array;

function keyOf(parts: readonly Part[], lengthMax = 4096): { key: string; hash: number } | undefined {
  const writer = new KeyWriter(lengthMax);
  writer.begin();
  for (const part of parts) {
    if (typeof part === 'number') writer.number(part);
    else if (typeof part === 'string') writer.text(part);
    else writer.bytes(part);
  }
  const key = writer.end();
  return key && { key: hexOf(key), hash: key.hash };
}

describe('keys', () => {
  test.each<[why: string, one: readonly Part[], other: readonly Part[]]>([
    ['texts end where they end', ['ab', 'c'], ['a', 'bc']],
    ['nothing is not the same as no part', ['a', ''], ['a']],
    ['characters beyond a byte', ['\u0101'], ['\u0001']],
    ['what fills a word up', ['abc\0'], ['abc']],
    ['bytes', [Uint8Array.of(1, 2)], [Uint8Array.of(1, 3)]],
    ['numbers', [1], [2]],
  ])('differ: %s', (_, one, other) => {
    expect(keyOf(one)?.key).not.toBe(keyOf(other)?.key);
    expect(keyOf(one)?.hash).not.toBe(keyOf(other)?.hash);
  });

  test('are the same, whatever was written before in their memory', () => {
    const writer = new KeyWriter(64);
    const write = (text: string) => {
      writer.begin();
      writer.text(text);
      return hexOf(writer.end() as Key);
    };
    const first = write('a');
    write('something longer');
    expect(write('a')).toBe(first);
  });

  test.each<[what: string, parts: readonly Part[]]>([
    ['a text', ['x'.repeat(65)]],
    ['bytes', [new Uint8Array(65)]],
    ['many parts', Array.from({ length: 17 }, (_, at) => at)],
  ])('that are too long are none: %s', (_, parts) => {
    expect(keyOf(parts, 64)).toBeUndefined();
  });

  test('have as many hashes as there are keys, nearly', () => {
    const hashes = new Set(Array.from({ length: 20_000 }, (_, id) => keyOf(['db', String(id)])?.hash));
    expect(hashes.size).toBeGreaterThan(19_990);
  });

  test('of texts are the same only for the same texts', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 5 });
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        expect(keyOf(one)?.key === keyOf(other)?.key).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });
});

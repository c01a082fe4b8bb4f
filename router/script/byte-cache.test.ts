import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteCache } from './byte-cache.ts';
import type { Key } from './key-writer.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const keyOf = (text: string, hash: number): Key => ({ bytes: bytes(`${text}, and more`), length: text.length, hash });
const textOf = (found: Uint8Array | undefined): string | undefined => found && Buffer.from(found).toString();

describe('a cache of bytes', () => {
  test('gives back what was set last, and nothing of another key with the same hash', () => {
    const cache = new ByteCache(4096);
    cache.set(keyOf('one', 7), bytes('1'));
    cache.set(keyOf('two', 7), bytes('2'));
    cache.set(keyOf('one', 7), bytes('one more'));
    expect(textOf(cache.find(keyOf('one', 7)))).toBe('one more');
    expect(textOf(cache.find(keyOf('two', 7)))).toBe('2');
    expect(cache.find(keyOf('six', 7))).toBeUndefined();
    expect(cache.find(keyOf('one', 8))).toBeUndefined();
  });

  test('keeps values without a byte', () => {
    const cache = new ByteCache(4096);
    cache.set(keyOf('k', 1), bytes(''));
    expect(textOf(cache.find(keyOf('k', 1)))).toBe('');
  });

  test('has room until the first entry has to give way', () => {
    const cache = new ByteCache(4096);
    let count = 0;
    for (; cache.hasRoom; count++) cache.set(keyOf(`k${count}`, count), Buffer.alloc(500));
    expect(cache.find(keyOf('k1', 1))).toBeDefined();
    expect(count).toBeGreaterThan(6);
  });

  test('the oldest give way, and those that are asked for stay', () => {
    const cache = new ByteCache(8192);
    cache.set(keyOf('often', 1), bytes('asked for'));
    cache.set(keyOf('never', 2), bytes('forgotten'));
    for (let turn = 0; turn < 100; turn++) {
      cache.set(keyOf(`k${turn}`, 100 + turn), Buffer.alloc(400));
      expect(textOf(cache.find(keyOf('often', 1)))).toBe('asked for');
    }
    expect(cache.find(keyOf('never', 2))).toBeUndefined();
  });

  test('what is too large for it is left out, and harms nothing', () => {
    const cache = new ByteCache(4096);
    cache.set(keyOf('a', 1), bytes('1'));
    cache.set(keyOf('b', 2), Buffer.alloc(5000));
    expect(cache.find(keyOf('b', 2))).toBeUndefined();
    expect(textOf(cache.find(keyOf('a', 1)))).toBe('1');
  });

  test('never gives back anything but the last value of a key', () => {
    const step = fc.record({ key: fc.nat(40), size: fc.nat(300), isSet: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const cache = new ByteCache(4096);
        const last = new Map<number, string>();
        steps.forEach(({ key, size, isSet }, at) => {
          // Of few hashes, so that places are fought for.
          if (isSet) {
            const value = `${at}.${'v'.repeat(size)}`;
            last.set(key, value);
            cache.set(keyOf(`key ${key}`, key % 5), bytes(value));
          } else {
            const found = textOf(cache.find(keyOf(`key ${key}`, key % 5)));
            if (found !== undefined) expect(found).toBe(last.get(key));
          }
        });
      }),
    );
  });
});

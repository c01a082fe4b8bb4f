import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inOrder } from './in-order.ts';
import { compareBytes, compareKeys } from './keys.ts';

interface Item {
  readonly key: string;
}

async function* each(keys: readonly string[]): AsyncGenerator<Item> {
  for (const key of keys) yield { key };
}

/** As a store gives keys, and how often it was asked for a folder. */
async function ordered(keys: readonly string[], isDeep: boolean, waitingMax: number) {
  const stored = [...new Set(keys)].sort(compareBytes);
  let asked = 0;
  const below = (folder: string): AsyncGenerator<Item> => {
    asked++;
    const inIt = stored.filter((key) => key.startsWith(folder));
    return each(isDeep ? inIt : inIt.slice(0, 1));
  };
  const found: string[] = [];
  for await (const { key } of inOrder(each(stored), below, waitingMax)) found.push(key);
  return { found, expected: stored.sort(compareKeys), asked };
}

/** Names that begin alike and go on before and behind the slash. */
const name = fc.string({
  unit: fc.constantFrom('a', 'b', '-', '.', ' ', '0', 'é', '😀', '\uff5e'),
  minLength: 1,
  maxLength: 5,
});
const flat = fc.array(fc.tuple(name, fc.boolean()).map(([text, isFolder]) => (isFolder ? `${text}/` : text)));
const deep = fc.array(
  fc
    .tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([parts, isFolder]) => parts.join('/') + (isFolder ? '/' : '')),
);

describe.each([0, 1, 3, 1000])('with %s that may wait', (waitingMax) => {
  test('names of one folder', async () => {
    await fc.assert(
      fc.asyncProperty(flat, async (keys) => {
        const { found, expected } = await ordered(keys, false, waitingMax);
        expect(found).toEqual(expected);
      }),
    );
  });

  test('keys of a tree', async () => {
    await fc.assert(
      fc.asyncProperty(deep, async (keys) => {
        const { found, expected } = await ordered(keys, true, waitingMax);
        expect(found).toEqual(expected);
      }),
    );
  });
});

test('a folder that is asked for ahead of its turn brings nothing of those beside it', async () => {
  const { found, expected } = await ordered(['0/a', '0 0/a', '0 0-/a'], true, 0);
  expect(found).toEqual(expected);
});

test.each([
  { why: 'names without anything before a slash', name: (n: number) => `file${n}`, asked: 0 },
  { why: 'names with an extension', name: (n: number) => `file${n}.txt`, asked: 0 },
  { why: 'names that all begin like a folder that may come', name: (n: number) => `my file ${n}.txt`, asked: 2 },
])('of many, little waits and the store is seldom asked: $why', async ({ name: nameOf, asked }) => {
  const keys = Array.from({ length: 20_000 }, (_, n) => nameOf(n));
  const stored = keys.sort(compareBytes);
  let came = 0;
  let asks = 0;
  async function* counted(): AsyncGenerator<Item> {
    for (const key of stored) {
      came++;
      yield { key };
    }
  }
  let [given, waitedMost] = [0, 0];
  const below = (): AsyncGenerator<Item> => {
    asks++;
    return each([]);
  };
  for await (const _ of inOrder(counted(), below, 100)) {
    given++;
    waitedMost = Math.max(waitedMost, came - given);
  }
  expect({ given, asks }).toEqual({ given: 20_000, asks: asked });
  expect(waitedMost).toBeLessThanOrEqual(101);
});

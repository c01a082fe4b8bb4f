import { expect, test } from 'vitest';
import { newTree, takeTurn } from './trees.ts';

/** In how many milliseconds each of so many calls is made, all of which are wanted at the same moment. */
const turns = (count: number, callsMax: number, tree = newTree(), now = 1_000): number[] =>
  Array.from({ length: count }, () => takeTurn(tree, callsMax, now));

test('some calls are made at once, the others one after the other', () => {
  const waits = turns(100, 500);
  expect(waits.slice(0, 25)).toEqual(Array(25).fill(0));
  expect(waits.slice(25)).toEqual(Array.from({ length: 75 }, (_, n) => 2 * (n + 1)));
});

test('a cap that is never reached slows nobody down', () => {
  expect(turns(10, 10)).toEqual(Array(10).fill(0));
});

test('who may make very many gets them done within a second', () => {
  expect(turns(100_000, 100_000).at(-1)).toBeLessThanOrEqual(1_000);
});

test('who calls no faster than that never waits', () => {
  const tree = newTree();
  const waits = Array.from({ length: 500 }, (_, n) => takeTurn(tree, 500, 2 * n));
  expect(waits).toEqual(Array(500).fill(0));
});

test('who has rested may make some at once again, and no more than before', () => {
  const tree = newTree();
  turns(100, 500, tree);
  expect(turns(26, 500, tree, 60_000)).toEqual([...Array(25).fill(0), 2]);
});

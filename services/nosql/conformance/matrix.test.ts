import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ENGINES } from '../engines.ts';
import { memory } from '../testing/memory.ts';
import { matrixPage, waysOf } from './matrix.ts';

const PAGE = resolve(import.meta.dirname, '../../../docs/nosql-matrix.md');

test('docs/nosql-matrix.md is what the plans say: else run `npm run matrix:nosql`', async () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(await matrixPage());
});

test('every engine has a place in it', async () => {
  const labels = await Promise.all(Object.values(ENGINES).map(async (load) => (await load()).engine.label));
  const head = readFileSync(PAGE, 'utf8')
    .split('\n')
    .find((line) => line.startsWith('| condition'));
  for (const label of labels) expect(head).toContain(label);
});

test('for a store that can do nothing all is done here', async () => {
  const ways = new Set((await waysOf(memory)).values());
  expect(ways).not.toContain('mixed');
});

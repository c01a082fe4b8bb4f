import { expect, test } from 'vitest';
import { NameIndex } from './name-index.ts';

const index = new NameIndex(['Name', 'name', 'ÄÖ'], (name) => name);
test.each([
  ['Name', 'Name'],
  ['name', 'name'],
  ['NAME', 'name'],
  ['äö', 'ÄÖ'],
  ['constructor', undefined],
])('%s finds %s', (name, found) => expect(index.get(name)).toBe(found));

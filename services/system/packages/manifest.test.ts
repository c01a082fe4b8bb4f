import { expect, test } from 'vitest';
import { KINDS } from './kinds.ts';
import { manifestOf, readManifest, readSelection } from './manifest.ts';

const ALL = KINDS.map((kind): [string, undefined] => [kind.name, undefined]);

test.each([
  ['nothing is everything', {}, ALL],
  ['a star is all of a kind', { service: { system: { role: '*' } } }, [['role', undefined]]],
  ['and so is a list with one', { service: { system: { role: ['a', '*'] } } }, [['role', undefined]]],
  ['and so is yes', { service: { system: { role: true } } }, [['role', undefined]]],
  ['names and ids', { service: { system: { role: ['a', 3] } } }, [['role', ['a', 3]]]],
  [
    'kinds follow each other as they refer',
    { service: { system: { limit: ['l'], service: ['s'] } } },
    [
      ['service', ['s']],
      ['limit', ['l']],
    ],
  ],
  ['other services, of which nothing is wanted', { service: { db: {}, system: { app: [] } } }, [['app', []]]],
])('%s', (_why, manifest, expected) => {
  expect(readSelection(manifest).map(({ kind, wanted }) => [kind.name, wanted])).toEqual(expected);
});

test.each([
  ['no object', { service: 'system' }],
  ['records of a database', { service: { db: { _table: ['a'] } } }],
  ['an unknown kind', { service: { system: { planet: ['mars'] } } }],
  ['no list', { service: { system: { role: 1 } } }],
  ['a list of anything', { service: { system: { role: [{}] } } }],
])('refused: %s', (_why, manifest) => {
  expect(() => readSelection(manifest)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('a manifest of ours is read, another is not', () => {
  const manifest = manifestOf({ contents: { role: ['a'] }, services: ['system', 'db'] });
  expect(readManifest(manifest)).toMatchObject({ kinds: [{ name: 'role' }], secured: false });
  expect(() => readManifest({ ...manifest, format: 'other' })).toThrow(expect.objectContaining({ code: 'invalid' }));
  expect(() => readManifest(null)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

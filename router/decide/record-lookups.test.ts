import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { LOOKUPS_MAX } from '#common/bounds.ts';
import { UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { mayHoldLookups, withRecordLookups } from './record-lookups.ts';

const state = new AccessState();
state.apply(
  create(UpdateSchema, {
    version: 1n,
    full: true,
    lookups: [
      { id: 1, name: 'city', value: 'Riga "north"' },
      { id: 2, name: 'secret', value: '', isPrivate: true },
    ],
  }),
);
const principal = { user: { id: 7, email: 'ann@example.com' } } as unknown as Principal;
const replaced = (json: string): string =>
  Buffer.from(withRecordLookups(Buffer.from(json), state, principal)).toString();

const CASES: readonly [why: string, json: string, becomes: string][] = [
  ['none', '[{"a": "x"}]', '[{"a": "x"}]'],
  ['one', '[{"a":"in {city}"}]', '[{"a":"in Riga \\"north\\""}]'],
  ['wherever it stands', '{"a":{"b":["{user.id}"]}}', '{"a":{"b":["7"]}}'],
  ['names of members stay', '{"{city}":1}', '{"{city}":1}'],
  ['unknown ones stay, as does all else', '[{"a": "{nosuch}", "n": 1.50}]', '[{"a": "{nosuch}", "n": 1.50}]'],
  ['private ones stay', '{"a":"{secret}"}', '{"a":"{secret}"}'],
  ['functions', '{"a":"{strtoupper(user.email)}"}', '{"a":"ANN@EXAMPLE.COM"}'],
  ['digits stay', '{"a":"{user.id}","n":12345678901234567890.10}', '{"a":"7","n":12345678901234567890.10}'],
];
test.each(CASES)('%s', (_, json, becomes) => {
  expect(replaced(json)).toBe(becomes);
});

describe('a quick look', () => {
  test.each([
    ['{"a":1}', false],
    ['[{ }, {"a":{"b":{}}}]', false],
    ['{"a":"{x}"}', true],
    ['{"a":"{_x}"}', true],
    ['{"a":"{"}', false],
    ['', false],
  ])('%s', (json, may) => {
    expect(mayHoldLookups(Buffer.from(json))).toBe(may);
  });
});

test('no more of them than anyone writes', () => {
  expect(() => replaced(JSON.stringify({ a: '{city}'.repeat(LOOKUPS_MAX + 1) }))).toThrow(/lookups/);
});

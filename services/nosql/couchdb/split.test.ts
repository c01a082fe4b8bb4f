import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '#common/json.ts';
import { elementsOf, membersOf, only } from './split.ts';

const bytes = (value: unknown, indent: number): Uint8Array => Buffer.from(JSON.stringify(value, null, indent));
const json = fc.jsonValue({ maxDepth: 4 });
const indents = fc.constantFrom(0, 2);

test('members are what a reader finds', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), indents, (object, indent) => {
      const found = [...membersOf(bytes(object, indent))].map(({ name, value }) => [name, parseJson(value)]);
      expect(found).toEqual(Object.entries(parseJson(bytes(object, indent)) as object));
    }),
  );
});

test('elements are what a reader finds', () => {
  fc.assert(
    fc.property(fc.array(json), indents, (list, indent) => {
      expect([...elementsOf(bytes(list, indent))].map(parseJson)).toEqual(parseJson(bytes(list, indent)));
    }),
  );
});

describe('some members', () => {
  test.each([
    { why: 'as they stand', names: ['c', 'a'], is: '{"a": 1.0,"c":[1, {"a":"}"}]}' },
    { why: 'whose names are escaped', names: ['é'], is: '{"\\u00e9" :"\\""}' },
    { why: 'that are not there', names: ['x'], is: '{}' },
  ])('$why', ({ names, is }) => {
    const object = Buffer.from('{ "a": 1.0 , "c":[1, {"a":"}"}], "\\u00e9" :"\\""\n}');
    expect(Buffer.from(only(object, new Set(names))).toString()).toBe(is);
  });
});

test.each(['', '[', '{"a":1', '{"a":{"b":1}', '"x"', '{"a":"'])('cut short: %s', (text) => {
  expect(() => [...membersOf(Buffer.from(text))]).toThrow(Error);
});

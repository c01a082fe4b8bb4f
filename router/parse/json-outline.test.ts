import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { outlineJson } from './json-outline.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

test.each([
  { text: '', kind: 'empty' },
  { text: ' \n', kind: 'empty' },
  { text: '[]', kind: 'array' },
  { text: ' [{"a":"]"}] ', kind: 'array' },
  { text: '{}', kind: 'object' },
  { text: '"a b"', kind: 'scalar' },
  { text: '-1.5E+3 ', kind: 'scalar' },
  { text: 'null', kind: 'scalar' },
])('$text is $kind', ({ text, kind }) => {
  expect(outlineJson(bytes(text)).kind).toBe(kind);
});

const SLICES = [
  {
    why: 'values of all kinds',
    text: '{"a":1,"b" : [1,{"c":"}"}] , "d":"x\\"y","e":{}, "f":null}',
    slices: { a: '1', b: '[1,{"c":"}"}]', d: '"x\\"y"', e: '{}', f: 'null' },
  },
  { why: 'the last of a repeated key', text: '{"a":1,"a":[2]}', slices: { a: '[2]' } },
  { why: 'a key with escapes is the key it means', text: '{"\\u0072esource":[]}', slices: { resource: '[]' } },
  { why: 'text that is not ASCII', text: '{"ü":"☃","n":2}', slices: { ü: '"☃"', n: '2' } },
  { why: 'a backslash at the end of a string', text: '{"a":"\\\\","b":1}', slices: { a: '"\\\\"', b: '1' } },
];
test.each(SLICES)('$why', ({ text, slices }) => {
  expect({ ...slicesOf(text) }).toEqual(slices);
});

const REFUSED = [
  { text: '{"resource":[{"name":"x"', at: 25 },
  { text: '{"a":[}', at: 7 },
  { text: '{"a":1]', at: 7 },
  { text: '{"a":1', at: 7 },
  { text: '{"a"}', at: 5 },
  { text: '{"a":}', at: 6 },
  { text: '{"a":1,}', at: 8 },
  { text: '{"é":1 2}', at: 8 },
  { text: '{bad', at: 2 },
  { text: '{} x', at: 4 },
  { text: '[] []', at: 4 },
  { text: '[', at: 2 },
  { text: ']', at: 1 },
  { text: '"abc', at: 5 },
  { text: '{"a\\x":1}', at: 2 },
  { text: `${'['.repeat(201)}${']'.repeat(201)}`, at: 201 },
];
test.each(REFUSED)('refused at $at: $text', ({ text, at }) => {
  expect(() => outlineJson(bytes(text))).toThrow(new RegExp(`character ${at}:`));
});

test('agrees with JSON.parse on any document', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 1, '\t'), (value, space) => {
      const text = JSON.stringify(value, undefined, space);
      const outline = outlineJson(bytes(text));
      if (outline.kind !== 'object') {
        expect(outline.kind).toBe(Array.isArray(value) ? 'array' : 'scalar');
        return;
      }
      const parsed = JSON.parse(text) as Record<string, unknown>;
      const slices = slicesOf(text);
      expect(Object.keys(slices).toSorted()).toEqual(Object.keys(parsed).toSorted());
      for (const [key, slice] of Object.entries(slices)) expect(JSON.parse(slice)).toEqual(parsed[key]);
    }),
    { numRuns: 2000 },
  );
});

test('whatever the bytes, there is an outline or a refusal', () => {
  const scrap = fc.array(fc.constantFrom(...Buffer.from('{}[]:,"\\a1 \n')), { maxLength: 40 });
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    scrap.map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(any, (input) => {
      try {
        expect(outlineJson(input).kind).toMatch(/array|object|scalar|empty/);
      } catch (error) {
        expect(error).toBeInstanceOf(MillraceError);
      }
    }),
    { numRuns: 5000 },
  );
});

test('what JSON.parse reads is never refused', () => {
  const scrap = fc.array(fc.constantFrom(...'{}[]:,1 ', '"a"', '"\\""', 'null'), { maxLength: 10 });
  fc.assert(
    fc.property(scrap, (parts) => {
      const text = parts.join('');
      try {
        JSON.parse(text);
      } catch {
        return;
      }
      expect(outlineJson(bytes(text)).kind).not.toBe('empty');
    }),
    { numRuns: 5000 },
  );
});

function slicesOf(text: string): Record<string, string> {
  const input = bytes(text);
  const outline = outlineJson(input);
  const slices: Record<string, string> = Object.create(null);
  if (outline.kind === 'object') {
    for (const [key, { start, end }] of outline.members)
      slices[key] = Buffer.from(input.subarray(start, end)).toString();
  }
  return slices;
}

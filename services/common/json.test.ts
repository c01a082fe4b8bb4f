import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MillraceError } from './errors.ts';
import { JsonNumber, parseJson, stringifyJson } from './json.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('numbers keep their digits', () => {
  const KEPT = [
    { why: 'beyond 2^53', text: '9007199254740993' },
    { why: 'a long bigint', text: '-9223372036854775808' },
    { why: 'a long fraction', text: '0.10000000000000000001' },
    { why: 'many digits with an exponent', text: '12345678901234567890E-5' },
    { why: 'overflow', text: '1e400' },
    { why: 'underflow', text: '1e-400' },
  ];
  test.each(KEPT)('$why comes as digits', ({ text }) => {
    const value = parseJson(bytes(`{"n":[${text}]}`)) as { n: [JsonNumber] };
    expect(value.n[0]).toBeInstanceOf(JsonNumber);
    expect(value.n[0].text).toBe(text);
    expect(stringifyJson(value)).toBe(`{"n":[${text}]}`);
  });

  const PLAIN = [
    '0',
    '-0',
    '9007199254740991',
    '1.10',
    '1.000000000000000000',
    '1e2',
    '1E-7',
    '123456789012345000000',
    '5e-324',
  ];
  test.each(PLAIN)('%s is a plain number', (text) => {
    expect(parseJson(bytes(text))).toBe(Number(text));
  });
});

const DATA = [
  { why: 'digits in a text stay text', text: '["12345678901234567890"]', value: ['12345678901234567890'] },
  { why: 'the last of a repeated key counts', text: '{"a":1,"a":2}', value: { a: 2 } },
  { why: 'a surrogate pair', text: '"\\ud83d\\ude00"', value: '😀' },
  { why: 'an escaped backslash in front of a u', text: '"\\\\ud800"', value: '\\ud800' },
  { why: 'white space around', text: ' \r\n\t[ ] ', value: [] },
];
test.each(DATA)('$why', ({ text, value }) => {
  expect(parseJson(bytes(text))).toEqual(value);
});

test.each(['{"__proto__":{"x":1}}', '{"n":12345678901234567890,"__proto__":{"x":1}}'])(
  '__proto__ is a key like any other: %s',
  (text) => {
    const value = parseJson(bytes(text)) as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.hasOwn(value, '__proto__')).toBe(true);
    expect(stringifyJson(value)).toBe(text);
  },
);

const REFUSED = [
  { why: 'nothing', input: bytes(''), says: /character 1\b/ },
  { why: 'an unfinished object', input: bytes('{"a":1'), says: /character 7\b.*'}'/ },
  { why: 'an unquoted key', input: bytes('{bad'), says: /character 2\b.*key/ },
  { why: 'a missing colon', input: bytes('{"a" 1}'), says: /character 6\b.*':'/ },
  { why: 'a trailing comma', input: bytes('[1,]'), says: /character 4\b/ },
  { why: 'a word', input: bytes('[nul]'), says: /character 2\b/ },
  { why: 'a leading zero', input: bytes('[01]'), says: /character 3\b/ },
  { why: 'an open string', input: bytes('["abc'), says: /character 6\b.*quote/ },
  { why: 'a bad escape', input: bytes('["é\\x"]'), says: /character 4\b.*escape/ },
  { why: 'a bare control character', input: bytes('["a\nb"]'), says: /character 4\b.*control/ },
  { why: 'a second document', input: bytes('{} {}'), says: /character 4\b.*end/ },
  { why: 'half of a pair, high', input: bytes('["\\ud83d"]'), says: /character 3\b.*surrogate/ },
  { why: 'half of a pair, high and then text', input: bytes('["\\ud83dx\\ude00"]'), says: /character 3\b.*surrogate/ },
  { why: 'half of a pair, low', input: bytes('["a\\uDE00"]'), says: /character 4\b.*surrogate/ },
  { why: 'half of a pair as a key', input: bytes('{"\\udfff":1}'), says: /character 3\b.*surrogate/ },
  { why: 'a broken byte', input: Buffer.from([0x22, 0xc3, 0xa9, 0xff, 0x22]), says: /UTF-8 at byte 4\b/ },
  { why: 'a cut character', input: Buffer.from([0x22, 0xe2, 0x98]), says: /UTF-8 at byte 2\b/ },
  { why: 'an encoded surrogate', input: Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), says: /UTF-8 at byte 2\b/ },
  { why: 'deep nesting', input: bytes('['.repeat(201) + ']'.repeat(201)), says: /deeper/ },
  { why: 'very deep nesting', input: bytes('[{"a":'.repeat(200_000)), says: /deeper/ },
];
test.each(REFUSED)('refused: $why', ({ input, says }) => {
  const refusal = refusalOf(input);
  expect(refusal?.code).toBe('invalid');
  expect(refusal?.message).toMatch(says);
});

test('a very long number is read in no time', () => {
  const text = `${'1'.repeat(2_000_000)}.${'0'.repeat(2_000_000)}1`;
  expect((parseJson(bytes(text)) as JsonNumber).text).toBe(text);
});

test('what was written is read again', () => {
  const digits = fc.bigInt({ min: 10n ** 20n, max: 10n ** 40n }).map((value) => new JsonNumber(`${value}1`));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      digits,
      fc.array(tie('tree')),
      fc.dictionary(fc.string(), tie('tree')),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      // -0 is written as 0, by JSON.stringify too.
      const written = stringifyJson(value);
      expect(stringifyJson(parseJson(bytes(written)))).toBe(written);
    }),
    { numRuns: 500 },
  );
});

test('the careful reader and JSON.parse agree on what is JSON', () => {
  const scrap = fc.array(fc.constantFrom(...'{}[]:,"\\ut0189.-+eE \n', 'null', 'true', '"a"', '1e999'), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(scrap, (parts) => {
      const text = parts.join('');
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expect(refusalOf(bytes(text))?.code).toBe('invalid');
        return;
      }
      const same = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
      if (!/\d[eE]|\d{15}|\\u/.test(text)) expect(same(parseJson(bytes(text)))).toEqual(same(expected));
    }),
    { numRuns: 5000 },
  );
});

function refusalOf(input: Uint8Array): MillraceError | undefined {
  try {
    parseJson(input);
    return undefined;
  } catch (error) {
    return error instanceof MillraceError ? error : undefined;
  }
}

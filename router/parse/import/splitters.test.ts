/** Records are found whatever the packets' borders are, and told by the line they begin in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IMPORT_RECORD_BYTES_MAX } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import { CsvSplitter } from './csv-records.ts';
import { Gathered } from './gathered.ts';
import { JsonSplitter } from './json-records.ts';
import { LineSplitter } from './lines.ts';
import type { Splitter } from './pieces.ts';

interface Found {
  /** Line and JSON of each record. */
  readonly records: readonly (readonly [line: number, json: unknown])[];
  /** What the caller is told where it breaks off. */
  readonly fault: string | undefined;
}

/** @param sizes  of the packets, used again and again; pieces are taken after every second one */
function split(splitter: Splitter, text: string | Uint8Array, sizes: readonly number[] = [1 << 20]): Found {
  const bytes = Buffer.from(text as string);
  const gathered = new Gathered();
  const records: (readonly [number, unknown])[] = [];
  const take = (): void => {
    const { records: json, lines } = gathered.take();
    const texts = Buffer.from(json).toString().split('\n').slice(0, -1);
    expect(texts).toHaveLength(lines.length);
    texts.forEach((one, i) => {
      records.push([lines[i] as number, parsed(one)]);
    });
  };
  let fault: string | undefined;
  try {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length] as number;
      splitter.push(Buffer.from(bytes.subarray(at, at + size)), gathered);
      at += size;
      if (i % 2 === 1) take();
    }
    splitter.end(gathered);
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    expect(error).toMatchObject({ code: 'invalid', context: { line: expect.any(Number) } });
    fault = (error as MillraceError).message;
  }
  take();
  return { records, fault };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return 'no JSON';
  }
}

interface Row {
  readonly why: string;
  readonly text: string;
  readonly records: Found['records'];
  readonly fault?: RegExp;
}

const row = (why: string, text: string, records: Found['records'], fault?: RegExp): Row => ({
  ...{ why, text, records },
  ...(fault && { fault }),
});

const LINES: readonly Row[] = [
  row('nothing', '', []),
  row('a record', '{"a":1}', [[1, { a: 1 }]]),
  row('records', '{"a":1}\n{"a":2}\n', [
    [1, { a: 1 }],
    [2, { a: 2 }],
  ]),
  row('line ends of other systems, empty lines', '\r\n{"a":1}\r\n\n  \n{"a":2}\r\n\r\n', [
    [2, { a: 1 }],
    [5, { a: 2 }],
  ]),
  row('a byte order mark', '\ufeff{"a":1}\n', [[1, { a: 1 }]]),
  row('what is no JSON', '{"a":\n[1]\n"x', [
    [1, 'no JSON'],
    [2, [1]],
    [3, 'no JSON'],
  ]),
];

const JSONS: readonly Row[] = [
  row('nothing in it', ' [ ] ', []),
  row('nothing in the wrapper', '{"resource":[]}', []),
  row('records', '[{"a":1},{"a":2}]', [
    [1, { a: 1 }],
    [1, { a: 2 }],
  ]),
  row('wrapped', '\n{ "resource" :\n [ {"a":1} , {"a":2} ] \n } \n', [
    [3, { a: 1 }],
    [3, { a: 2 }],
  ]),
  row('a byte order mark', '\ufeff[{"a":1}]', [[1, { a: 1 }]]),
  row('over many lines', '[\n  {\n    "a": [1,\n 2]\n  },\n  {\n "b": {}\n}\n]', [
    [2, { a: [1, 2] }],
    [6, { b: {} }],
  ]),
  row('brackets and quotes in texts', '[{"a":"]},{[\\""},{"b":"\\\\"},{"c":"\\\\\\"]"}]', [
    [1, { a: ']},{["' }],
    [1, { b: '\\' }],
    [1, { c: '\\"]' }],
  ]),
  row('what is no record', '[1,"a",null,[2]]', [
    [1, 1],
    [1, 'a'],
    [1, null],
    [1, [2]],
  ]),
  row('what is no JSON', '[{"a"},{"b":1} {"c":2},"x\ny",7]', [
    [1, 'no JSON'],
    [1, 'no JSON'],
    [1, 'no JSON'],
    [2, 7],
  ]),
  row('no list', '{"a":1}', [], /line 1/),
  row('another member', '{"ids":[1]}', [], /resource/),
  row('more behind the list', '{"resource":[{"a":1}],"ids":[]}', [[1, { a: 1 }]], /end/),
  row('the wrapper left open', '{"resource":[{"a":1}]', [[1, { a: 1 }]], /end/),
  row('a bracket too many', '[{"a":1}]}', [[1, { a: 1 }]], /end/),
  row('no end', '[{"a":1},\n{"a":', [[1, { a: 1 }]], /line 2.*never ends/),
  row('nothing between commas', '[{"a":1},,{"a":2}]', [[1, { a: 1 }]], /expected a record/),
  row('a comma at the end', '[{"a":1},]', [[1, { a: 1 }]], /expected a record/),
  row('a comma in front', '[,{"a":1}]', [], /expected a record/),
  row('nothing at all', '', [], /never ends/),
  row('something long in front', `${' '.repeat(2000)}[]`, [], /nothing but/),
];

const CSVS: readonly Row[] = [
  row('nothing', '', []),
  row('names only', 'a,b\n', []),
  row('rows', 'a,b\n1,x\n2,\n', [
    [2, { a: '1', b: 'x' }],
    [3, { a: '2', b: '' }],
  ]),
  row('no line end behind the last', 'a\n1', [[2, { a: '1' }]]),
  row('line ends of other systems, empty lines', '\ufeffa\r\n\r\n1\r\n\r2\r3', [
    [3, { a: '1' }],
    [5, { a: '2' }],
    [6, { a: '3' }],
  ]),
  row('quotes', 'a,b\n"x,""y""\nz",1\n"",2\n', [
    [2, { a: 'x,"y"\nz', b: '1' }],
    [4, { a: '', b: '2' }],
  ]),
  row('quotes inside of a cell are none', 'a,b\n5" pipe,1\n', [[2, { a: '5" pipe', b: '1' }]]),
  row('too few and too many cells', 'a,b\n1\n1,2,3\n', [
    [2, { a: '1', b: null }],
    [3, { a: '1', b: '2', '#3': '3' }],
  ]),
  row('a quote that is never closed', 'a\n1\n"2\n3', [[2, { a: '1' }]], /line 3.*never closed/),
  row('text behind a quote', 'a\n1\n"2"3\n4\n', [[2, { a: '1' }]], /line 3.*behind/),
];

describe.each([
  ['lines', () => new LineSplitter(), LINES],
  ['JSON', () => new JsonSplitter(), JSONS],
  ['CSV', () => new CsvSplitter(), CSVS],
] satisfies [string, () => Splitter, readonly Row[]][])('%s', (_, splitter, rows) => {
  describe.each([
    ['one packet', [1 << 20]],
    ['a byte at a time', [1]],
    ['odd packets', [3, 1, 7, 2]],
  ] as const)('%s', (_, sizes) => {
    test.each(rows)('$why', ({ text, records, fault }) => {
      const found = split(splitter(), text, sizes);
      expect(found.records).toEqual(records);
      if (fault) expect(found.fault).toMatch(fault);
      else expect(found.fault).toBeUndefined();
    });
  });
});

const record = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

test('any records in any packets', () => {
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 8 }),
      fc.integer({ min: 0, max: 3 }),
      sizes,
      (records, space, packets) => {
        const given = JSON.parse(JSON.stringify(records)) as unknown[];
        const lines = given.map((one) => JSON.stringify(one)).join('\n');
        expect(split(new LineSplitter(), lines, packets).records.map(([, json]) => json)).toEqual(given);
        const list = JSON.stringify(given, undefined, space);
        const found = split(new JsonSplitter(), list, packets);
        expect(found.fault).toBeUndefined();
        expect(found.records.map(([, json]) => json)).toEqual(given);
      },
    ),
  );
});

const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'ö', '𝄞', ' ') });

test('any cells in any packets', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 6 }), sizes, (rows, packets) => {
      const quoted = rows.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(','));
      const found = split(new CsvSplitter(), ['a,b', ...quoted].join('\n'), packets);
      expect(found.fault).toBeUndefined();
      expect(found.records.map(([, json]) => json)).toEqual(rows.map(([a, b]) => ({ a, b })));
    }),
  );
});

test('bytes that are no text', () => {
  expect(split(new CsvSplitter(), Buffer.from([0x61, 0x0a, 0xff, 0x0a])).fault).toMatch(/UTF-8/);
});

test.each([
  ['lines', () => new LineSplitter(), '{"a":"'],
  ['JSON', () => new JsonSplitter(), '[{"a":"'],
] as const)('a record without an end is refused: %s', (_, splitter, beginning) => {
  const found = split(splitter(), beginning + 'x'.repeat(IMPORT_RECORD_BYTES_MAX + 100), [64 * 1024]);
  expect(found).toEqual({ records: [], fault: expect.stringMatching(/larger/) });
});

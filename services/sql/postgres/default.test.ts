import { expect, test } from 'vitest';
import type { JsonKind } from '#common/schema/catalogue.ts';
import { parseDefault } from './default.ts';

const CASES: readonly [printed: string | null, json: JsonKind, expected: unknown][] = [
  [null, 'string', null],
  ['NULL::character varying', 'string', null],
  ["'x'::character varying", 'string', 'x'],
  ["'x'::character varying(20)", 'string', 'x'],
  ["'it''s'::text", 'string', "it's"],
  ["''::text", 'string', ''],
  ["E'a\\\\b'::text", 'string', 'a\\b'],
  ["'7'::text", 'string', '7'],
  ["'happy'::hr.mood", 'string', 'happy'],
  [`'happy'::"Odd Schema"."Mood ""x"""`, 'string', 'happy'],
  ["'{}'::text[]", 'string', '{}'],
  ["'2020-01-02'::date", 'string', '2020-01-02'],
  ["'2020-01-02 03:04:05'::timestamp(0) without time zone", 'string', '2020-01-02 03:04:05'],
  ["'-1'::integer", 'number', -1],
  ['0', 'number', 0],
  ['(-5)', 'number', -5],
  ['1.5', 'number', 1.5],
  ['(-1.5)::double precision', 'number', -1.5],
  ["'9007199254740993'::bigint", 'number', '9007199254740993'],
  ['1.50', 'number', '1.50'],
  ['true', 'boolean', true],
  ['false', 'boolean', false],
  ['now()', 'string', { expression: 'now()' }],
  ['CURRENT_TIMESTAMP', 'string', { expression: 'CURRENT_TIMESTAMP' }],
  ["('a'::text || 'b'::text)", 'string', { expression: "('a'::text || 'b'::text)" }],
  ["'a'::text || 'b'::text", 'string', { expression: "'a'::text || 'b'::text" }],
  ["timezone('utc'::text, now())", 'string', { expression: "timezone('utc'::text, now())" }],
];
test.each(CASES)('%s (%s)', (printed, json, expected) =>
  expect(parseDefault(printed, json)).toEqual({ value: expected }),
);

test.each(["nextval('a_id_seq'::regclass)", `nextval('"Odd Schema".s'::regclass)`])('%s counts up', (printed) =>
  expect(parseDefault(printed, 'number')).toBe('sequence'),
);

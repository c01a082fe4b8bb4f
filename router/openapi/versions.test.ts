import { expect, test } from 'vitest';
import { inVersion, versionOf } from './versions.ts';

const OPTIONS: [option: string | undefined, version: string][] = [
  [undefined, '3.1'],
  ['', '3.1'],
  ['3.1', '3.1'],
  ['3.1.1', '3.1'],
  ['3.0', '3.0'],
  ['3.0.3', '3.0'],
];
test.each(OPTIONS)('openapi=%s is %s', (option, version) => {
  expect(versionOf(option)).toBe(version);
});

test.each(['2.0', '3', '3.2', '3.0.', 'x'])('openapi=%s is refused', (option) => {
  expect(() => versionOf(option)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

const SCHEMAS: { why: string; schema: object; older: object }[] = [
  { why: 'one type', schema: { type: 'string' }, older: { type: 'string' } },
  {
    why: 'a type or nothing',
    schema: { type: ['string', 'null'], maxLength: 3 },
    older: { type: 'string', nullable: true, maxLength: 3 },
  },
  {
    why: 'several types',
    schema: { type: ['integer', 'array'], items: { type: ['string', 'null'] }, description: 'x' },
    older: {
      anyOf: [{ type: 'integer' }, { type: 'array', items: { type: 'string', nullable: true } }],
      description: 'x',
    },
  },
  {
    why: 'inside of others',
    schema: { paths: [{ schema: { type: ['number', 'null'] } }] },
    older: { paths: [{ schema: { type: 'number', nullable: true } }] },
  },
  {
    why: 'a field of the name type',
    schema: { properties: { type: { type: ['string', 'null'] } } },
    older: { properties: { type: { type: 'string', nullable: true } } },
  },
];
test.each(SCHEMAS)('in 3.0: $why', ({ schema, older }) => {
  expect(inVersion(schema, '3.0')).toEqual(older);
  expect(inVersion(schema, '3.1')).toEqual(schema);
});

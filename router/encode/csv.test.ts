import { expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { toCsv } from './csv.ts';

const CASES: { why: string; value: unknown; csv: string }[] = [
  { why: 'one record', value: { id: 1, name: 'Ada' }, csv: 'id,name\n1,Ada\n' },
  {
    why: 'a list',
    value: {
      resource: [
        { id: 9, name: 'r1' },
        { id: 10, name: 'r2b' },
      ],
    },
    csv: 'id,name\n9,r1\n10,r2b\n',
  },
  { why: 'a bare list', value: [{ id: 1 }], csv: 'id\n1\n' },
  { why: 'metadata is left out', value: { resource: [{ id: 1 }], meta: { count: 5 } }, csv: 'id\n1\n' },
  { why: 'an empty list, as recorded', value: { resource: [] }, csv: '\n\n' },
  {
    why: 'an error, as recorded',
    value: {
      error: { code: 404, context: null, message: "Record with identifier '999' not found.", status_code: 404 },
    },
    csv: 'code,context,message,status_code\n404,,"Record with identifier \'999\' not found.",404\n',
  },
  {
    why: 'nested values, as recorded',
    value: { resource: [{ id: 1, dept: { id: 1, name: 'Sales', city: null } }] },
    csv: 'id,dept\n1,"{""id"":1,""name"":""Sales"",""city"":null}"\n',
  },
  { why: 'booleans and null', value: [{ a: true, b: false, c: null }], csv: 'a,b,c\n1,,\n' },
  {
    why: 'large numbers, bare and nested',
    value: [{ a: new JsonNumber('12345678901234567890'), b: [new JsonNumber('1e400')] }],
    csv: 'a,b\n12345678901234567890,[1e400]\n',
  },
  {
    why: 'quotes, commas, line breaks, backslashes',
    value: [{ a: 'x"y', b: '1,2', c: '1\n2', d: 'a\\b' }],
    csv: 'a,b,c,d\n"x""y","1,2","1\n2","a\\b"\n',
  },
  { why: 'rows that differ: no value is lost', value: [{ a: 1 }, { b: 2, a: 3 }], csv: 'a,b\n1,\n3,2\n' },
  { why: 'a key that objects have', value: [{ a: 1 }, { toString: 'x' }], csv: 'a,toString\n1,\n,x\n' },
  { why: 'one empty cell is still a row', value: [{ a: null }], csv: 'a\n""\n' },
  { why: 'a list of names', value: { resource: ['a', 'b c'] }, csv: 'value\na\n"b c"\n' },
  { why: 'a number', value: 5, csv: 'value\n5\n' },
];
test.each(CASES)('$why', ({ value, csv }) => {
  expect(toCsv(value)).toBe(csv);
});

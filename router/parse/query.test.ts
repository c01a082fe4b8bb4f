import { expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { Query } from './query.ts';

const VALUES = [
  { why: 'plain', raw: 'limit=5&offset=10', name: 'limit', value: '5' },
  { why: 'the last of a repeated name', raw: 'a=1&a=2', name: 'a', value: '2' },
  { why: 'a plus is a space', raw: 'filter=a+%3D+1', name: 'filter', value: 'a = 1' },
  { why: 'an encoded plus is a plus', raw: 'a=1%2B1', name: 'a', value: '1+1' },
  { why: 'UTF-8', raw: 'a=Zo%C3%AB', name: 'a', value: 'Zoë' },
  { why: 'an encoded name', raw: 'f%69lter=x', name: 'filter', value: 'x' },
  { why: 'an equals sign in the value', raw: 'filter=a=1', name: 'filter', value: 'a=1' },
  { why: 'no equals sign', raw: 'file&a=1', name: 'file', value: '' },
  { why: 'an equals sign of the next pair', raw: 'a&b=1', name: 'a', value: '' },
  { why: 'empty pairs', raw: '&&a=1&&', name: 'a', value: '1' },
  { why: 'absent', raw: 'a=1', name: 'b', value: undefined },
  { why: 'nothing at all', raw: '', name: 'a', value: undefined },
  { why: 'a name that objects have', raw: 'a=1', name: 'constructor', value: undefined },
  { why: '__proto__', raw: '__proto__=1', name: '__proto__', value: '1' },
  { why: 'an alias', raw: 'select=id', name: 'fields', value: 'id' },
  { why: 'the second alias', raw: 'order_by=id', name: 'order', value: 'id' },
  { why: 'the first of two aliases', raw: 'order_by=id&sort=name', name: 'order', value: 'name' },
  { why: 'the name before its alias', raw: 'where=b&filter=a', name: 'filter', value: 'a' },
  { why: 'an empty name before its alias', raw: 'where=b&filter=', name: 'filter', value: '' },
];
test.each(VALUES)('$why: $raw', ({ raw, name, value }) => {
  const query = Query.parse(raw);
  expect(query.get(name)).toBe(value);
  expect(query.has(name)).toBe(value !== undefined);
});

test.each(['true', '1', 'on', 'YES', 'y', 'T'])('%s means yes', (word) => {
  expect(Query.parse(`continue=${word}`).flag('continue')).toBe(true);
});

test.each(['continue=false', 'continue=0', 'continue=2', 'continue=', 'continue', ''])('"%s" means no', (raw) => {
  expect(Query.parse(raw).flag('continue')).toBe(false);
});

test('replacement values are collected by name, with and without colon, encoded or not', () => {
  const query = Query.parse('params[:n]=a+b&params%5Bm%5D=1&params[:n]=c&params=x&params[]=y');
  expect(Object.fromEntries(query.params)).toEqual({ ':n': 'c', m: '1' });
  expect(query.names()).toEqual(['params', 'params[]']);
});

test.each(['%', '%2', '%zz', '%ff', 'a%C3'])('malformed encoding is refused by the name: %s', (value) => {
  expect(() => Query.parse(`ok=1&filter=${value}`)).toThrow(MillraceError);
  expect(() => Query.parse(`ok=1&filter=${value}`)).toThrow(/'filter'/);
});

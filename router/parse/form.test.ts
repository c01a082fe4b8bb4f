import { expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { parseForm } from './form.ts';

const READ = [
  { text: 'email=a%40b.cd&password=x+y', value: { email: 'a@b.cd', password: 'x y' } },
  { text: 'resource[0][title]=From+form', value: { resource: [{ title: 'From form' }] } },
  { text: 'resource%5B0%5D%5Btitle%5D=a&resource[1][title]=b', value: { resource: [{ title: 'a' }, { title: 'b' }] } },
  { text: 'a[]=1&a[]=2', value: { a: ['1', '2'] } },
  { text: 'a[x][y]=1&a[x][z]=2', value: { a: { x: { y: '1', z: '2' } } } },
  { text: 'a[1]=x', value: { a: { 1: 'x' } } },
  { text: 'a=1&a=2', value: { a: '2' } },
  { text: 'a[b]=1&a=2', value: { a: '2' } },
  { text: 'a=2&a[b]=1', value: { a: { b: '1' } } },
  { text: 'a[b=1&[c]=2', value: { 'a[b': '1', '[c]': '2' } },
  { text: '0=a', value: { 0: 'a' } },
  { text: '&', value: {} },
];
test.each(READ)('$text', ({ text, value }) => {
  expect(JSON.parse(JSON.stringify(parseForm(text)))).toEqual(value);
});

test('no name reaches a prototype', () => {
  const value = parseForm('__proto__[polluted]=1&a[__proto__][polluted]=1&a[constructor][prototype][polluted]=1');
  expect(JSON.stringify(value)).toContain('"__proto__":{"polluted":"1"}');
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test.each([`a${'[b]'.repeat(100)}=1`, 'a=%zz'])('refused: %s', (text) => {
  expect(() => parseForm(text)).toThrow(MillraceError);
});

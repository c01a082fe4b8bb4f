import { describe, expect, test } from 'vitest';
import { addressesOf } from './addresses.ts';

const A = { name: '', address: 'a@b.cd' };
const C = { name: '', address: 'c@d.ef' };

describe('addresses', () => {
  test.each<[string, unknown, object[]]>([
    ['nothing', undefined, []],
    ['null', null, []],
    ['an empty text', '', []],
    ['a text', ' a@b.cd ', [A]],
    ['a comma list', 'a@b.cd, c@d.ef,', [A, C]],
    ['a list of texts', ['a@b.cd', 'c@d.ef'], [A, C]],
    ['a name in front', 'Ada <a@b.cd>', [{ ...A, name: 'Ada' }]],
    ['a name with a comma', '"Lovelace, Ada" <a@b.cd>, c@d.ef', [{ ...A, name: 'Lovelace, Ada' }, C]],
    ['an object', { name: 'Ada', email: 'a@b.cd' }, [{ ...A, name: 'Ada' }]],
    ['an object without a name', { email: 'a@b.cd' }, [A]],
    ['a list of both', [{ name: 'Ada', email: 'a@b.cd' }, 'c@d.ef'], [{ ...A, name: 'Ada' }, C]],
    ['letters of other scripts', 'jürgen@münchen.example', [{ name: '', address: 'jürgen@münchen.example' }]],
    ['a name with a line break', { name: 'Ada\r\nBcc: x@y.z', email: 'a@b.cd' }, [{ ...A, name: 'Ada Bcc: x@y.z' }]],
  ])('%s', (_why, value, expected) => {
    expect(addressesOf(value)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['no address', 'bad'],
    ['a blank inside', 'a b@c.de'],
    ['a line break', 'a@b.cd\r\nBcc: x@y.z'],
    ['a line break in an object', { email: 'a@b.cd\nBcc: x@y.z' }],
    ['a NUL', 'a@b.cd\0'],
    ['two at signs', 'a@b@c.de'],
    ['angle brackets without an end', 'Ada <a@b.cd'],
    ['nothing in angle brackets', 'Ada <>'],
    ['an address that is a number', { email: 5 }],
    ['a number', 5],
    ['an endless one', `${'a'.repeat(300)}@b.cd`],
    ['more than anyone sends', Array.from({ length: 1001 }, (_, n) => `a${n}@b.cd`)],
  ])('%s is refused', (_why, value) => {
    expect(() => addressesOf(value)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });

  test('a hostile text takes no time', () => {
    const text = '"'.repeat(200_000) + '<'.repeat(200_000);
    expect(() => addressesOf(text)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});

import { expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { parseXml } from './xml.ts';

const READ: { why: string; text: string; value: unknown }[] = [
  {
    why: 'the recorded body',
    text: '<?xml version="1.0"?><dfapi><resource><title>From XML</title><rate>3.5</rate></resource><resource><title>From XML 2</title></resource></dfapi>',
    value: { resource: [{ title: 'From XML', rate: '3.5' }, { title: 'From XML 2' }] },
  },
  { why: 'one record', text: '<x>\n <resource>\n <a>1</a>\n </resource>\n</x>\n', value: { resource: { a: '1' } } },
  { why: 'a lone root called resource stays', text: '<resource><a>1</a></resource>', value: { resource: { a: '1' } } },
  { why: 'any other root is left out', text: '<session><email>e</email></session>', value: { email: 'e' } },
  { why: 'empty elements are null', text: '<r><a/><b></b><c>  </c></r>', value: { a: null, b: null, c: null } },
  { why: 'an empty root is an empty object', text: '<dfapi/>', value: {} },
  { why: 'repeated and nested', text: '<r><a><b>1</b><b/></a><a>2</a></r>', value: { a: [{ b: ['1', null] }, '2'] } },
  { why: 'entities of XML', text: '<r><a>&lt;&amp;amp;&#39;&#x2603;&quot;&gt;</a></r>', value: { a: '<&amp;\'☃">' } },
  { why: 'CDATA is taken as it is', text: '<r><a>x<![CDATA[<b>&amp;]]>y</a></r>', value: { a: 'x<b>&amp;y' } },
  {
    why: 'a doctype in CDATA is text',
    text: '<r><a><![CDATA[<!DOCTYPE html>]]></a></r>',
    value: { a: '<!DOCTYPE html>' },
  },
  { why: 'white space in a text stays', text: '<r><a> x </a></r>', value: { a: ' x ' } },
  {
    why: 'attributes and comments are left out',
    text: '<!-- c --><r q="1"><!-- d --><a z="2">x</a></r>',
    value: { a: 'x' },
  },
  { why: 'numbers and booleans stay texts', text: '<r><a>007</a><b>true</b></r>', value: { a: '007', b: 'true' } },
  { why: 'a field that objects have', text: '<r><toString>x</toString></r>', value: { toString: 'x' } },
];
test.each(READ)('$why', ({ text, value }) => {
  expect(JSON.parse(JSON.stringify(parseXml(text)))).toEqual(value);
});

const REFUSED = [
  { why: 'wrong closing element', text: '<a><b></a>' },
  { why: 'no closing element', text: '<a>' },
  { why: 'two roots', text: '<a/><b/>' },
  { why: 'text behind the root', text: '<a/>x' },
  { why: 'no element', text: 'junk' },
  { why: 'a DTD with an entity', text: '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>' },
  {
    why: 'a DTD behind comments',
    text: '<?xml version="1.0"?><!-- <x> --><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
  },
  { why: 'an unknown entity', text: '<a>&foo;</a>' },
  { why: 'an entity that objects have', text: '<a>&constructor;</a>' },
  { why: 'a character that XML has not', text: '<a>&#0;</a>' },
  { why: 'half of a surrogate pair', text: '<a>&#xd800;</a>' },
  { why: 'a prototype as element', text: '<a><__proto__><x>1</x></__proto__></a>' },
  { why: 'deep nesting', text: `${'<a>'.repeat(500)}${'</a>'.repeat(500)}` },
];
test.each(REFUSED)('refused: $why', ({ text }) => {
  expect(() => parseXml(text)).toThrow(MillraceError);
});

test('a large and hostile body takes no time', () => {
  const started = performance.now();
  for (const part of ['<a>', '<a><!--', '<a><![CDATA[', '<?x ', '<a b="1" ', '&', '<!DOCTYPE ', '<']) {
    expect(() => parseXml(part.repeat(50_000))).toThrow(MillraceError);
  }
  expect(performance.now() - started).toBeLessThan(10_000);
});

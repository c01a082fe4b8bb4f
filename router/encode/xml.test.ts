import fc from 'fast-check';
import { XMLValidator } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { toXml } from './xml.ts';

const HEAD = '<?xml version="1.0" ?>';
const CASES: { why: string; value: unknown; xml: string }[] = [
  { why: 'one record', value: { id: 1, name: 'Ada' }, xml: '<dfapi>\n\t<id>1</id>\n\t<name>Ada</name>\n</dfapi>\n' },
  {
    why: 'a list with text to escape, as recorded',
    value: {
      resource: [
        { id: 1, active: true, note: 'first, "quoted"' },
        { id: 3, active: false, note: null },
        { note: "it's" },
      ],
    },
    xml: '<dfapi>\n\t<resource>\n\t\t<id>1</id>\n\t\t<active>true</active>\n\t\t<note>first, &quot;quoted&quot;</note>\n\t</resource>\n\t<resource>\n\t\t<id>3</id>\n\t\t<active>false</active>\n\t\t<note></note>\n\t</resource>\n\t<resource>\n\t\t<note>it&#039;s</note>\n\t</resource>\n</dfapi>\n',
  },
  {
    why: 'meta, as recorded',
    value: { resource: [{ id: 5 }], meta: { count: 10, next: 1 } },
    xml: '<dfapi>\n\t<resource>\n\t\t<id>5</id>\n\t</resource>\n\t<meta>\n\t\t<count>10</count>\n\t\t<next>1</next>\n\t</meta>\n</dfapi>\n',
  },
  {
    why: 'an error, as recorded',
    value: {
      error: { code: 404, context: null, message: "Record with identifier '999' not found.", status_code: 404 },
    },
    xml: '<dfapi>\n\t<error>\n\t\t<code>404</code>\n\t\t<context></context>\n\t\t<message>Record with identifier &#039;999&#039; not found.</message>\n\t\t<status_code>404</status_code>\n\t</error>\n</dfapi>\n',
  },
  { why: 'an empty list', value: { resource: [] }, xml: '<dfapi>\n\t<resource></resource>\n</dfapi>\n' },
  { why: 'an empty object', value: {}, xml: '<dfapi></dfapi>\n' },
  {
    why: 'a bare list has one root',
    value: [{ id: 1 }, { id: 2 }],
    xml: '<dfapi>\n\t<resource>\n\t\t<id>1</id>\n\t</resource>\n\t<resource>\n\t\t<id>2</id>\n\t</resource>\n</dfapi>\n',
  },
  {
    why: 'a list of texts',
    value: { verbs: ['GET', 'POST'] },
    xml: '<dfapi>\n\t<verbs>GET</verbs>\n\t<verbs>POST</verbs>\n</dfapi>\n',
  },
  { why: 'a number', value: 5, xml: '<dfapi>5</dfapi>\n' },
  {
    why: 'a large number',
    value: { n: new JsonNumber('12345678901234567890') },
    xml: '<dfapi>\n\t<n>12345678901234567890</n>\n</dfapi>\n',
  },
  {
    why: 'keys that no element may have',
    value: { 'a b': 1, '1>x': 2, '': 3 },
    xml: '<dfapi>\n\t<a_b>1</a_b>\n\t<_1_x>2</_1_x>\n\t<_>3</_>\n</dfapi>\n',
  },
  {
    why: 'characters that XML has not',
    value: { a: 'x\u0000\r\ny<&>' },
    xml: '<dfapi>\n\t<a>x\ufffd&#13;\ny&lt;&amp;&gt;</a>\n</dfapi>\n',
  },
];
test.each(CASES)('$why', ({ value, xml }) => {
  expect(toXml(value)).toBe(HEAD + xml);
});

test('whatever the data, the XML is well-formed', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(XMLValidator.validate(toXml(value))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

import { describe, expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { readBody } from './body.ts';

const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';
const read = (type: string | undefined, text: string) => readBody(type, Buffer.from(text));
const records = (type: string | undefined, text: string) => Buffer.from(read(type, text).records).toString();

describe('where the records are', () => {
  const CASES = [
    {
      why: 'a wrapped list',
      text: '{"resource":[{"a":1}, {"b":2}]}',
      kind: 'records',
      wrapped: true,
      found: '[{"a":1}, {"b":2}]',
    },
    { why: 'a bare list', text: ' [{"a":1}]', kind: 'records', wrapped: true, found: ' [{"a":1}]' },
    { why: 'one wrapped record', text: '{"resource":{"a":1}}', kind: 'records', wrapped: true, found: '[{"a":1}]' },
    { why: 'a wrapped null', text: '{"resource":null}', kind: 'records', wrapped: true, found: '[]' },
    {
      why: 'a bare object',
      text: '{"a":12345678901234567890}',
      kind: 'one',
      wrapped: false,
      found: '{"a":12345678901234567890}',
    },
    { why: 'an empty object', text: '{}', kind: 'one', wrapped: false, found: '{}' },
    {
      why: 'a field that is called resource',
      text: '{"resource":"coal"}',
      kind: 'one',
      wrapped: false,
      found: '{"resource":"coal"}',
    },
    { why: 'a scalar', text: '"text"', kind: 'text', wrapped: false, found: '' },
    { why: 'nothing', text: '', kind: 'none', wrapped: false, found: '' },
    { why: 'only white space', text: '\n ', kind: 'none', wrapped: false, found: '' },
  ];
  test.each(CASES)('$why', ({ text, kind, wrapped, found }) => {
    const body = read(JSON_TYPE, text);
    expect(body.kind).toBe(kind);
    expect(body.wrapped).toBe(wrapped);
    expect(Buffer.from(body.records).toString()).toBe(found);
  });
});

test('records are a view of the bytes, not a copy', () => {
  const bytes = Buffer.from('{"resource":[{"a":1}]}');
  expect(readBody(JSON_TYPE, bytes).records.buffer).toBe(bytes.buffer);
});

test('a wrapped body is still there as a whole', () => {
  const body = read(JSON_TYPE, '{"resource":[{"id":1}],"ids":[2]}');
  expect(Buffer.from(body.json).toString()).toBe('{"resource":[{"id":1}],"ids":[2]}');
  expect(body.value()).toEqual({ resource: [{ id: 1 }], ids: [2] });
});

describe('options beside the records', () => {
  const CASES = [
    { why: 'beside a list', text: '{"rollback":true,"resource":[],"filter":"a=1"}', names: ['rollback', 'filter'] },
    { why: 'without records', text: '{"rollback":true,"filter":"a=1"}', names: ['rollback', 'filter'] },
    { why: 'by alias', text: '{"where":"a=1","resource":[],"rollback":true}', names: ['where', 'rollback'] },
  ];
  test.each(CASES)('$why', ({ text, names }) => {
    const body = read(JSON_TYPE, text);
    expect(body.optionNames).toEqual(names);
    expect(body.option('filter')).toBe('a=1');
    expect(body.option('rollback')).toBe(true);
    expect(body.option('ids')).toBeUndefined();
    expect(body.option('constructor')).toBeUndefined();
  });

  test('a list, a text and nothing have none', () => {
    for (const text of ['[{"filter":"x"}]', '"filter"', ''])
      expect(read(JSON_TYPE, text).option('filter')).toBeUndefined();
  });

  test('an absent body is an empty object', () => {
    expect(read(undefined, '').value()).toEqual({});
  });
});

describe('other formats become JSON', () => {
  const CASES = [
    { type: 'text/csv', text: 'title,rate\n"From, CSV",1.5\n', found: '[{"title":"From, CSV","rate":"1.5"}]' },
    { type: 'application/xml', text: '<dfapi><resource><t>x</t></resource></dfapi>', found: '[{"t":"x"}]' },
    { type: 'text/xml; charset=utf-8', text: '<r><resource/></r>', found: '[]' },
    { type: FORM, text: 'resource[0][title]=From+form', found: '[{"title":"From form"}]' },
    { type: FORM, text: 'email=a%40b.cd', found: '{"email":"a@b.cd"}' },
    { type: FORM, text: '{"resource":[{"a":"1+1"}]}', found: '[{"a":"1+1"}]' },
    { type: 'Application/JSON; charset=UTF-8', text: '[]', found: '[]' },
    { type: 'application/vnd.api+json', text: '[]', found: '[]' },
    { type: 'text/unknown', text: ' {"resource":[{"title":"Sniffed"}]}', found: '[{"title":"Sniffed"}]' },
    { type: undefined, text: ' <r><resource><a>1</a></resource></r>', found: '[{"a":"1"}]' },
    { type: undefined, text: 'a,b\n1,2\n', found: '[{"a":"1","b":"2"}]' },
    { type: JSON_TYPE, text: '\ufeff[]', found: '[]' },
    { type: 'text/csv', text: '\ufeffa\n1', found: '[{"a":"1"}]' },
  ];
  test.each(CASES)('$type: $text', ({ type, text, found }) => {
    expect(records(type, text)).toBe(found);
  });

  test('plain text is a text', () => {
    const body = read('text/plain; charset=utf-8', '{"a":');
    expect(body.kind).toBe('text');
    expect(body.value()).toBe('{"a":');
  });
});

const REFUSED = [
  { why: 'unfinished JSON, where it ends', type: JSON_TYPE, input: '{"resource":[{"name":"x"', says: /character 25/ },
  { why: 'no JSON at all', type: JSON_TYPE, input: '{bad', says: /character 2/ },
  { why: 'text behind the JSON', type: JSON_TYPE, input: '{} {}', says: /character 4/ },
  { why: 'a broken option nobody asked for', type: JSON_TYPE, input: '{"resource":[],"x":[1,]}', says: /JSON/ },
  { why: 'a broken scalar', type: JSON_TYPE, input: 'nul', says: /JSON/ },
  {
    why: 'broken UTF-8 inside of records',
    type: JSON_TYPE,
    input: Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]),
    says: /UTF-8/,
  },
  { why: 'broken UTF-8 in CSV', type: 'text/csv', input: Buffer.from([0x61, 0x0a, 0xff]), says: /UTF-8/ },
  {
    why: 'half of a pair among the options',
    type: JSON_TYPE,
    input: '{"resource":[],"x":"\\ud800"}',
    says: /surrogate/,
  },
  { why: 'broken XML', type: 'application/xml', input: '<a><b></a>', says: /line 1/ },
  { why: 'broken CSV', type: 'text/csv', input: 'a\n"1', says: /line 2/ },
  { why: 'a broken form', type: FORM, input: 'a=%zz', says: /'a'/ },
  { why: 'a broken form with files', type: 'multipart/form-data; boundary=x', input: '--x', says: /boundary/ },
  { why: 'junk of no known type', type: 'application/octet-stream', input: 'junk', says: /Content-Type/ },
  { why: 'binary of no known type', type: undefined, input: Buffer.from([0, 1, 2, 0xff]), says: /UTF-8|Content-Type/ },
];
test.each(REFUSED)('refused: $why', ({ type, input, says }) => {
  let refusal: unknown;
  try {
    readBody(type, Buffer.from(input as string));
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(MillraceError);
  expect((refusal as MillraceError).code).toBe('invalid');
  expect((refusal as MillraceError).message).toMatch(says);
});

test.each(['multipart/form-data; boundary=x', 'application/zip'])('the files of %s are no records', (type) => {
  const form = '--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nsecret\r\n--x--';
  const body = readBody(type, Buffer.from(form));
  expect(body.option('password')).toBe(type === 'application/zip' ? undefined : 'secret');
  for (const read of [() => body.records, () => body.json, () => body.value()]) expect(read).toThrow(/attachment/);
});

import { describe, expect, test } from 'vitest';
import { compose, type Sources } from './compose.ts';

const NOTHING: Sources = {
  service: {},
  template: undefined,
  request: {},
  lookups: new Map(),
  defaultFrom: 'no-reply@here.example',
  plainValues: false,
};
const TO = { to: 'a@b.cd', body_text: 'Hello' };

const composed = (sources: Partial<Sources>) => compose({ ...NOTHING, ...sources });

describe('an e-mail', () => {
  test('of everything that can be said', () => {
    const request = {
      ...TO,
      cc: ['c@d.ef'],
      bcc: { name: 'G', email: 'g@h.ij' },
      subject: 'Hi',
      body_html: '<b>Hello</b>',
      from_name: 'F',
      from_email: 'f@g.hi',
      reply_to_name: 'R',
      reply_to_email: 'r@s.tu',
    };
    expect(composed({ request })).toEqual({
      from: { name: 'F', address: 'f@g.hi' },
      replyTo: { name: 'R', address: 'r@s.tu' },
      to: [{ name: '', address: 'a@b.cd' }],
      cc: [{ name: '', address: 'c@d.ef' }],
      bcc: [{ name: 'G', address: 'g@h.ij' }],
      subject: 'Hi',
      text: 'Hello',
      html: '<b>Hello</b>',
    });
  });

  test('of little', () => {
    expect(composed({ request: TO })).toMatchObject({
      from: { name: '', address: 'no-reply@here.example' },
      replyTo: undefined,
      cc: [],
      bcc: [],
      subject: '',
      html: undefined,
    });
  });

  test('the request outranks the defaults of the template, these the template, and that the service', () => {
    const names = ['a', 'b', 'c', 'd'];
    const texts = names.map((name) => `{${name}}`).join(' ');
    const service = {
      from_name: 'service',
      from_email: 'service@x.yz',
      reply_to_email: 'service@x.yz',
      parameters: names.map((name) => ({ name, value: 'service' })),
    };
    const template = {
      id: 1,
      name: 'T',
      from_name: 'template',
      from_email: 'template@x.yz',
      subject: 'template',
      body_text: texts,
      defaults: '{"c":"defaults","d":"defaults","from_email":"defaults@x.yz","subject":"defaults"}',
    };
    const message = composed({ service, template, request: { to: 'a@b.cd', d: 'request', subject: 'request' } });
    expect(message).toMatchObject({
      from: { name: 'template', address: 'defaults@x.yz' },
      replyTo: { address: 'service@x.yz' },
      subject: 'request',
      text: 'service service defaults request',
    });
  });

  test('a parameter that is switched off stands for nothing', () => {
    const parameters = [
      { name: 'x', value: 'X', active: false },
      { name: 'y', value: 'Y', active: true },
      { value: 'nameless' },
      null,
    ];
    const request = { ...TO, body_text: '{x}{y}' };
    expect(composed({ service: { parameters }, request }).text).toBe('{x}Y');
  });

  test.each<[string, object, string, string]>([
    ['a value', { x: 'X' }, 'a {x} b', 'a X b'],
    ['an unknown name stays', {}, '{x} {user.nosuch}', '{x} {user.nosuch}'],
    ['a number is no text', { x: 5 }, '{x}', '{x}'],
    ['a lookup outranks a value', { city: 'own' }, '{city}', 'Riga'],
    ['a value is not looked into again', { x: '{city}{y}', y: 'Y' }, '{x}', '{city}{y}'],
    ['nor is a lookup', { y: 'Y' }, '{deep}', '{y}'],
    ['a field is no value of itself', {}, '{body_text}', '{body_text}'],
  ])('%s', (_why, values, text, expected) => {
    const lookups = new Map([
      ['city', 'Riga'],
      ['deep', '{y}'],
    ]);
    const request = { ...values, to: 'a@b.cd', subject: text, body_text: text };
    expect(composed({ request, lookups }).text).toBe(expected);
  });

  test('HTML holds no HTML of those who do not write it', () => {
    const evil = '<img src=x onerror="alert(\'1\')">&';
    const escaped = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;';
    const lookups = new Map([['user.name', evil]]);
    const request = { to: 'a@b.cd', body_html: '<p>{user.name}</p>{x}', body_text: '{user.name}{x}', x: evil };
    expect(composed({ request, lookups })).toMatchObject({
      html: `<p>${escaped}</p>${evil}`,
      text: evil + evil,
    });
    expect(composed({ request, lookups, plainValues: true }).html).toBe(`<p>${escaped}</p>${escaped}`);
  });

  test('no header begins in another', () => {
    const request = {
      ...TO,
      subject: 'Hi {x}',
      x: 'there\r\nBcc: evil@example.com',
      from_name: 'F\nX-Evil: 1',
      reply_to_email: 'r@s.tu',
      reply_to_name: 'R\u2028\0X',
    };
    expect(composed({ request })).toMatchObject({
      subject: 'Hi there Bcc: evil@example.com',
      from: { name: 'F X-Evil: 1' },
      bcc: [],
    });
  });

  test.each<[string, object]>([
    ['nothing', {}],
    ['nobody to send it to', { subject: 'x', body_text: 'y' }],
    ['an empty list of recipients', { ...TO, to: [] }],
    ['no text', { to: 'a@b.cd', subject: 'x' }],
    ['an address that is none', { ...TO, cc: 'bad' }],
    ['a sender that is none', { ...TO, from_email: 'bad' }],
    ['a sender with a line break', { ...TO, from_email: 'a@b.cd\r\nBcc: x@y.z' }],
    ['an answer to nobody', { ...TO, reply_to_email: 'bad' }],
    ['a subject that is no text', { ...TO, subject: { a: 1 } }],
    ['a text that is no text', { to: 'a@b.cd', body_text: ['a'] }],
    ['a file', { ...TO, attachment: { service: 'files', path: 'a.txt' } }],
    ['files', { ...TO, attachment: ['http://localhost/a'] }],
    ['a file from an address', { ...TO, import_url: 'file:///etc/passwd' }],
  ])('%s is refused', (_why, request) => {
    expect(() => composed({ request: request as Sources['request'] })).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    );
  });

  test.each<[string, object]>([
    ['an empty text', { attachment: '' }],
    ['an empty list', { attachment: [] }],
    ['null', { attachment: null }],
  ])('%s is no attachment', (_why, more) => {
    expect(composed({ request: { ...TO, ...more } }).text).toBe('Hello');
  });

  test('a text that would grow without end is refused', () => {
    const request = { to: 'a@b.cd', body_text: '{x}'.repeat(10_000), x: 'x'.repeat(10_000) };
    expect(() => composed({ request })).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});

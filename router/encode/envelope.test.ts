import { expect, test } from 'vitest';
import { envelope } from './envelope.ts';

const json = Buffer.from('[{"n":"Zoë"}]');
const schemaJson = Buffer.from('{"name":"ü"}');

const CASES = [
  { why: 'wrapped', options: { wrap: true }, text: '{"resource":[{"n":"Zoë"}]}' },
  { why: 'not wrapped', options: { wrap: false }, text: '[{"n":"Zoë"}]' },
  {
    why: 'meta forces the wrapper',
    options: { wrap: false, count: 10 },
    text: '{"resource":[{"n":"Zoë"}],"meta":{"count":10}}',
  },
  {
    why: 'a count of none is meta',
    options: { wrap: true, count: 0 },
    text: '{"resource":[{"n":"Zoë"}],"meta":{"count":0}}',
  },
  {
    why: 'count and next',
    options: { wrap: true, count: 10, next: 1 },
    text: '{"resource":[{"n":"Zoë"}],"meta":{"count":10,"next":1}}',
  },
  {
    why: 'a schema',
    options: { wrap: true, schemaJson },
    text: '{"resource":[{"n":"Zoë"}],"meta":{"schema":{"name":"ü"}}}',
  },
  {
    why: 'no schema in an empty one',
    options: { wrap: true, schemaJson: new Uint8Array() },
    text: '{"resource":[{"n":"Zoë"}]}',
  },
  {
    why: 'all of it',
    options: { wrap: true, count: 10, next: 1, schemaJson },
    text: '{"resource":[{"n":"Zoë"}],"meta":{"count":10,"next":1,"schema":{"name":"ü"}}}',
  },
];
test.each(CASES)('$why', ({ options, text }) => {
  const whole = envelope(json, { count: undefined, next: undefined, schemaJson: undefined, ...options });
  expect(Buffer.from(whole).toString()).toBe(text);
});

test('nothing to add, nothing copied', () => {
  expect(envelope(json, { wrap: false, count: undefined, next: undefined, schemaJson: undefined })).toBe(json);
});

import { expect, test } from 'vitest';
import { translate } from './errors.ts';

test.each([
  { why: 'wrong password', thrown: { name: 'MongoServerError', code: 18 }, code: 'unavailable' },
  { why: 'no right', thrown: { name: 'MongoServerError', code: 13 }, code: 'unavailable' },
  { why: 'nobody there', thrown: { name: 'MongoServerSelectionError' }, code: 'unavailable' },
  { why: 'a connection that was cut', thrown: { name: 'MongoNetworkError' }, code: 'unavailable' },
  { why: 'no primary', thrown: { name: 'MongoNotPrimaryError', code: 10_107 }, code: 'unavailable' },
  { why: 'a content that went', thrown: { name: 'MongoGridFSChunkError' }, code: 'contradiction' },
  { why: 'another one was faster', thrown: { name: 'MongoServerError', code: 11_000 }, code: 'conflict' },
  { why: 'whatever else', thrown: { name: 'MongoServerError', code: 'constructor' }, code: 'internal' },
])('$why', ({ thrown, code }) => {
  const error = translate(Object.assign(new Error('10.0.0.1 secret'), thrown));
  expect(error).toMatchObject({ code });
  expect(error.message).not.toMatch(/secret/);
});

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Secrets } from '../../secrets.ts';
import { isCode, looksLikeCode, newCode } from './codes.ts';

const secrets = new Secrets(randomBytes(32));

test('a code is known again, and stored as nothing that anybody could use', () => {
  const { text, stored } = newCode(secrets, 60);
  expect(text).toMatch(/^[0-9A-Z]{32}$/);
  expect(stored.confirm_code).toMatch(/^[0-9a-f]{64}$/);
  expect(stored.code_expires_at * 1000).toBeGreaterThan(Date.now());
  expect(isCode(text, stored.confirm_code, secrets)).toBe(true);
  expect(newCode(secrets, 60).text).not.toBe(text);
  const others = [text.toLowerCase(), `${text}\0`, stored.confirm_code, ''];
  expect(others.filter((other) => isCode(other, stored.confirm_code, secrets))).toEqual([]);
  expect(isCode(text, stored.confirm_code, new Secrets(randomBytes(32)))).toBe(false);
});

test.each([null, undefined, '', 'y'])('nothing is the code of %j', (stored) => {
  expect(isCode('y', stored, secrets)).toBe(false);
  expect(isCode('', stored, secrets)).toBe(false);
});

test.each([
  ['0'.repeat(32), true],
  ['0'.repeat(31), false],
  ['0'.repeat(33), false],
  [`${'0'.repeat(31)}\n`, false],
  ['ü'.repeat(32), false],
])('%j looks like one: %s', (text, expected) => {
  expect(looksLikeCode(text)).toBe(expected);
});

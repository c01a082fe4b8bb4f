import { hashSync } from '@node-rs/bcrypt';
import { describe, expect, test } from 'vitest';
import { generatePassword, Passwords, passwordVersion } from './passwords.ts';

const passwords = new Passwords();
const argon = await passwords.hash('correct horse');
const blowfish = hashSync('correct horse', { cost: 4 });
const php = blowfish.replace(/^\$2b/, '$2y');

describe('Passwords.verify', () => {
  test.each([
    ['its own hash', 'correct horse', argon, true],
    ['another password', 'Correct horse', argon, false],
    ['a NUL behind it', 'correct horse\0', argon, false],
    ['a NUL and more behind it', 'correct horse\0x', argon, false],
    ['an existing bcrypt hash', 'correct horse', blowfish, true],
    ['a bcrypt hash with the PHP prefix', 'correct horse', php, true],
    ['a wrong password against bcrypt', 'correct hors', blowfish, false],
    ['bcrypt and the password twice around a NUL', 'correct horse\0correct horse', blowfish, false],
    ['no stored password', '', null, false],
    ['the empty password', '', argon, false],
    ['a password beyond the bound', 'x'.repeat(5000), argon, false],
  ])('%s', async (_why, password, stored, expected) => {
    expect(await passwords.verify(password, stored)).toBe(expected);
  });

  test('more checks at once than the bound are refused', async () => {
    const results = await Promise.allSettled(Array.from({ length: 80 }, () => passwords.verify('x', null)));
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(16);
  });
});

test('a version follows the hash and does not show it', () => {
  expect(passwordVersion(argon)).not.toBe(passwordVersion(blowfish));
  expect(argon).not.toContain(passwordVersion(argon));
  expect(passwordVersion(null)).toBe('');
});

test('generated passwords differ and are long', () => {
  const made = new Set(Array.from({ length: 50 }, () => generatePassword()));
  expect(made.size).toBe(50);
  expect([...made].every((password) => /^[A-Za-z0-9]{24}$/.test(password))).toBe(true);
});

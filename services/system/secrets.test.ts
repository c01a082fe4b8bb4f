import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { keyOfFolder, Secrets } from './secrets.ts';

const folder = await mkdtemp(join(tmpdir(), 'millrace-secrets-'));
afterAll(() => rm(folder, { recursive: true }));

const secrets = new Secrets(randomBytes(32));

test.each(['', 'secret', 'ünïcode 🎉', 'x'.repeat(100_000)])('what is sealed opens again (%#)', (text) => {
  const sealed = secrets.seal(text);
  expect(sealed.startsWith('v1:')).toBe(true);
  expect(secrets.open(sealed)).toBe(text);
});

test('the same text never looks the same', () => {
  expect(secrets.seal('a')).not.toBe(secrets.seal('a'));
});

test.each([
  ['another key', new Secrets(randomBytes(32)).seal('x')],
  ['a changed byte', `${secrets.seal('xyz').slice(0, -4)}AAAA`],
  ['an unknown version', secrets.seal('x').replace('v1:', 'v9:')],
  ['clear text', 'hello'],
  ['nothing', ''],
])('%s is refused', (_why, sealed) => {
  expect(() => secrets.open(sealed)).toThrow(expect.objectContaining({ code: 'internal' }));
});

test('the key of a folder is made once, for its owner only', async () => {
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => keyOfFolder(join(folder, 'new'))));
  expect(others).toEqual(Array(4).fill(first));
  expect(await readdir(join(folder, 'new'))).toEqual(['encryption.key']);
  expect(await keyOfFolder(join(folder, 'new'))).toEqual(first);
  expect((await stat(join(folder, 'new', 'encryption.key'))).mode & 0o777).toBe(0o600);
});

test('a damaged key is an error, never replaced', async () => {
  await writeFile(join(folder, 'encryption.key'), 'short');
  await expect(keyOfFolder(folder)).rejects.toMatchObject({ code: 'invalid' });
});

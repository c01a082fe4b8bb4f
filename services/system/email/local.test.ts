import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Message } from './compose.ts';
import { localTransport } from './local.ts';

const folder = await mkdtemp(join(tmpdir(), 'millrace-mail-'));
afterAll(() => rm(folder, { recursive: true }));

const MESSAGE: Message = {
  from: { name: 'Ünal', address: 'from@x.yz' },
  replyTo: undefined,
  to: [{ name: '', address: 'to@x.yz' }],
  cc: [],
  bcc: [{ name: '', address: 'hidden@x.yz' }],
  subject: 'Grüße',
  text: 'Hello',
  html: '<b>Hello</b>',
};

test('an e-mail is a file for its owner alone, whole or not there', async () => {
  const mail = join(folder, 'mail');
  const transport = localTransport(mail);
  expect(await transport.send(MESSAGE)).toEqual({ accepted: 2, rejected: [] });
  await Promise.all(Array.from({ length: 5 }, () => transport.send(MESSAGE)));
  const files = await readdir(mail);
  expect(files).toHaveLength(6);
  expect(files.filter((file) => !/^[\w.-]+\.eml$/.test(file))).toEqual([]);
  const [file = ''] = files;
  expect((await stat(join(mail, file))).mode & 0o777).toBe(0o600);
  expect((await stat(mail)).mode & 0o777).toBe(0o700);
  const text = await readFile(join(mail, file), 'utf8');
  expect(text).toMatch(/^From: =\?UTF-8\?Q\?=C3=9Cnal\?= <from@x\.yz>\r$/m);
  expect(text).toMatch(/^Bcc: hidden@x\.yz\r$/m);
  expect(text).toMatch(/^Subject: =\?UTF-8\?/m);
  expect(text).toContain('multipart/alternative');
});

test('a folder that cannot be is said to be so', async () => {
  const path = join(folder, 'file');
  await writeFile(path, '');
  await expect(localTransport(join(path, 'mail')).send(MESSAGE)).rejects.toMatchObject({ code: 'unavailable' });
});

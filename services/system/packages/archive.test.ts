import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { PACKAGE_BYTES_MAX, PACKAGE_FILES_MAX } from '#common/bounds.ts';
import { readArchive, writeArchive } from './archive.ts';

const all = (): boolean => true;
const FILES = new Map([
  ['package.json', '{"a":"ä"}'],
  ['system/role.json', '[]'],
]);
const zipped = writeArchive(FILES);
const bomb = zipSync({ a: new Uint8Array(PACKAGE_BYTES_MAX + 1) });
const two = zipSync({ a: new Uint8Array(PACKAGE_BYTES_MAX / 2 + 1), b: new Uint8Array(PACKAGE_BYTES_MAX / 2 + 1) });
const many = zipSync(
  Object.fromEntries(Array.from({ length: PACKAGE_FILES_MAX + 1 }, (_, i) => [`f${i}`, new Uint8Array()])),
);

/** Says in its directory that the file is small. */
function liar(): Uint8Array {
  const bytes = Buffer.from(bomb);
  const directory = bytes.indexOf(Buffer.from('PK\x01\x02'));
  bytes.writeUInt32LE(10, directory + 24);
  return bytes;
}

test('what is written is read', async () => {
  const read = await readArchive(zipped, (name) => FILES.has(name));
  expect(new Map([...read].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]))).toEqual(FILES);
});

test.each([
  ['nothing', new Uint8Array()],
  ['words', Buffer.from('words '.repeat(100))],
  ['a half', zipped.subarray(0, zipped.length - 30)],
  ['a large file', bomb],
  ['large files', two],
  ['a large file that says it is small', liar()],
  ['many files', many],
  ['a file of a parent folder', zipSync({ '../a': new Uint8Array() })],
  ['a file of the root', zipSync({ '/etc/a': new Uint8Array() })],
])('refused: %s', async (_why, bytes) => {
  await expect(readArchive(bytes, all)).rejects.toMatchObject({ code: 'invalid' });
});

test('nothing is written that could not be read again', () => {
  expect(() => writeArchive(new Map([['a', ' '.repeat(PACKAGE_BYTES_MAX + 1)]]))).toThrow(/larger/);
});

test('a file that does not belong there is named', async () => {
  await expect(readArchive(zipped, (name) => name === 'package.json')).rejects.toThrow(/system\/role\.json/);
});

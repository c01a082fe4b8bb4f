/** What a disk may hold that no upload of ours makes: links, pipes, names that are none, what killed processes left. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { StorageSource, StoredEntry } from '../backend.ts';
import { backend } from './index.ts';

let dataDir: string;
let root: string;
let source: StorageSource;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-links-'));
  root = join(dataDir, 'storage', 'app');
  mkdirSync(join(root, 'folder', 'deep'), { recursive: true });
  mkdirSync(join(dataDir, 'outside', 'folder'), { recursive: true });
  writeFileSync(join(dataDir, 'outside', 'secret'), 'secret');
  writeFileSync(join(dataDir, 'outside', 'folder', 'x'), 'secret');
  writeFileSync(join(root, 'file'), 'inside');
  writeFileSync(join(root, 'folder', 'x'), 'x');
  source = openSource();
});
afterEach(async () => {
  await source.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const openSource = (): StorageSource => backend.open({}, { dataDir, serviceName: 'files', connectionsMax: 1 });
const soon = (): Deadline => Deadline.after(10_000);
const PLAIN = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
async function* body(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
async function names(entries: AsyncIterable<StoredEntry> | undefined): Promise<string[]> {
  const all: string[] = [];
  for await (const { path, isFolder } of entries ?? []) all.push(isFolder ? `${path}/` : path);
  return all;
}
async function text(path: string): Promise<string> {
  let all = '';
  for await (const piece of (await source.read(path, {}, soon())).body) all += Buffer.from(piece).toString();
  return all;
}

const OUTSIDE = [
  '../../outside/secret',
  '../../outside/folder',
  '../../outside',
  '..',
  '../..',
  '/etc/passwd',
  '/',
  'nothing',
];
test.each(OUTSIDE)('a link to %s is not there, and no way through', async (target) => {
  symlinkSync(target, join(root, 'link'));
  expect(await source.stat('link', soon())).toBeUndefined();
  expect(await names(source.list('', soon()))).toEqual(['file', 'folder/']);
  expect(await names(source.list('link', soon()))).toEqual([]);
  for (const path of ['link', 'link/secret', 'link/folder/x', 'link/x']) {
    await expect(source.read(path, {}, soon())).rejects.toMatchObject({ code: 'not_found' });
    await expect(source.remove(path, soon())).rejects.toMatchObject({ code: 'not_found' });
    expect(await source.stat(path, soon())).toBeUndefined();
  }
  await expect(source.write('link/new', body('x'), PLAIN, soon())).rejects.toMatchObject({ code: 'not_found' });
  await expect(source.makeFolder('link/new', soon())).rejects.toMatchObject({ code: 'not_found' });
  await expect(source.copy?.('link/secret', 'copy', soon())).rejects.toMatchObject({ code: 'not_found' });
  await expect(source.move?.('file', 'link/file', false, soon())).rejects.toMatchObject({ code: 'not_found' });
  expect(readFileSync(join(dataDir, 'outside', 'secret'), 'utf8')).toBe('secret');
  expect(existsSync(join(dataDir, 'outside', 'new'))).toBe(false);
});

test('a file that is written where such a link is takes its place', async () => {
  symlinkSync('../../outside/secret', join(root, 'link'));
  await source.write('link', body('ours'), PLAIN, soon());
  expect(await text('link')).toBe('ours');
  expect(readFileSync(join(dataDir, 'outside', 'secret'), 'utf8')).toBe('secret');
});

test('links within the root are what they lead to', async () => {
  symlinkSync('file', join(root, 'to-file'));
  symlinkSync('folder', join(root, 'to-folder'));
  symlinkSync('..', join(root, 'folder', 'up'));
  expect(await names(source.list('', soon()))).toEqual(['file', 'folder/', 'to-file', 'to-folder/']);
  expect(await source.stat('to-file', soon())).toMatchObject({ path: 'to-file', size: 6 });
  expect(await text('to-file')).toBe('inside');
  expect(await text('to-folder/x')).toBe('x');
  expect(await text('folder/up/to-folder/up/file')).toBe('inside');
  await source.write('to-folder/new', body('new'), PLAIN, soon());
  expect(readFileSync(join(root, 'folder', 'new'), 'utf8')).toBe('new');
  // Shown, and not entered: it would never end.
  const tree = ['file', 'folder/', 'folder/deep/', 'folder/new', 'folder/up/', 'folder/x', 'to-file', 'to-folder/'];
  expect(await names(source.listTree?.('', soon()))).toEqual(tree);
});

test('a link goes alone', async () => {
  symlinkSync('folder', join(root, 'to-folder'));
  symlinkSync('file', join(root, 'to-file'));
  await source.removeFolder('to-folder', soon());
  await source.remove('to-file', soon());
  expect(await names(source.list('', soon()))).toEqual(['file', 'folder/']);
  expect(await text('folder/x')).toBe('x');
});

test('links are no way to what is not finished', async () => {
  mkdirSync(join(root, '.millrace', 'parts'), { recursive: true });
  writeFileSync(join(root, '.millrace', 'parts', 'x'), 'half');
  symlinkSync('.millrace', join(root, 'own'));
  expect(await names(source.list('', soon()))).toEqual(['file', 'folder/']);
  await expect(source.read('own/parts/x', {}, soon())).rejects.toMatchObject({ code: 'not_found' });
});

test('pipes and names that are no text are left out, and nobody waits for a pipe', async () => {
  execFileSync('mkfifo', [join(root, 'pipe')]);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff])]), 'x');
  writeFileSync(join(root, 'back\\slash'), 'x');
  expect(await names(source.list('', soon()))).toEqual(['file', 'folder/']);
  await expect(source.read('pipe', {}, soon())).rejects.toMatchObject({ code: 'not_found' });
});

test('what killed processes left is not shown, and goes when it is older than a day', async () => {
  const folder = join(root, '.millrace', 'parts');
  mkdirSync(folder, { recursive: true });
  const beside = ['0'.repeat(8), '1111-2222-3333', '4'.repeat(12)].join('-');
  const [old, young, oldBeside] = [
    join(folder, 'old'),
    join(folder, 'young'),
    join(root, 'folder', `.millrace-${beside}`),
  ];
  for (const file of [old, young, oldBeside]) writeFileSync(file, 'half');
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
  for (const file of [old, oldBeside]) utimesSync(file, twoDaysAgo, twoDaysAgo);
  expect(await names(source.list('folder', soon()))).toEqual(['folder/deep/', 'folder/x']);
  await expect.poll(() => [old, young, oldBeside].map((file) => existsSync(file))).toEqual([false, true, false]);
});

test('nothing stays of a write, whether it ended well or not', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half');
    throw new Error('lost');
  }
  await source.write('a', body('x'), PLAIN, soon());
  await expect(source.write('b', broken(), PLAIN, soon())).rejects.toThrow();
  await expect(source.write('a', body('x'), { ...PLAIN, createOnly: true }, soon())).rejects.toThrow();
  expect(execFileSync('find', [join(root, '.millrace'), '-type', 'f'], { encoding: 'utf8' })).toBe('');
});

test('a root that is gone is told as such', async () => {
  await source.stat('', soon());
  rmSync(root, { recursive: true });
  await expect(source.stat('', soon())).rejects.toMatchObject({ code: 'unavailable' });
  await expect(source.write('a', body('x'), PLAIN, soon())).rejects.toMatchObject({ code: 'unavailable' });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { readLocalConfig } from './config.ts';
import { backend } from './index.ts';

const ROOTS = [
  { container: 'app', root: '/data/storage/app' },
  { container: '', root: '/data/storage/app' },
  { container: null, root: '/data/storage/app' },
  { container: 'local', root: '/data/storage/app' },
  { container: 'a/../b c', root: '/data/storage/b c' },
  { container: '.', root: '/data/storage' },
  { container: '/srv/files/', root: '/srv/files' },
  { container: '/data/storage/x', root: '/data/storage/x' },
  { container: '/libs/etc', root: '/libs/etc' },
];
test.each(ROOTS)('$container is $root', ({ container, root }) => {
  expect(readLocalConfig({ container }, '/data').root).toBe(root);
});

const REFUSED = [
  ...[
    '/',
    '/etc',
    '/etc/',
    '/etc/ssl',
    '/bin',
    '/sbin/x',
    '/lib',
    '/lib64',
    '/lib32',
    '/libx32',
    '/dev/shm',
    '/proc/1',
  ],
  ...['/srv/../etc', '//etc', '..', '../x', 'a/../../x', '/data', '/data/router', 7, 'a\0b'],
];
test.each(REFUSED)('%j is refused', (container) => {
  expect(() => readLocalConfig({ container }, '/data')).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('a folder that holds our data is refused', () => {
  expect(() => readLocalConfig({ container: '/srv' }, '/srv/millrace/data')).toThrow(/our own data/);
});

test.each(['/etc', 'data'])('a root that is a link to %s is refused when it is first used', async (target) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-roots-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir);
  symlinkSync(target, join(folder, 'link'));
  const config = { container: join(folder, 'link') };
  const source = backend.open(config, { dataDir, serviceName: 'files', connectionsMax: 1 });
  await expect(source.stat('', Deadline.after(5000))).rejects.toMatchObject({ code: 'invalid' });
});

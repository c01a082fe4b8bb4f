/** A disk that is full, and one that may not be written: on a small file system of its own, where this machine allows one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { backend } from './index.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'millrace-full-'));
const root = join(dataDir, 'storage', 'small');
mkdirSync(root, { recursive: true });
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', root]).status === 0;
afterAll(() => {
  if (isMounted) execFileSync('umount', ['-l', root]);
  rmSync(dataDir, { recursive: true, force: true });
});

const PLAIN = { contentType: undefined, size: undefined, createOnly: false, ifEtag: undefined };
const soon = (): Deadline => Deadline.after(10_000);
async function* bytes(count: number): AsyncGenerator<Uint8Array> {
  for (let left = count; left > 0; left -= MIB) yield Buffer.alloc(Math.min(left, MIB));
}

test.runIf(isMounted)('full: it is said, what was there stays, and there is room again', async () => {
  const source = backend.open({ container: 'small' }, { dataDir, serviceName: 'files', connectionsMax: 1 });
  await source.write('kept', bytes(MIB), PLAIN, soon());
  for (const path of ['new', 'kept']) {
    const error = await source.write(path, bytes(8 * MIB), PLAIN, soon()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', message: 'The storage is full.' });
  }
  expect(readdirSync(root).filter((name) => !name.startsWith('.'))).toEqual(['kept']);
  expect(await source.stat('kept', soon())).toMatchObject({ size: MIB });
  await source.write('new', bytes(2 * MIB), PLAIN, soon());
});

test.runIf(isMounted)('another file system within the root: written, made new, moved there', async () => {
  const source = backend.open({ container: '.' }, { dataDir, serviceName: 'files', connectionsMax: 1 });
  await source.remove('small/kept', soon()).catch(() => {});
  await source.remove('small/new', soon()).catch(() => {});
  await source.write('small/a', bytes(100), PLAIN, soon());
  await source.write('small/a', bytes(200), PLAIN, soon());
  await source.write('small/b', bytes(100), { ...PLAIN, createOnly: true }, soon());
  const again = source.write('small/b', bytes(100), { ...PLAIN, createOnly: true }, soon());
  await expect(again).rejects.toMatchObject({ code: 'conflict' });
  await expect(source.move?.('small/a', 'a', false, soon())).rejects.toMatchObject({ code: 'unsupported' });
  await source.copy?.('small/a', 'a', soon());
  expect(await source.stat('a', soon())).toMatchObject({ size: 200 });
  expect(readdirSync(root).filter((name) => !/^\.millrace$/.test(name))).toEqual(['a', 'b']);
});

test.runIf(isMounted)('read-only: it is said', async () => {
  const source = backend.open({ container: 'small' }, { dataDir, serviceName: 'files', connectionsMax: 1 });
  await source.stat('', soon());
  execFileSync('mount', ['-o', 'remount,ro', root]);
  const error = await source.makeFolder('f', soon()).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'unavailable', message: 'The storage is read-only.' });
});

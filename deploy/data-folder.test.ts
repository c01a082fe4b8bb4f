import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeDataFolder } from './data-folder.ts';

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'millrace-data-'));
  folder = join(parent, 'a folder', 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

/** Another process that holds the folder until it is killed. */
async function startHolder() {
  const script = `import { takeDataFolder } from ${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)};
    await takeDataFolder(${JSON.stringify(folder)});
    process.stdout.write('held');
    setInterval(() => {}, 60_000);`;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  return holder;
}

test('a missing folder is made, for its owner alone, and says who has it', async () => {
  const held = await takeDataFolder(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(folder, 'millrace.pid'), 'utf8')).toBe(`${process.pid}\n`);
  await held.close();
});

test('it can be taken again after close, and close may come twice', async () => {
  const first = await takeDataFolder(folder);
  await first.close();
  await first.close();
  const second = await takeDataFolder(folder);
  await second.close();
});

test('a folder that another process has is refused with that process named, and free once it was killed', async () => {
  const holder = await startHolder();
  await expect(takeDataFolder(folder)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`process ${holder.pid}`),
  });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const held = await takeDataFolder(folder);
  await held.close();
});

test('a path that is no folder is a clear error', async () => {
  const file = join(parent, 'file');
  writeFileSync(file, '');
  await expect(takeDataFolder(file)).rejects.toMatchObject({ code: 'unavailable' });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { HELD, HELD_FD, NOT_HELD } from '../worker-place.ts';

const PROGRAM = `
  import { Watchdog } from './watchdog.ts';
  const watchdog = new Watchdog(60_000, ${HELD_FD});
  const work = (ms) => { for (const end = Date.now() + ms; Date.now() < end; ); };
  process.stdin.on('data', (word) => {
    if (String(word) === 'short') {
      for (let run = 0; run < 200; run++) { watchdog.enter(); work(1); watchdog.leave(); }
      process.stdout.write('done');
    } else { watchdog.enter(); work(500); watchdog.leave(); }
  });
  process.stdout.write('on');`;

test('a thread that a script holds says so while it is held, one with many short ones does not', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', PROGRAM], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['pipe', 'pipe', 'inherit', 'ignore', 'pipe'],
  });
  try {
    let said = '';
    (child.stdio[HELD_FD] as Readable).on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    await once(child.stdout as Readable, 'data');
    child.stdin?.write('short');
    await once(child.stdout as Readable, 'data');
    expect(said).toBe('');
    child.stdin?.write('long');
    await expect.poll(() => said, { timeout: 10_000, interval: 10 }).toBe(HELD + NOT_HELD);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

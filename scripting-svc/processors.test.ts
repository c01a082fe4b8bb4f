import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { createLogger } from '#common/observe/log.ts';
import { allowedProcessors, confinement, processorsOf } from './processors.ts';

test.each([
  ['0', [0]],
  ['0-3', [0, 1, 2, 3]],
  ['1,3-4,7', [1, 3, 4, 7]],
  ['', []],
])('processors in %j', (list, expected) => {
  expect(processorsOf(list)).toEqual(expected);
});

const own = allowedProcessors();
const log = createLogger('test', 'silent');

describe.skipIf(process.platform !== 'linux')('a process', () => {
  let child: ChildProcess;
  afterEach(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  async function start(): Promise<number> {
    child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("on")'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    return child.pid as number;
  }

  test.skipIf(own.length < 2)('leaves one processor to others, with every thread, until it need not', async () => {
    const pid = await start();
    const confine = confinement(1, log);
    expect(allOf(pid).length).toBeGreaterThan(1);
    for (const isConfined of [true, false]) {
      confine(pid, isConfined);
      const allowed = isConfined ? own.slice(0, -1) : own;
      await expect.poll(() => allOf(pid), { timeout: 5000, interval: 10 }).toEqual(allOf(pid).map(() => allowed));
    }
  });

  test.skipIf(own.length < 2)('keeps one, however many are left to others', async () => {
    const pid = await start();
    confinement(10_000, log)(pid, true);
    await expect.poll(() => allOf(pid)[0], { timeout: 5000, interval: 10 }).toEqual(own.slice(0, 1));
  });

  test('that has ended is no error', async () => {
    const pid = await start();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(() => confinement(1, log)(pid, true)).not.toThrow();
  });
});

/** Of each thread. */
const allOf = (pid: number): number[][] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => allowedProcessors(`${pid}/task/${thread}`));

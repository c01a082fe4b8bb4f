import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Busyness } from './priority.ts';
import { hasSessionNice } from './session-nice.ts';

/** In a process of its own: nobody may take back what he has given away. */
const PROGRAM = `
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ScriptThreads } from './priority.ts';
const prioritiesOf = () => {
  const ids = readdirSync('/proc/self/task').map(Number);
  const others = ids.filter((id) => id !== process.pid).map((id) => getPriority(id));
  return [getPriority(process.pid), Math.min(...others), Math.max(...others)];
};
const [before] = prioritiesOf();
const threads = new ScriptThreads();
threads.nice = before + 3;
const all = [prioritiesOf()];
const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
await new Promise((online) => worker.once('online', online));
threads.look();
all.push(prioritiesOf());
console.log(JSON.stringify(all.map((each) => each.map((one) => one - before))));
process.exit(0);
`;

test.skipIf(process.platform !== 'linux')(
  'threads of scripts come behind, those of later too, and not the first',
  () => {
    const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', PROGRAM], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
    });
    expect(JSON.parse(stdout)).toEqual([
      [0, 3, 3],
      [0, 3, 3],
    ]);
  },
);

describe('a process', () => {
  const MS = 1000;
  /** Looks every 10 ms, and says when it was busy first. */
  function busyAt(spentPerMs: number, untilMs = 3000): number | undefined {
    const busyness = new Busyness(0, 0);
    for (let at = 10; at <= untilMs; at += 10) if (busyness.look(at, at * spentPerMs * MS)) return at;
    return undefined;
  }

  test.each([
    ['two processors', 2, 10],
    ['a processor', 1, 20],
    ['half of a processor', 0.5, 40],
    ['a quarter of a processor', 0.25, undefined],
  ])('that spends %s is busy as soon as it has spent a burst', (_, spentPerMs, expected) => {
    expect(busyAt(spentPerMs)).toBe(expected);
  });

  test('may spend less than a burst at once, again and again', () => {
    const busyness = new Busyness(0, 0);
    let micros = 0;
    for (let at = 100; at < 3000; at += 100) {
      micros += 9 * MS;
      expect(busyness.look(at, micros)).toBe(false);
      expect(busyness.look(at + 50, micros)).toBe(false);
    }
  });

  test('is calm when it has spent little for a while, however much it had spent', () => {
    const busyness = new Busyness(0, 0);
    expect(busyness.look(1000, 2000 * MS)).toBe(true);
    expect(busyness.look(1100, 2000 * MS)).toBe(true);
    expect(busyness.look(1400, 2000 * MS)).toBe(true);
    expect(busyness.look(1500, 2000 * MS)).toBe(false);
  });

  test('that goes on a little is not calm', () => {
    const busyness = new Busyness(0, 0);
    expect(busyness.look(100, 100 * MS)).toBe(true);
    let micros = 100 * MS;
    for (let at = 200; at < 3000; at += 100) {
      micros += 30 * MS;
      expect(busyness.look(at, micros)).toBe(true);
    }
  });
});

/** Each a process with a session of its own, which begins when it hears something. */
const SESSIONS = {
  'with much to do gives way while it has it': {
    program: `
      import { SessionPriority } from './priority.ts';
      const priority = new SessionPriority(3);
      setInterval(() => priority.look(), 20);
      const work = setInterval(() => { for (const end = Date.now() + 15; Date.now() < end; ); }, 16);
      process.stdin.once('data', () => clearInterval(work));`,
    nices: [3, 0],
  },
  'that gives way to nobody is as any other': {
    program: `
      import { SessionPriority } from './priority.ts';
      import { setSessionNice } from './session-nice.ts';
      setSessionNice('self', 7);
      new SessionPriority(0);
      process.stdin.once('data', () => {});`,
    nices: [0, 0],
  },
  'whose thread is held by a script gives way until it is not': {
    program: `
      import { Watchdog } from './sandbox/watchdog.ts';
      const watchdog = new Watchdog(60_000);
      watchdog.enter();
      const work = setInterval(() => { for (const end = Date.now() + 15; Date.now() < end; ); }, 16);
      process.stdin.once('data', () => watchdog.leave());`,
    nices: [10, 0],
  },
};

describe.skipIf(!hasSessionNice())('a session, where the kernel lets them compete', () => {
  test.each(Object.entries(SESSIONS))('%s', async (_, { program, nices }) => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      ...{ cwd: fileURLToPath(new URL('.', import.meta.url)), detached: true },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    try {
      for (const nice of nices) {
        await expect.poll(() => niceOf(child.pid), { timeout: 10_000, interval: 20 }).toBe(nice);
        child.stdin?.write('on');
      }
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
});

const niceOf = (pid: number | undefined): number =>
  Number(/nice (-?\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, 'latin1'))?.[1]);

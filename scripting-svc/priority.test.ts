import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** In a process of its own: nobody may take back what he has given away. */
const PROGRAM = `
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ScriptThreads } from './priority.ts';
const prioritiesOf = () => {
  const ids = readdirSync('/proc/self/task').map(Number);
  const others = ids.filter((id) => id !== process.pid).map((id) => getPriority(id));
  return [getPriority(process.pid), Math.min(...others), Math.max(...others)];
};
const sessionNice = () => Number(/nice (-?\\d+)/.exec(readFileSync('/proc/self/autogroup', 'utf8'))?.[1]);
const [before] = prioritiesOf();
const threads = new ScriptThreads();
threads.nice = before + 3;
const all = [prioritiesOf()];
const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
await new Promise((online) => worker.once('online', online));
threads.look();
all.push(prioritiesOf());
const [isAlone, hasSessions] = [process.argv[1] === 'alone', existsSync('/proc/self/autogroup')];
for (const end = Date.now() + 5000; isAlone && hasSessions && sessionNice() !== before + 3 && Date.now() < end; ) {
  await setTimeout(100);
  threads.look();
}
const threadNices = all.map((each) => each.map((one) => one - before));
console.log(JSON.stringify({ threadNices, sessionNice: hasSessions ? sessionNice() - (isAlone ? before : 0) : undefined }));
process.exit(0);
`;

/** @param isAlone  in a session of its own, as workers are */
async function run(isAlone: boolean): Promise<unknown> {
  const args = ['--import', 'tsx', '--input-type=module', '-e', PROGRAM, isAlone ? 'alone' : 'among others'];
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], detached: isAlone });
  return JSON.parse(await text(child.stdout));
}

const isLinux = process.platform === 'linux';
const threadNices = [
  [0, 3, 3],
  [0, 3, 3],
];

test.skipIf(!isLinux)('threads of scripts come behind, those of later too, and not the first', async () => {
  expect(await run(false)).toMatchObject({ threadNices });
});

test.skipIf(!isLinux || !existsSync('/proc/self/autogroup'))(
  'where the kernel divides by sessions, our own comes behind, and none that others are in',
  async () => {
    expect(await run(false)).toMatchObject({ sessionNice: 0 });
    expect(await run(true)).toEqual({ threadNices, sessionNice: 3 });
  },
);

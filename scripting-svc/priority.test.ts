import { spawnSync } from 'node:child_process';
import { getPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

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
threads.first = before + 1;
all.push(prioritiesOf());
threads.first = before;
all.push(prioritiesOf());
console.log(JSON.stringify(all.map((each) => each.map((one) => one - before))));
process.exit(0);
`;

test.skipIf(process.platform !== 'linux')(
  'threads of scripts come behind, those of later too, and the first as far as is said',
  () => {
    const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', PROGRAM], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
    });
    expect(JSON.parse(stdout)).toEqual([
      [0, 3, 3],
      [0, 3, 3],
      [1, 3, 3],
      [1, 3, 3],
    ]);
  },
);

/** Starts a process, lets it step back, and forward where it may. */
const STEPS = `
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { stepBack } from './priority.ts';
const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)']);
const comeForward = stepBack(child.pid, 4);
await new Promise((started) => child.stdout.once('data', started));
const all = () => {
  const each = readdirSync('/proc/' + child.pid + '/task').map((id) => getPriority(Number(id)) - getPriority());
  return [Math.min(...each), Math.max(...each)];
};
const behind = all();
comeForward?.();
console.log(JSON.stringify([comeForward !== undefined, behind, all(), getPriority()]));
child.kill('SIGKILL');
`;

test.skipIf(process.platform !== 'linux')('a process steps back where it may come forward again, as it was', () => {
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', STEPS], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
  });
  const [may, behind, after, own] = JSON.parse(stdout);
  expect(behind).toEqual(may ? [4, 4] : [0, 0]);
  expect([after, own]).toEqual([[0, 0], getPriority()]);
});

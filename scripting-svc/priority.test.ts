import { spawnSync } from 'node:child_process';
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

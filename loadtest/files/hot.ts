/** A small public file that everybody asks for. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpuSeconds } from '../access/cpu.ts';
import type { Contest, ContestCase, ContestOptions, ContestSide } from '../contest.ts';
import { type RunScope, requestSignal } from '../process.ts';
import { runWrk } from '../wrk.ts';
import type { Door } from './curl.ts';
import { contentOf, PUBLIC, startOurs, startTheirs } from './setup.ts';

const BYTES = 10_000;
const NAME = 'hot.js';
const MICRO = 1e6;

export const HOT: ContestCase = {
  name: 'hot',
  needs: 'nginx-dav',
  figures: [
    {
      name: 'hot',
      title: 'GET of a public file of 10 kB, hot',
      unit: 'requests/s',
      targets: [{ measure: 'C/A', atLeast: 0.5 }],
    },
    { name: 'hot-cpu', title: 'the same, CPU of a request', unit: 'µs', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const nginx = await startTheirs(scope);
  const millrace = await startOurs(scope, options);
  await mkdir(`${millrace.folder}/public`, { recursive: true });
  const content = contentOf(BYTES);
  await writeFile(`${nginx.folder}/${NAME}`, content);
  await writeFile(`${millrace.folder}/public/${NAME}`, content);
  const { connections } = options;
  const side = (door: Door, path: string, pids: () => number[]): ContestSide['measure'] => {
    const asked = { origin: door.origin, headers: {} };
    return async (seconds) => {
      await check(scope, `${door.origin}${path}`, content);
      const before = cpuSeconds(pids());
      const load = { method: 'GET', path, randomMax: 1, bodiesFile: undefined, connections, seconds };
      const { requests, requestsPerSecond } = await runWrk(scope, { ...asked, ...load });
      return { hot: requestsPerSecond, 'hot-cpu': ((cpuSeconds(pids()) - before) / requests) * MICRO };
    };
  };
  return {
    server: nginx.title,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'nginx', measure: side(nginx, `/${NAME}`, () => nginx.pids()) },
      { key: 'C', label: 'Millrace', measure: side(millrace, `${PUBLIC}/${NAME}`, () => millrace.pids()) },
    ],
  };
}

async function check(scope: RunScope, url: string, content: Buffer): Promise<void> {
  const answer = await fetch(url, { signal: requestSignal(scope) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!bytes.equals(content)) throw new Error(`${answer.status}: other bytes than those of the file.`);
}

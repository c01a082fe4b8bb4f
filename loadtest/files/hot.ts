/** A small public file that everybody asks for. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { cpuSeconds } from '../access/cpu.ts';
import type { Contest, ContestCase, ContestOptions, ContestSide } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { runWrk } from '../wrk.ts';
import { PUBLIC, SERVICE, startHouse, startNginxOf } from './house.ts';

const BYTES = 10_000;
const FILE = `${PUBLIC}/logo.png`;
const MICRO = 1e6;

export const HOT: ContestCase = {
  name: 'hot',
  needs: 'nginx',
  figures: [
    {
      name: 'hot',
      title: 'a public file of 10 kB, asked for again and again',
      unit: 'requests/s',
      targets: [{ measure: 'C/A', atLeast: 0.5 }],
    },
    { name: 'hot-cpu', title: 'CPU of such a request, all processes', unit: 'µs', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { folder, millrace } = await startHouse(scope, options, (root) =>
    writeFile(`${root}/${FILE}`, randomBytes(BYTES)),
  );
  const nginx = await startNginxOf(scope, folder, `/${FILE}`);
  const loaded =
    (origin: string, path: string, pids: () => number[]): ContestSide['measure'] =>
    async (seconds) => {
      const before = cpuSeconds(pids());
      const load = { origin, path, headers: {}, method: 'GET', randomMax: 1, bodiesFile: undefined, seconds };
      const { requests, requestsPerSecond } = await runWrk(scope, { ...load, connections: options.connections });
      return { hot: requestsPerSecond, 'hot-cpu': ((cpuSeconds(pids()) - before) / requests) * MICRO };
    };
  return {
    server: nginx.title,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'nginx', measure: loaded(nginx.origin, `/${FILE}`, () => nginx.pids()) },
      { key: 'C', label: 'Millrace', measure: loaded(millrace.origin, `/${SERVICE}/${FILE}`, () => millrace.pids()) },
    ],
  };
}

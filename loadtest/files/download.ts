/** A large file by one client, and the memory that many at once take. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpuSeconds } from '../access/cpu.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import { peakOverBase } from '../database/memory.ts';
import type { RunScope } from '../process.ts';
import { type Door, download } from './curl.ts';
import { API, BYTES_PER_MEGABYTE, contentOf, startOurs, startTheirs } from './setup.ts';
import { sizeOf } from './sizes.ts';

export const DOWNLOAD: ContestCase = {
  name: 'download',
  needs: 'nginx-dav',
  figures: [
    {
      name: 'download',
      title: 'GET of 100 MB, local, one client',
      unit: 'MB/s',
      targets: [{ measure: 'C/A', atLeast: 0.35 }],
    },
    { name: 'download-cpu', title: 'the same, for each CPU-second', unit: 'MB/CPU-s', targets: [] },
    {
      name: 'download-memory',
      title: 'the same 20 times at once, peak memory over base',
      unit: 'MB',
      targets: [{ measure: 'C', atMost: 30 }],
    },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const bytes = sizeOf(options.sizes, 'download-mb') * BYTES_PER_MEGABYTE;
  const atOnce = sizeOf(options.sizes, 'downloads-at-once');
  const nginx = await startTheirs(scope);
  const millrace = await startOurs(scope, options);
  const content = contentOf(bytes);
  await mkdir(millrace.folder, { recursive: true });
  for (const folder of [nginx.folder, millrace.folder]) await writeFile(`${folder}/large.bin`, content);
  return {
    server: nginx.title,
    millrace,
    warmUps: 1,
    sides: [
      {
        ...{ key: 'A', label: 'nginx' },
        measure: () => once(scope, nginx, '/large.bin', bytes, nginx.pids()),
      },
      {
        ...{ key: 'C', label: 'Millrace' },
        measure: async () => {
          const one = () => download(scope, millrace, `${API}/large.bin`, bytes);
          const sample = await once(scope, millrace, `${API}/large.bin`, bytes, millrace.filePids());
          const memory = await peakOverBase(millrace.filePids(), async () => {
            await Promise.all(Array.from({ length: atOnce }, one));
          });
          return { ...sample, 'download-memory': memory };
        },
      },
    ],
  };
}

/** So many times, as the clock of processes ticks slowly. */
const TIMES = 5;

/** @param pids  of those who serve it */
async function once(
  scope: RunScope,
  door: Door,
  path: string,
  bytes: number,
  pids: readonly number[],
): Promise<Sample> {
  const before = cpuSeconds(pids);
  let rates = 0;
  for (let time = 0; time < TIMES; time++) rates += await download(scope, door, path, bytes);
  const megabytes = (TIMES * bytes) / BYTES_PER_MEGABYTE;
  return { download: rates / TIMES, 'download-cpu': megabytes / (cpuSeconds(pids) - before) };
}

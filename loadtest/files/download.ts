/** A large file of a disk, to one who takes it as fast as he can, and to twenty at once. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { curlSpeed, MEGABYTE, memoryAdded, SERVICE, startHouse, startNginxOf } from './house.ts';
import { sizeOf } from './sizes.ts';

const FILE = 'large.bin';

export const DOWNLOAD: ContestCase = {
  name: 'download',
  needs: 'nginx',
  figures: [
    {
      name: 'download',
      title: 'download of 100 MB from a local folder',
      unit: 'MB/s',
      targets: [{ measure: 'C/A', atLeast: 0.35 }],
    },
    {
      name: 'download-memory',
      title: 'memory that 20 such downloads at once add to router and storage',
      unit: 'MB',
      targets: [{ measure: 'C', atMost: 30 }],
    },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const bytes = sizeOf(options, 'download-mb') * MEGABYTE;
  const atOnce = sizeOf(options, 'downloads-at-once');
  const { folder, millrace } = await startHouse(scope, options, (root) => writeRandom(`${root}/${FILE}`, bytes));
  const nginx = await startNginxOf(scope, folder, `/${FILE}`);
  const ours = () =>
    curlSpeed(scope, `${millrace.origin}/api/v2/${SERVICE}/${FILE}`, millrace.headers, [], 'download', bytes);
  const theirs = () => curlSpeed(scope, `${nginx.origin}/${FILE}`, {}, [], 'download', bytes);
  return {
    server: nginx.title,
    millrace,
    warmUps: 1,
    sides: [
      {
        key: 'A',
        label: 'nginx',
        measure: async (seconds) => ({ download: (await medianOf(theirs, seconds)) / MEGABYTE }),
      },
      {
        key: 'C',
        label: 'Millrace',
        measure: async (seconds): Promise<Sample> => {
          const speed = await medianOf(ours, seconds);
          const many = () => Promise.all(Array.from({ length: atOnce }, ours));
          return { download: speed / MEGABYTE, 'download-memory': await memoryAdded(millrace, many) };
        },
      },
    ],
  };
}

/** The median of as many as there is time for. */
async function medianOf(once: () => Promise<number>, seconds: number): Promise<number> {
  const speeds: number[] = [];
  for (const until = performance.now() + seconds * 1000; speeds.length === 0 || performance.now() < until; ) {
    speeds.push(await once());
  }
  return speeds.sort((a, b) => a - b)[Math.floor(speeds.length / 2)] as number;
}

/** Bytes that nobody can make smaller. */
export async function writeRandom(path: string, bytes: number): Promise<void> {
  const piece = randomBytes(MEGABYTE);
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < bytes; at += piece.length) await file.write(piece, 0, Math.min(piece.length, bytes - at));
  } finally {
    await file.close();
  }
}

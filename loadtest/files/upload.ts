/** A very large file to a disk: beside nginx, which takes a PUT, and in how little memory. */
import { mkdir, rm } from 'node:fs/promises';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { writeRandom } from './download.ts';
import { curlSpeed, MEGABYTE, memoryAdded, PUBLIC, SERVICE, startHouse, startNginxOf } from './house.ts';
import { sizeOf } from './sizes.ts';

const FILE = 'sent.bin';
const READY = `${PUBLIC}/ready`;

export const UPLOAD: ContestCase = {
  name: 'upload',
  needs: 'nginx-dav',
  figures: [
    {
      name: 'upload',
      title: 'upload of 1 GB to a local folder (A: WebDAV PUT)',
      unit: 'MB/s',
      targets: [{ measure: 'C/A', atLeast: 0.4 }],
    },
    {
      name: 'upload-memory',
      title: 'memory that it adds to router and storage',
      unit: 'MB',
      targets: [{ measure: 'C', atMost: 60 }],
    },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const bytes = sizeOf(options, 'upload-mb') * MEGABYTE;
  const sent = `${scope.folder}/${FILE}`;
  await writeRandom(sent, bytes);
  const { folder, millrace } = await startHouse(scope, options, async (root) => {
    await writeRandom(`${root}/${READY}`, 1);
    await mkdir(`${root}/theirs`);
  });
  const nginx = await startNginxOf(scope, folder, `/${READY}`);
  const send = async (url: string, headers: Readonly<Record<string, string>>, path: string): Promise<number> => {
    const speed = await curlSpeed(scope, url, headers, ['-X', 'PUT', '-T', sent], 'upload', bytes);
    await rm(`${folder}/${path}`);
    return speed / MEGABYTE;
  };
  const headers = { ...millrace.headers, 'Content-Type': 'application/octet-stream' };
  return {
    server: nginx.title,
    millrace,
    warmUps: 1,
    sides: [
      {
        key: 'A',
        label: 'nginx',
        measure: async () => ({ upload: await send(`${nginx.origin}/theirs/${FILE}`, {}, `theirs/${FILE}`) }),
      },
      {
        key: 'C',
        label: 'Millrace',
        measure: async (): Promise<Sample> => {
          let speed = 0;
          const added = await memoryAdded(millrace, async () => {
            speed = await send(`${millrace.origin}/api/v2/${SERVICE}/${FILE}`, headers, FILE);
          });
          return { upload: speed, 'upload-memory': added };
        },
      },
    ],
  };
}

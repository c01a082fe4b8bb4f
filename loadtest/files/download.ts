/** A large file by one client, and the memory that many at once take. */
import { mkdir, writeFile } from 'node:fs/promises';
import type { Contest, ContestCase, ContestOptions } from '../contest.ts';
import { peakOverBase } from '../database/memory.ts';
import type { RunScope } from '../process.ts';
import { download } from './curl.ts';
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
        measure: async () => ({ download: await download(scope, nginx, '/large.bin', bytes) }),
      },
      {
        ...{ key: 'C', label: 'Millrace' },
        measure: async () => {
          const one = () => download(scope, millrace, `${API}/large.bin`, bytes);
          const rate = await one();
          const memory = await peakOverBase(millrace.filePids(), async () => {
            await Promise.all(Array.from({ length: atOnce }, one));
          });
          return { download: rate, 'download-memory': memory };
        },
      },
    ],
  };
}

/** What a large folder costs: its listing, and a zip of many small files. */
import { mkdir, writeFile } from 'node:fs/promises';
import type { Contest, ContestCase, ContestOptions, ContestSide } from '../contest.ts';
import { peakOverBase } from '../database/memory.ts';
import type { RunScope } from '../process.ts';
import { type Door, transfer } from './curl.ts';
import { API, type OurSide, startOurs, startTheirs } from './setup.ts';
import { sizeOf } from './sizes.ts';

const SMALL_BYTES = 1000;
const AT_ONCE = 64;

export const LISTING: ContestCase = {
  name: 'listing',
  needs: 'nginx-dav',
  figures: [
    {
      name: 'listing-first',
      title: 'listing of 100,000 files, first byte (A: autoindex)',
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 300 }],
    },
    { name: 'listing-all', title: 'the same, all of it', unit: 'ms', targets: [] },
    { name: 'listing-memory', title: 'the same, peak memory over base', unit: 'MB', targets: [] },
  ],
  prepare: async (scope, options) => {
    const count = sizeOf(options.sizes, 'listing-files');
    const nginx = await startTheirs(scope);
    const millrace = await startOurs(scope, options);
    await fill(`${nginx.folder}/many`, count, 0);
    await fill(`${millrace.folder}/many`, count, 0);
    const theirs: ContestSide = {
      ...{ key: 'A', label: 'nginx' },
      measure: async () => timed('listing', await transfer(scope, nginx, '/many/')),
    };
    return contest(scope, nginx.title, millrace, 'listing', `${API}/many/`, [theirs]);
  },
};

export const ZIP: ContestCase = {
  name: 'zip',
  needs: undefined,
  figures: [
    {
      name: 'zip-first',
      title: 'zip of 10,000 files of 1 kB, first byte',
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 500 }],
    },
    { name: 'zip-all', title: 'the same, all of it', unit: 'ms', targets: [] },
    { name: 'zip-memory', title: 'the same, peak memory over base', unit: 'MB', targets: [] },
  ],
  prepare: async (scope: RunScope, options: ContestOptions) => {
    const millrace = await startOurs(scope, options);
    await fill(`${millrace.folder}/many`, sizeOf(options.sizes, 'zip-files'), SMALL_BYTES);
    return contest(scope, undefined, millrace, 'zip', `${API}/many/?zip=true`, []);
  },
};

function contest(
  scope: RunScope,
  server: string | undefined,
  millrace: OurSide,
  name: string,
  path: string,
  others: readonly ContestSide[],
): Contest {
  const measure = async () => {
    let sample: Record<string, number> = {};
    const memory = await peakOverBase(millrace.filePids(), async () => {
      sample = timed(name, await transfer(scope, millrace as Door, path));
    });
    return { ...sample, [`${name}-memory`]: memory };
  };
  return { server, millrace, warmUps: 1, sides: [...others, { key: 'C', label: 'Millrace', measure }] };
}

const timed = (name: string, { firstByteMs, seconds }: { firstByteMs: number; seconds: number }) => ({
  [`${name}-first`]: firstByteMs,
  [`${name}-all`]: seconds * 1000,
});

async function fill(folder: string, count: number, bytes: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const content = Buffer.alloc(bytes, 'x');
  for (let from = 0; from < count; from += AT_ONCE) {
    const names = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => String(from + i).padStart(6, '0'));
    await Promise.all(names.map((name) => writeFile(`${folder}/reading-${name}.txt`, content)));
  }
}

/** A folder with very many files, listed. */
import { mkdir, writeFile } from 'node:fs/promises';
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { arrivalOf } from './first-byte.ts';
import { memoryAdded, SERVICE, startHouse } from './house.ts';
import { sizeOf } from './sizes.ts';

const FOLDER = 'many';
const AT_ONCE = 200;

export const LISTING: ContestCase = {
  name: 'listing',
  needs: undefined,
  figures: [
    {
      name: 'listing',
      title: 'first byte of a listing of 100,000 files',
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 300 }],
    },
    { name: 'listing-whole', title: 'the whole of it', unit: 'ms', targets: [] },
    { name: 'listing-memory', title: 'memory that it adds to router and storage', unit: 'MB', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { millrace } = await startHouse(scope, options, (root) =>
    writeMany(`${root}/${FOLDER}`, sizeOf(options, 'listing-files'), ''),
  );
  const url = `${millrace.origin}/api/v2/${SERVICE}/${FOLDER}/`;
  const measure = async (): Promise<Sample> => {
    let [firstMs, wholeMs] = [0, 0];
    const added = await memoryAdded(millrace, async () => {
      ({ firstMs, wholeMs } = await arrivalOf(scope, url, millrace.headers));
    });
    return { listing: firstMs, 'listing-whole': wholeMs, 'listing-memory': added };
  };
  return { server: undefined, millrace, warmUps: 1, sides: [{ key: 'C', label: 'Millrace', measure }] };
}

/** Files `000000` and on, of this content each. */
export async function writeMany(folder: string, count: number, content: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let from = 0; from < count; from += AT_ONCE) {
    const names = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) => String(from + n).padStart(6, '0'));
    await Promise.all(names.map((name) => writeFile(`${folder}/${name}`, content)));
  }
}

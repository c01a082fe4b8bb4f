/** A folder of many small files as one zip, made while it is sent. */
import type { Contest, ContestCase, ContestOptions, Sample } from '../contest.ts';
import type { RunScope } from '../process.ts';
import { arrivalOf } from './first-byte.ts';
import { memoryAdded, SERVICE, startHouse } from './house.ts';
import { writeMany } from './listing.ts';
import { sizeOf } from './sizes.ts';

const FOLDER = 'zipped';
const CONTENT = 'Millrace keeps small files as well as large ones. '.repeat(20);

export const ZIP: ContestCase = {
  name: 'zip',
  needs: undefined,
  figures: [
    {
      name: 'zip',
      title: 'first byte of a zip of 10,000 files of 1 kB',
      unit: 'ms',
      targets: [{ measure: 'C', atMost: 500 }],
    },
    { name: 'zip-whole', title: 'the whole of it', unit: 'ms', targets: [] },
    { name: 'zip-memory', title: 'memory that it adds to router and storage', unit: 'MB', targets: [] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { millrace } = await startHouse(scope, options, (root) =>
    writeMany(`${root}/${FOLDER}`, sizeOf(options, 'zip-files'), CONTENT),
  );
  const url = `${millrace.origin}/api/v2/${SERVICE}/${FOLDER}/?zip=true`;
  const measure = async (): Promise<Sample> => {
    let [firstMs, wholeMs] = [0, 0];
    const added = await memoryAdded(millrace, async () => {
      ({ firstMs, wholeMs } = await arrivalOf(scope, url, millrace.headers));
    });
    return { zip: firstMs, 'zip-whole': wholeMs, 'zip-memory': added };
  };
  return { server: undefined, millrace, warmUps: 1, sides: [{ key: 'C', label: 'Millrace', measure }] };
}

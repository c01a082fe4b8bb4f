/** How large the cases are unless somebody says otherwise; a run with other sizes leaves no results. */
import type { ContestOptions } from '../contest.ts';
import type { Sizes } from '../options.ts';

export const FILE_SIZES: Sizes = {
  'download-mb': 100,
  'downloads-at-once': 20,
  'upload-mb': 1000,
  'listing-files': 100_000,
  'zip-files': 10_000,
  'slow-readers': 200,
};

export function sizeOf({ sizes }: ContestOptions, name: string): number {
  const size = sizes[name];
  if (size === undefined) throw new Error(`The size ${name} is not known.`);
  return size;
}

/** What the benchmark of NoSQL measures, in the order of the run. */
import type { ContestCase } from '../contest.ts';
import { BESIDE } from './beside.ts';
import { BULK } from './bulk.ts';
import { FILTER } from './filter.ts';
import { GET, POST } from './one.ts';

export const NOSQL_CASES: readonly ContestCase[] = [GET, POST, BULK, FILTER, BESIDE];

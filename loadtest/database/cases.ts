/** What the database benchmark measures, in the order of the run. */
import type { ContestCase } from '../contest.ts';
import { EXPORT } from './export.ts';
import { LOADS } from './load.ts';
import { MARIADB } from './mariadb.ts';
import { RELATED } from './related.ts';
import { MANY_TABLES } from './tables.ts';

export const DATABASE_CASES: readonly ContestCase[] = [RELATED, ...LOADS, EXPORT, MANY_TABLES, ...MARIADB];

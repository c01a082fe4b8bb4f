/** What the benchmark of the access layer measures, in the order of the run. */
import type { ContestCase } from '../contest.ts';
import { DECIDE } from './decide.ts';
import { EDGE } from './edge.ts';
import { GATEWAY } from './gateway.ts';
import { HASHING } from './hashing.ts';
import { SNAPSHOT } from './snapshot.ts';

export const ACCESS_CASES: readonly ContestCase[] = [DECIDE, EDGE, GATEWAY, HASHING, SNAPSHOT];

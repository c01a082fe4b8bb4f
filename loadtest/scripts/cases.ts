/** What the benchmark of scripts measures, in the order of the run. */
import type { ContestCase } from '../contest.ts';
import { ANEW, AROUND } from './around.ts';
import { COLD } from './cold.ts';
import { ELSEWHERE } from './elsewhere.ts';
import { HOSTILE } from './hostile.ts';
import { LINE } from './line.ts';
import { WARM } from './warm.ts';

export const SCRIPT_CASES: readonly ContestCase[] = [AROUND, ANEW, ELSEWHERE, COLD, LINE, WARM, HOSTILE];

/**
 * What something costs that should cost nothing: smaller than what any run differs from the next by. Two installations
 * take turns of a second, and each turn is compared with the one right before it.
 */
import { mkdir } from 'node:fs/promises';
import { cpuSeconds } from './access/cpu.ts';
import type { LoadCase } from './cases.ts';
import type { Contest, ContestCase, ContestOptions, Sample } from './contest.ts';
import type { RunScope } from './process.ts';
import { loadTarget } from './sides/http.ts';
import type { MillraceTarget } from './sides/millrace.ts';

const SLICES = 6;
const MICRO = 1e6;
const PERCENT = 100;
/** Below it nothing can be told from the noise of a good machine. */
const LOSS_MAX_PERCENT = 2;

/** Rate, loss and CPU of the router, by this name. */
export const turnFigures = (name: string, title: string, without: string): ContestCase['figures'] => [
  { name, title, unit: 'requests/s', targets: [] },
  {
    name: `${name}-loss`,
    title: `${title}: lost, turn by turn (A: turns ${without} differ by)`,
    unit: '%',
    targets: [{ measure: 'C', atMost: LOSS_MAX_PERCENT }],
  },
  { name: `${name}-cpu`, title: `${title}: CPU of a request, router`, unit: 'µs', targets: [] },
];

export interface Turns {
  readonly name: string;
  readonly load: LoadCase;
  readonly server: string;
  readonly without: { readonly millrace: MillraceTarget; readonly label: string };
  readonly other: { readonly millrace: MillraceTarget; readonly label: string };
}

export function takeTurns(scope: RunScope, { connections }: ContestOptions, turns: Turns): Contest {
  const { name, without, other } = turns;
  const load = async (millrace: MillraceTarget, seconds: number) => {
    const cpu = () => cpuSeconds(millrace.pids(['router']));
    const before = cpu();
    const { requests, requestsPerSecond } = await loadTarget(scope, millrace, turns.load, seconds, connections);
    return { rate: requestsPerSecond, cpuMicros: ((cpu() - before) / requests) * MICRO };
  };
  let last = Number.NaN;
  const measureWithout = async (seconds: number): Promise<Sample> => {
    const { rate, cpuMicros } = await load(without.millrace, seconds);
    const noise = Math.abs(1 - rate / last) * PERCENT;
    last = rate;
    const sample = { [name]: rate, [`${name}-cpu`]: cpuMicros };
    return Number.isNaN(noise) ? sample : { ...sample, [`${name}-loss`]: noise };
  };
  const measureOther = async (seconds: number): Promise<Sample> => {
    const { rate, cpuMicros } = await load(other.millrace, seconds);
    return { [name]: rate, [`${name}-cpu`]: cpuMicros, [`${name}-loss`]: (1 - rate / last) * PERCENT };
  };
  return {
    server: turns.server,
    millrace: other.millrace,
    warmUps: 1,
    slices: SLICES,
    sides: [
      { key: 'A', label: without.label, measure: measureWithout },
      { key: 'C', label: other.label, measure: measureOther },
    ],
  };
}

/** For the data of one of them. */
export async function below(scope: RunScope, name: string): Promise<RunScope> {
  const folder = `${scope.folder}/${name}`;
  await mkdir(folder);
  return { ...scope, folder };
}

/** Runs one case: warm-up, then the sides in turn, round after round. */
import type { Figure } from './cases.ts';
import type { Contest, ContestCase, ContestOptions, ContestSide, Sample } from './contest.ts';
import { inScope, type RunScope } from './process.ts';
import { formatTierProfiles } from './profile.ts';
import { describe, say } from './program.ts';
import type { CaseResult, ReportTable } from './report.ts';
import { formatNumber } from './statistics.ts';

export interface MeasuredCase {
  readonly results: readonly CaseResult[];
  /** With its version. */
  readonly server: string | undefined;
  readonly table: ReportTable | undefined;
}

/** All that the case starts is gone when it ends: the next one finds a quiet machine. */
export function measureCase(each: ContestCase, options: ContestOptions, run: RunScope): Promise<MeasuredCase> {
  return inScope(`${run.folder}/${each.name}`, run.signal, async (scope) => {
    say(`${each.name}: getting ready`);
    const contest = await each.prepare(scope, options);
    for (let count = 0; count < contest.warmUps; count++) {
      for (const side of contest.sides) await measureOnce(side, options.warmupSeconds, each);
    }
    const results = await measureRounds(each, contest, options);
    if (options.profile && contest.millrace) {
      await contest.millrace.stop(); // then the profiles are written
      say(`\n${formatTierProfiles(scope.folder)}`);
    }
    return { results, server: contest.server, table: contest.table?.() };
  });
}

async function measureRounds(
  each: ContestCase,
  { sides, slices = 1, rounds: own }: Contest,
  options: ContestOptions,
): Promise<CaseResult[]> {
  const rounds = (own ?? options.rounds) * slices;
  const seconds = Math.max(1, Math.round(options.seconds / slices));
  const samples: { key: 'A' | 'C'; sample: Sample }[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const side of sides) {
      const sample = await measureOnce(side, seconds, each);
      samples.push({ key: side.key, sample });
      say(`${each.name}: round ${round} of ${rounds}, ${side.key} ${side.label}: ${show(sample, each.figures)}`);
    }
  }
  return each.figures.map((figure) => {
    const of = (key: 'A' | 'C') =>
      samples.flatMap(({ key: whose, sample }) => (whose === key ? (sample[figure.name] ?? []) : []));
    const [theirs, ours] = [of('A'), of('C')];
    return { ...figure, samples: theirs.length > 0 ? { A: theirs, C: ours } : { C: ours } };
  });
}

async function measureOnce(side: ContestSide, seconds: number, each: ContestCase): Promise<Sample> {
  try {
    return await side.measure(seconds);
  } catch (failure) {
    throw new Error(`${side.label}, ${each.name}: ${describe(failure)}`, { cause: failure });
  }
}

function show(sample: Sample, figures: readonly Figure[]): string {
  const parts = figures.flatMap(({ name, unit }) => {
    const value = sample[name];
    return value === undefined ? [] : [`${formatNumber(value)} ${unit}`];
  });
  return parts.join(', ');
}

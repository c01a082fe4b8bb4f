/** The command line of the benchmark. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BenchCase, CASES } from './cases.ts';

const folderBeside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export interface BenchOptions {
  readonly cases: readonly BenchCase[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly connections: number;
  readonly dist: string;
  readonly profile: boolean;
  /** Undefined where nothing is written. */
  readonly resultsFolder: string | undefined;
}

export const HELP = `npm run bench -- [options]

  --rounds <n>        rounds of A B C for each case (3)
  --seconds <n>       length of one measurement (6)
  --warmup <n>        seconds of load before the first round of a case (8)
  --connections <n>   open connections (64)
  --cases <a,b>       only these, by name or the first part of it:
                      ${CASES.map((each) => each.name).join(', ')}
  --dist <folder>     the build to measure (dist)
  --profile           router and connector write CPU profiles; their top entries are printed. Figures suffer
  --results <folder>  where results are written (loadtest/results for a run of all cases, else nowhere)
`;

/** @throws Error that names the option */
export function parseOptions(args: string[]): BenchOptions | 'help' {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args,
    options: {
      rounds: text,
      seconds: text,
      warmup: text,
      connections: text,
      cases: text,
      dist: text,
      results: text,
      profile: flag,
      help: flag,
    },
  });
  if (values.help) return 'help';
  const isWhole = values.cases === undefined && !values.profile;
  return {
    cases: values.cases === undefined ? CASES : selectCases(values.cases),
    rounds: positive('rounds', values.rounds, 3),
    seconds: positive('seconds', values.seconds, 6),
    warmupSeconds: positive('warmup', values.warmup, 8),
    connections: positive('connections', values.connections, 64),
    dist: values.dist ?? folderBeside('../dist'),
    profile: values.profile ?? false,
    resultsFolder: values.results ?? (isWhole ? folderBeside('results') : undefined),
  };
}

function positive(name: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} must be a whole number above 0.`);
  return number;
}

function selectCases(list: string): BenchCase[] {
  const names = list.split(',').map((name) => name.trim());
  const isMeant = (each: BenchCase, name: string) => each.name === name || each.name.startsWith(`${name}-`);
  const unknown = names.find((name) => !CASES.some((each) => isMeant(each, name)));
  if (unknown !== undefined) throw new Error(`--cases: there is no case '${unknown}'.`);
  return CASES.filter((each) => names.some((name) => isMeant(each, name)));
}

/** The command line of the benchmarks: the same for each of them, but for the cases. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const folderBeside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What the command line needs to know of a case. */
export interface Named {
  readonly name: string;
}

/** Whole numbers above 0. */
export type Sizes = Readonly<Record<string, number>>;

export interface BenchOptions<C extends Named> {
  readonly cases: readonly C[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly connections: number;
  readonly dist: string;
  readonly profile: boolean;
  /** How large things are, by the names that a program has for them. */
  readonly sizes: Sizes;
  /** Undefined where nothing is written. */
  readonly resultsFolder: string | undefined;
}

export const helpOf = (command: string, cases: readonly Named[], sizes: Sizes = {}): string => `${command} -- [options]

  --rounds <n>        rounds of each case, with every side in each (3)
  --seconds <n>       length of one measurement, where a load is measured (6)
  --warmup <n>        seconds of load before the first round of a case (8)
  --connections <n>   open connections (64)
  --cases <a,b>       only these, by name or the first part of it:
                      ${cases.map((each) => each.name).join(', ')}
${helpOfSizes(sizes)}  --dist <folder>     the build to measure (dist)
  --profile           router and connector write CPU profiles; their top entries are printed. Figures suffer
  --results <folder>  where results are written (loadtest/results for a run of all cases, else nowhere)
`;

function helpOfSizes(sizes: Sizes): string {
  const usual = Object.entries(sizes).map(([name, size]) => `${name}=${size}`);
  return usual.length === 0 ? '' : `  --sizes <a=1,b=2>   in the place of ${usual.join(', ')}\n`;
}

/** @param sizes  the usual ones. @throws Error that names the option */
export function parseOptions<C extends Named>(
  args: string[],
  cases: readonly C[],
  sizes: Sizes = {},
): BenchOptions<C> | 'help' {
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
      sizes: text,
      profile: flag,
      help: flag,
    },
  });
  if (values.help) return 'help';
  const isWhole = values.cases === undefined && values.sizes === undefined && !values.profile;
  return {
    cases: values.cases === undefined ? cases : selectCases(values.cases, cases),
    rounds: positive('rounds', values.rounds, 3),
    seconds: positive('seconds', values.seconds, 6),
    warmupSeconds: positive('warmup', values.warmup, 8),
    connections: positive('connections', values.connections, 64),
    dist: values.dist ?? folderBeside('../dist'),
    profile: values.profile ?? false,
    sizes: { ...sizes, ...readSizes(values.sizes, sizes) },
    resultsFolder: values.results ?? (isWhole ? folderBeside('results') : undefined),
  };
}

function readSizes(list: string | undefined, known: Sizes): Sizes {
  const pairs = (list ?? '').split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value] = pair.split('=').map((part) => part.trim());
      if (!Object.hasOwn(known, name)) throw new Error(`--sizes: there is no size '${name}'.`);
      return [name, positive(`sizes ${name}`, value ?? '', 0)];
    }),
  );
}

function positive(name: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} must be a whole number above 0.`);
  return number;
}

function selectCases<C extends Named>(list: string, cases: readonly C[]): C[] {
  const names = list.split(',').map((name) => name.trim());
  const isMeant = (each: Named, name: string) => each.name === name || each.name.startsWith(`${name}-`);
  const unknown = names.find((name) => !cases.some((each) => isMeant(each, name)));
  if (unknown !== undefined) throw new Error(`--cases: there is no case '${unknown}'.`);
  return cases.filter((each) => names.some((name) => isMeant(each, name)));
}

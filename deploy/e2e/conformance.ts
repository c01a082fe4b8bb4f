/** Replays recorded exchanges with the original against the product, and reads what the replay reports. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { whyNot } from '../testing/available.ts';
import type { RunningPostgres } from '../testing/postgres.ts';
import { ROOT } from './build.ts';

/** The recordings lie beside the repository: they are not ours to ship. */
const RECORDINGS = resolve(ROOT, '../shared/conformance');
/** Reason of each deliberate difference by `group / name` of its exchange. */
export const DIFFERENCES = join(ROOT, 'docs/compatibility.json');
/** What a PostgreSQL database holds before the requests are sent. */
export const PREPARATION = join(RECORDINGS, 'postgres.sql');

const OF_A_DATABASE = [
  'schema',
  'write',
  'read',
  'filter',
  'tunnel',
  'related',
  'formats',
  'update',
  'delete',
  'upsert',
  'paging',
];
/** In the order in which they were recorded: later ones find what earlier ones left. */
export const GROUPS = [
  ...['anonymous', 'login', 'service types', 'services', 'files'],
  ...OF_A_DATABASE.map((group) => `gold ${group}`),
  ...OF_A_DATABASE.map((group) => `goldpg ${group}`),
  ...[
    'goldpg routines',
    'goldpg access',
    'gold access',
    'users',
    'system',
    'docs and events',
    'scripts',
    'limits',
    'odd requests',
  ],
];

/** An exchange that was answered otherwise. */
export interface Difference {
  /** `group / name`. */
  readonly exchange: string;
  /** What differs, for people. */
  readonly details: string;
  /** The original refused what is answered here. */
  readonly accepted: boolean;
}

export interface Replay {
  readonly same: number;
  /** Of each group: how many are answered the same, of how many. */
  readonly groups: ReadonlyMap<string, { readonly same: number; readonly all: number }>;
  readonly differences: readonly Difference[];
}

/** undefined: the replay can run. */
export function whyNoReplay(): string | undefined {
  return existsSync(join(RECORDINGS, 'replay.mjs')) ? whyNot('postgres') : 'the recorded exchanges are not here';
}

export function readDifferences(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(DIFFERENCES, 'utf8'));
}

export async function replay(
  origin: string,
  admin: { readonly email: string; readonly password: string },
  sqliteFile: string,
  postgres: RunningPostgres,
): Promise<Replay> {
  const { host, port, database, user: username, password } = postgres;
  const env = {
    PATH: process.env['PATH'],
    BASE_URL: origin,
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    SQLITE_DB: sqliteFile,
    PG_CONFIG: JSON.stringify({ host, port, database, username, password }),
  };
  const program = [join(RECORDINGS, 'replay.mjs'), '--groups', GROUPS.join(',')];
  const report = await new Promise<string>((resolve) => {
    // Its exit status says that something differs, which is judged here.
    execFile(process.execPath, program, { env, maxBuffer: 64 * 1024 * 1024 }, (_, stdout) => resolve(stdout));
  });
  return readReport(report);
}

/** One block for each exchange that differs, then the counts: `388 passed, 32 failed`. */
function readReport(report: string): Replay {
  const same = /^(\d+) passed, (\d+) failed$/m.exec(report);
  if (!same) throw new Error(`The replay did not come to an end: ${report.slice(-2000)}`);
  const differences = report
    .split(/^DIFF /m)
    .slice(1)
    .map((block) => {
      const [exchange = '', ...details] = block.split(/\n(?! )/)[0]?.split('\n') ?? [];
      const text = details.map((line) => line.trim()).join('; ');
      return { exchange, details: text, accepted: /status 2\d\d instead of 4\d\d/.test(text) };
    });
  if (differences.length !== Number(same[2])) throw new Error(`The replay was read badly: ${report.slice(-2000)}`);
  const groups = [...report.matchAll(/^ *(\d+) of (\d+) +(.+)$/gm)].map(
    ([, passed, all, name = '']) => [name, { same: Number(passed), all: Number(all) }] as const,
  );
  return { same: Number(same[1]), groups: new Map(groups), differences };
}

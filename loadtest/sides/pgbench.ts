/** Side A: the database's own tool, which sends prepared statements and throws the answers away. */
import { writeFile } from 'node:fs/promises';
import type { RunningPostgres } from '../../deploy/testing/postgres.ts';
import { type RunScope, runTool } from '../process.ts';
import type { Side } from './side.ts';

const THREADS = 2;
/** pgbench counts the time of connecting as part of its duration, though not in the rate. */
const CONNECTING_SECONDS = 2;
const GRACE_SECONDS = 30;

export function pgbenchSide(scope: RunScope, postgres: RunningPostgres, connections: number): Side {
  return {
    key: 'A',
    label: 'pgbench',
    measure: async (load, seconds) => {
      const script = `${scope.folder}/${load.name}.pgbench.sql`;
      await writeFile(script, `${load.pgbench}\n`);
      const args = pgbenchArguments(postgres, connections, seconds + CONNECTING_SECONDS, script);
      const env = { PGPASSWORD: postgres.password };
      return parsePgbench(
        await runTool(scope, `${postgres.binDir}/pgbench`, args, (seconds + GRACE_SECONDS) * 1000, env),
      );
    },
  };
}

function pgbenchArguments(postgres: RunningPostgres, connections: number, seconds: number, script: string): string[] {
  const address = ['-h', postgres.host, '-p', String(postgres.port), '-U', postgres.user];
  const threads = String(Math.min(THREADS, connections));
  const load = ['-n', '-M', 'prepared', '-c', String(connections), '-j', threads, '-T', String(seconds)];
  return [...load, ...address, '-f', script, postgres.database];
}

/** Transactions per second. @throws Error where one failed or none was done */
export function parsePgbench(output: string): number {
  const rate = Number(/^tps = ([\d.]+) /m.exec(output)?.[1]);
  if (!(rate > 0)) throw new Error(`pgbench printed no rate:\n${output}`);
  const failed = Number(/^number of failed transactions: (\d+)/m.exec(output)?.[1] ?? 0);
  if (failed > 0) throw new Error(`pgbench counted ${failed} failed transactions.`);
  return rate;
}

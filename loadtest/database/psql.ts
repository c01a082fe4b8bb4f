/** The database's own client for whole tables: `psql \copy`, timed by itself, so that its start does not count. */
import type { RunningPostgres } from '../../deploy/testing/postgres.ts';
import { type RunScope, runTool } from '../process.ts';

const TIMEOUT_MS = 120_000;

/**
 * @param copy  what follows `\copy`
 * @returns seconds
 */
export async function timeCopy(scope: RunScope, server: RunningPostgres, copy: string): Promise<number> {
  const address = ['-h', server.host, '-p', String(server.port), '-U', server.user, '-d', server.database];
  const options = ['-X', '-v', 'ON_ERROR_STOP=1', '-c', '\\timing on', '-c', `\\copy ${copy}`];
  const env = { PGPASSWORD: server.password, LC_ALL: 'C' };
  return parseTiming(await runTool(scope, `${server.binDir}/psql`, [...address, ...options], TIMEOUT_MS, env));
}

/** Seconds. @throws Error where psql told no time */
export function parseTiming(output: string): number {
  const milliseconds = Number(/^Time: ([\d.]+) ms/m.exec(output)?.[1]);
  if (!(milliseconds > 0)) throw new Error(`psql told no time:\n${output}`);
  return milliseconds / 1000;
}

/** The sides of the latency case: one caller, one request after the other; the figure is the median time in ms. */
import { performance } from 'node:perf_hooks';
import pg from 'pg';
import type { RunningPostgres } from '../deploy/testing/postgres.ts';
import { READ_TABLE, ROWS } from './dataset.ts';
import type { RunScope } from './process.ts';
import { loadTarget } from './sides/http.ts';
import type { HttpTarget, Side } from './sides/side.ts';
import { median } from './statistics.ts';

/** The floor for any program in front of the database: its driver in a loop, with a prepared statement. */
export function driverSide(scope: RunScope, postgres: RunningPostgres): Side {
  return { key: 'A', label: 'driver', measure: (_load, seconds) => timeDriver(scope, postgres.url, seconds) };
}

async function timeDriver(scope: RunScope, url: string, seconds: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // the query that was running fails as well
  await client.connect();
  try {
    return await medianTimeMs(scope, seconds, async () => {
      const id = 1 + Math.floor(Math.random() * ROWS);
      await client.query({ name: 'by-id', text: `select * from ${READ_TABLE} where id = $1`, values: [id] });
    });
  } finally {
    await client.end();
  }
}

/** Of one request after the other, for so many seconds. */
export async function medianTimeMs(scope: RunScope, seconds: number, request: () => Promise<void>): Promise<number> {
  const timesMs: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let start = performance.now(); start < end; start = performance.now()) {
    scope.signal.throwIfAborted();
    await request();
    timesMs.push(performance.now() - start);
  }
  return median(timesMs);
}

export function latencySide(scope: RunScope, target: HttpTarget): Side {
  return {
    key: target.key,
    label: target.label,
    measure: async (load, seconds) => (await loadTarget(scope, target, load, seconds, 1)).p50Ms,
  };
}

/** A table of a million rows read to its end as lines of JSON, against `psql \copy` of the same table. */
import { performance } from 'node:perf_hooks';
import type { Contest, ContestCase, ContestOptions } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { selectNewReadings } from '../dataset.ts';
import type { RunScope } from '../process.ts';
import { serviceOf, startMillrace } from '../sides/millrace.ts';
import { HttpConnection } from './http-connection.ts';
import { peakOverBase } from './memory.ts';
import { timeCopy } from './psql.ts';

const NAME = 'export';
const MEMORY = `${NAME}-memory`;
const ROWS = 1_000_000;
const TABLE = 'reading_export';
const PATH = `/api/v2/bench/_table/${TABLE}`;
const LINES = { Accept: 'application/x-ndjson' };
const NEW_LINE = 10;
const TITLE = `GET ${ROWS.toLocaleString('en-US')} rows as NDJSON`;

const TABLES = `
  create table ${TABLE} (
    id serial primary key, device_id integer not null, name text not null, temperature double precision not null,
    measured_at timestamptz not null
  );
  select setseed(0.42);
  insert into ${TABLE} (device_id, name, temperature, measured_at) ${selectNewReadings(ROWS)}`;

export const EXPORT: ContestCase = {
  name: NAME,
  needs: 'postgres',
  figures: [
    { name: NAME, title: `${TITLE} (A: \\copy)`, unit: 'rows/s', targets: [{ measure: 'C/A', atLeast: 0.4 }] },
    { name: MEMORY, title: `${TITLE}, peak memory over base`, unit: 'MB', targets: [{ measure: 'C', atMost: 20 }] },
  ],
  prepare,
};

async function prepare(scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await admin.query(TABLES);
  await admin.query(`vacuum analyze ${TABLE}`);
  await admin.query('checkpoint');
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    services: [serviceOf('bench', 'pgsql', server)],
    firstPath: `${PATH}?limit=1`,
  });
  const connection = new HttpConnection(scope, millrace);
  const expectedBytes = await countBytes(connection);

  const copy = async () => ({ [NAME]: ROWS / (await timeCopy(scope, server, `${TABLE} to '/dev/null' csv`)) });
  const get = async () => {
    let seconds = 0;
    const memory = await peakOverBase(millrace.pids(), async () => {
      let bytes = 0;
      const begin = performance.now();
      await connection.drain(PATH, LINES, (piece) => {
        bytes += piece.length;
      });
      seconds = (performance.now() - begin) / 1000;
      if (bytes !== expectedBytes) throw new Error(`${bytes} bytes came in place of ${expectedBytes}.`);
    });
    return { [NAME]: ROWS / seconds, [MEMORY]: memory };
  };
  return {
    server: title,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'psql \\copy', measure: copy },
      { key: 'C', label: 'Millrace', measure: get },
    ],
  };
}

/** Of an export whose lines were counted: counting takes time that those that are measured shall not pay. */
async function countBytes(connection: HttpConnection): Promise<number> {
  let bytes = 0;
  let lines = 0;
  await connection.drain(PATH, LINES, (piece) => {
    bytes += piece.length;
    for (let at = piece.indexOf(NEW_LINE); at >= 0; at = piece.indexOf(NEW_LINE, at + 1)) lines++;
  });
  if (lines !== ROWS) throw new Error(`${lines} lines came in place of ${ROWS}.`);
  return bytes;
}

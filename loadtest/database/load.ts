/** A hundred thousand rows in one call, in each format that is taken as a stream, against `psql \copy` of the same. */
import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { Contest, ContestCase, ContestOptions } from '../contest.ts';
import { openPostgres } from '../databases.ts';
import { countRows, createTables, INSERT_TABLE, type NewReading, newReading, resetWriteTable } from '../dataset.ts';
import type { RunScope } from '../process.ts';
import { serviceOf, startMillrace } from '../sides/millrace.ts';
import { HttpConnection } from './http-connection.ts';
import { peakOverBase } from './memory.ts';
import { timeCopy } from './psql.ts';

const ROWS = 100_000;
const PATH = `/api/v2/bench/_table/${INSERT_TABLE}`;
const COLUMNS = ['device_id', 'name', 'temperature', 'measured_at'] as const;
const RATE_MIN = 100_000;
const MEMORY_MAX = 30;
/** Until the heaps have the size that such a call needs. */
const WARM_UPS = 3;

interface Format {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly write: (rows: readonly NewReading[]) => string;
  /** Others are for information. */
  readonly isTarget: boolean;
}

const MINIMAL = { Prefer: 'return=minimal' };

const FORMATS: readonly Format[] = [
  {
    name: 'ndjson',
    headers: { 'Content-Type': 'application/x-ndjson' },
    write: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    isTarget: true,
  },
  {
    name: 'json',
    headers: { 'Content-Type': 'application/json', ...MINIMAL },
    write: (rows) => JSON.stringify({ resource: rows }),
    isTarget: false,
  },
  {
    name: 'csv',
    headers: { 'Content-Type': 'text/csv', ...MINIMAL },
    write: (rows) => `${COLUMNS.join(',')}\n${toCsv(rows)}`,
    isTarget: false,
  },
];

/** No value of these needs quotes. */
const toCsv = (rows: readonly NewReading[]): string =>
  rows.map((row) => `${COLUMNS.map((column) => row[column]).join(',')}\n`).join('');

export const LOADS: readonly ContestCase[] = FORMATS.map((format) => {
  const name = `load-${format.name}`;
  const title = `POST ${ROWS.toLocaleString('en-US')} rows as ${format.name.toUpperCase()}`;
  return {
    name,
    needs: 'postgres',
    figures: [
      {
        name,
        title: `${title} (A: \\copy)`,
        unit: 'rows/s',
        targets: format.isTarget ? [{ measure: 'C', atLeast: RATE_MIN }] : [],
      },
      {
        name: `${name}-memory`,
        title: `${title}, peak memory over base`,
        unit: 'MB',
        targets: format.isTarget ? [{ measure: 'C', atMost: MEMORY_MAX }] : [],
      },
    ],
    prepare: (scope, options) => prepare(name, format, scope, options),
  };
});

async function prepare(name: string, format: Format, scope: RunScope, options: ContestOptions): Promise<Contest> {
  const { server, admin, title } = await openPostgres(scope);
  await createTables(admin);
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    services: [serviceOf('bench', 'pgsql', server)],
    firstPath: `${PATH}?limit=1`,
  });
  const rows = Array.from({ length: ROWS }, newReading);
  const [body, csv] = [`${scope.folder}/rows.${format.name}`, `${scope.folder}/rows-for-psql.csv`];
  await writeFile(body, format.write(rows));
  await writeFile(csv, toCsv(rows));
  const { size: bytes } = await stat(body);
  const connection = new HttpConnection(scope, millrace);

  const intoEmptyTable = async (work: () => Promise<void>): Promise<void> => {
    await resetWriteTable(admin, INSERT_TABLE);
    await work();
    const stored = await countRows(admin, INSERT_TABLE);
    if (stored !== ROWS) throw new Error(`${stored} rows are stored in place of ${ROWS}.`);
  };
  const copy = async () => {
    let seconds = 0;
    await intoEmptyTable(async () => {
      seconds = await timeCopy(scope, server, `${INSERT_TABLE} (${COLUMNS.join(', ')}) from '${csv}' csv`);
    });
    return { [name]: ROWS / seconds };
  };
  const post = async () => {
    let seconds = 0;
    let memory = 0;
    await intoEmptyTable(async () => {
      memory = await peakOverBase(millrace.pids(), async () => {
        const begin = performance.now();
        const answer = await connection.post(PATH, format.headers, { stream: createReadStream(body), bytes });
        seconds = (performance.now() - begin) / 1000;
        if (answer !== `{"count":${ROWS}}`) throw new Error(`An answer that was not expected: ${answer.slice(0, 500)}`);
      });
    });
    return { [name]: ROWS / seconds, [`${name}-memory`]: memory };
  };
  return {
    server: title,
    millrace,
    warmUps: WARM_UPS,
    sides: [
      { key: 'A', label: 'psql \\copy', measure: copy },
      { key: 'C', label: 'Millrace', measure: post },
    ],
  };
}

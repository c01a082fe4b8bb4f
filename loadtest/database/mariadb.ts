/** One row over HTTP, read or written, against a client of the database that sends a statement for each. */
import { fileURLToPath } from 'node:url';
import type mysql from 'mysql2/promise';
import { readConfig } from '../../services/sql/config.ts';
import { GET_BY_ID, INSERT_ONE, type LoadCase, type Target } from '../cases.ts';
import type { Contest, ContestCase, ContestOptions } from '../contest.ts';
import { openMariadb } from '../databases.ts';
import { DEVICES, INSERT_TABLE, READ_TABLE, ROWS } from '../dataset.ts';
import { type RunScope, runTool } from '../process.ts';
import { loadTarget } from '../sides/http.ts';
import { serviceOf, startMillrace } from '../sides/millrace.ts';

const CLIENT = fileURLToPath(new URL('./mysql2-client.ts', import.meta.url));
const CLIENT_GRACE_MS = 30_000;

const createTable = (table: string): string => `
  create table ${table} (
    id integer auto_increment primary key, device_id integer not null, name varchar(100) not null,
    temperature double not null, measured_at datetime(3) not null, index (device_id)
  )`;

const FILL = `
  insert into ${READ_TABLE} (device_id, name, temperature, measured_at)
  select device, concat('sensor-', device), round(rand(seq) * 40 - 5, 2),
         timestamp '2024-01-01 00:00:00' + interval floor(rand(seq) * 365 * 86400) second
    from (select seq, 1 + floor(rand(seq + ${ROWS}) * ${DEVICES}) as device from seq_1_to_${ROWS}) as devices`;

export const MARIADB: readonly ContestCase[] = [caseOf('get', GET_BY_ID, 0.9), caseOf('post', INSERT_ONE, 1.5)];

function caseOf(kind: 'get' | 'post', load: LoadCase, ratio: number): ContestCase {
  const name = `mariadb-${kind}`;
  const targets: readonly Target[] = [{ measure: 'C/A', atLeast: ratio }];
  return {
    name,
    needs: 'mariadb',
    figures: [{ name, title: `MariaDB, ${load.title} (A: mysql2)`, unit: load.unit, targets }],
    prepare: (scope, options) => prepare(name, kind, load, scope, options),
  };
}

async function prepare(
  name: string,
  kind: 'get' | 'post',
  load: LoadCase,
  scope: RunScope,
  options: ContestOptions,
): Promise<Contest> {
  const { server, admin, title } = await openMariadb(scope);
  for (const table of [READ_TABLE, INSERT_TABLE]) await admin.query(createTable(table));
  await admin.query(FILL);
  await admin.query(`analyze table ${READ_TABLE}`);
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    services: [serviceOf('bench', 'mariadb', server)],
    firstPath: GET_BY_ID.millracePath.replace('{}', '1'),
  });
  const { connections: callers } = options;
  const loadClient = async (seconds: number): Promise<number> => {
    const env = {
      BENCH_DATABASE_URL: server.url,
      BENCH_KIND: kind,
      BENCH_SECONDS: String(seconds),
      BENCH_CALLERS: String(callers),
      BENCH_CONNECTIONS: String(readConfig(process.env).connectionsMax),
    };
    const args = ['--import', 'tsx', CLIENT];
    return Number(await runTool(scope, process.execPath, args, seconds * 1000 + CLIENT_GRACE_MS, env));
  };
  const loadMillrace = async (seconds: number): Promise<number> => {
    const { requests, requestsPerSecond } = await loadTarget(scope, millrace, load, seconds, callers);
    const stored = kind === 'post' ? await countRows(admin) : requests;
    if (stored < requests) throw new Error(`${requests} rows were acknowledged, ${stored} are stored.`);
    return requestsPerSecond;
  };
  const measured = (measure: (seconds: number) => Promise<number>) => async (seconds: number) => {
    await admin.query(`truncate ${INSERT_TABLE}`);
    return { [name]: await measure(seconds) };
  };
  return {
    server: title,
    millrace,
    warmUps: 1,
    sides: [
      { key: 'A', label: 'mysql2', measure: measured(loadClient) },
      { key: 'C', label: 'Millrace', measure: measured(loadMillrace) },
    ],
  };
}

async function countRows(admin: mysql.Connection): Promise<number> {
  const [rows] = await admin.query<mysql.RowDataPacket[]>(`select count(*) as stored from ${INSERT_TABLE}`);
  return Number(rows[0]?.['stored']);
}

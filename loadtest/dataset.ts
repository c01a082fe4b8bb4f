/** The tables that all sides work on: the same rows for each, and twins for writing, so that reads never change. */
import type pg from 'pg';

export const ROWS = 100_000;
export const DEVICES = 1000;
export const READ_TABLE = 'reading';
export const INSERT_TABLE = 'reading_insert';
export const UPDATE_TABLE = 'reading_update';
export const FIELDS = ['id', 'device_id', 'name', 'temperature', 'measured_at'] as const;

export interface NewReading {
  readonly device_id: number;
  readonly name: string;
  readonly temperature: number;
  readonly measured_at: string;
}

function createTable(table: string): string {
  return `
    create table ${table} (
      id serial primary key,
      device_id integer not null,
      name text not null,
      temperature double precision not null,
      measured_at timestamptz not null
    );
    create index on ${table} (device_id)`;
}

/** SQL for rows that look like those of `newReading`. */
export function selectNewReadings(rows: number): string {
  return `
    select device, 'sensor-' || device, round((random() * 40 - 5)::numeric, 2)::double precision,
           timestamptz '2024-01-01 00:00:00Z' + random() * interval '365 days'
      from (select 1 + floor(random() * ${DEVICES})::integer as device from generate_series(1, ${rows})) as devices`;
}

export async function createTables(client: pg.ClientBase): Promise<void> {
  for (const table of [READ_TABLE, INSERT_TABLE, UPDATE_TABLE]) await client.query(createTable(table));
  // Every run measures the same rows.
  await client.query('select setseed(0.42)');
  const columns = 'device_id, name, temperature, measured_at';
  await client.query(`insert into ${READ_TABLE} (${columns}) ${selectNewReadings(ROWS)}`);
  await client.query(`insert into ${UPDATE_TABLE} (${columns}) select ${columns} from ${READ_TABLE} order by id`);
  for (const table of [READ_TABLE, UPDATE_TABLE]) await client.query(`vacuum analyze ${table}`);
}

/** Gives each write measurement the same start: no rows of the one before, no dead versions, no checkpoint due. */
export async function resetWriteTable(client: pg.ClientBase, table: string): Promise<void> {
  await client.query(table === INSERT_TABLE ? `truncate ${table}` : `vacuum ${table}`);
  await client.query('checkpoint');
}

export async function countRows(client: pg.ClientBase, table: string): Promise<number> {
  const answer = await client.query<{ rows: number }>(`select count(*)::integer as rows from ${table}`);
  return answer.rows[0]?.rows ?? 0;
}

export function newReading(): NewReading {
  const device = 1 + Math.floor(Math.random() * DEVICES);
  return {
    device_id: device,
    name: `sensor-${device}`,
    temperature: randomTemperature(),
    measured_at: new Date(Date.UTC(2024, 0, 1) + Math.random() * 365 * 86_400_000).toISOString(),
  };
}

export const randomTemperature = (): number => Math.round((Math.random() * 40 - 5) * 100) / 100;

/**
 * What a careful person would write by hand, without HTTP: a pool of `mysql2`, prepared statements, one for each call,
 * and callers that wait for each other's connections. A process of its own; prints statements per second.
 */
import { performance } from 'node:perf_hooks';
import mysql from 'mysql2/promise';
import { INSERT_TABLE, newReading, READ_TABLE, ROWS } from '../dataset.ts';

const setting = (name: string): string => process.env[`BENCH_${name}`] ?? '';

const pool = mysql.createPool({ uri: setting('DATABASE_URL'), connectionLimit: Number(setting('CONNECTIONS')) });

const GET = `select * from ${READ_TABLE} where id = ?`;
const POST = `insert into ${INSERT_TABLE} (device_id, name, temperature, measured_at) values (?, ?, ?, ?)`;

async function get(): Promise<void> {
  const [rows] = await pool.execute<mysql.RowDataPacket[]>(GET, [1 + Math.floor(Math.random() * ROWS)]);
  if (rows.length !== 1) throw new Error('A row is missing.');
}

async function post(): Promise<void> {
  const { device_id, name, temperature, measured_at } = newReading();
  await pool.execute(POST, [device_id, name, temperature, new Date(measured_at)]);
}

const call = setting('KIND') === 'get' ? get : post;
const callers = Array.from({ length: Number(setting('CALLERS')) });
// Connections are open and statements prepared before the clock starts.
await Promise.all(callers.map(call));

let calls = 0;
const begin = performance.now();
const end = begin + Number(setting('SECONDS')) * 1000;
await Promise.all(
  callers.map(async () => {
    while (performance.now() < end) {
      await call();
      calls++;
    }
  }),
);
process.stdout.write(String(calls / ((performance.now() - begin) / 1000)));
await pool.end();

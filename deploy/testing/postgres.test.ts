import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import pg from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import { type PostgresOptions, type RunningPostgres, startPostgres } from './postgres.ts';
import { suiteWith } from './suite.ts';

suiteWith('postgres', 'a PostgreSQL for tests', () => {
  const running: RunningPostgres[] = [];
  const start = async (options?: PostgresOptions): Promise<RunningPostgres> => {
    const server = await startPostgres(options);
    running.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
  });

  test('two are independent, take settings and are gone after stop', async () => {
    const [one, two] = await Promise.all([start(), start({ settings: { max_connections: '17' } })]);
    expect(await query(one.url, 'create table t (n int)')).toEqual([]);
    expect(await query(two.url, "select to_regclass('t') as t, current_setting('max_connections') as m")).toEqual([
      { t: null, m: '17' },
    ]);
    const [row] = await query(one.url, "select current_setting('data_directory') as folder");
    await one.stop();
    await one.stop();
    expect(await accepts(one.port)).toBe(false);
    expect(existsSync(String(row?.['folder']))).toBe(false);
  });

  test('a wrong password is refused', async () => {
    const server = await start();
    await expect(query(server.url.replace(server.password, 'wrong'), 'select 1')).rejects.toThrow(/password/);
  });

  test('a setting that the server refuses is a clear error', async () => {
    await expect(start({ settings: { max_connections: 'many' } })).rejects.toThrow(/max_connections/);
  });

  test('it ends and leaves no data when its starter is killed', async () => {
    const script = `import { startPostgres } from ${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)};
      const server = await startPostgres();
      process.stdout.write(server.url + '\\n');
      setInterval(() => {}, 60_000);`;
    const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = (await once(starter.stdout.setEncoding('utf8'), 'data')) as [string];
    const [row] = await query(url.trim(), "select current_setting('data_directory') as folder");
    starter.kill('SIGKILL');
    await vi.waitFor(async () => {
      expect(await accepts(Number(new URL(url).port))).toBe(false);
      expect(existsSync(String(row?.['folder']))).toBe(false);
    }, 10_000);
  });
});

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // the server may end before its clients
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

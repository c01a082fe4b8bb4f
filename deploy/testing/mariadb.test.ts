import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import mysql from 'mysql2/promise';
import { afterEach, expect, test, vi } from 'vitest';
import { type MariadbOptions, type RunningMariadb, startMariadb } from './mariadb.ts';
import { suiteWith } from './suite.ts';

suiteWith('mariadb', 'a MariaDB for tests', () => {
  const running: RunningMariadb[] = [];
  const start = async (options?: MariadbOptions): Promise<RunningMariadb> => {
    const server = await startMariadb(options);
    running.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
  });

  test('two are independent, take settings and are gone after stop', async () => {
    const [one, two] = await Promise.all([start(), start({ settings: { 'max-connections': '17' } })]);
    await query(one.url, 'create table t (n int)');
    expect(await query(two.url, 'select @@max_connections as m')).toEqual([{ m: 17 }]);
    expect(await query(two.url, "show tables like 't'")).toEqual([]);
    const [row] = await query(one.url, 'select @@datadir as folder');
    await one.stop();
    await one.stop();
    expect(await accepts(one.port)).toBe(false);
    expect(existsSync(String(row?.['folder']))).toBe(false);
  });

  test('a wrong password is refused', async () => {
    const server = await start();
    await expect(query(server.url.replace(server.password, 'wrong'), 'select 1')).rejects.toThrow(/denied/);
  });

  test('a setting that the server does not know is a clear error', async () => {
    await expect(start({ settings: { quux: 'many' } })).rejects.toThrow(/quux/);
  });

  test('it ends and leaves no data when its starter is killed', async () => {
    const script = `import { startMariadb } from ${JSON.stringify(new URL('./mariadb.ts', import.meta.url).href)};
      const server = await startMariadb();
      process.stdout.write(server.url + '\\n');
      setInterval(() => {}, 60_000);`;
    const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = (await once(starter.stdout.setEncoding('utf8'), 'data')) as [string];
    const [row] = await query(url.trim(), 'select @@datadir as folder');
    starter.kill('SIGKILL');
    await vi.waitFor(async () => {
      expect(await accepts(Number(new URL(url).port))).toBe(false);
      expect(existsSync(String(row?.['folder']))).toBe(false);
    }, 10_000);
  });
});

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = await mysql.createConnection(url);
  client.on('error', () => {}); // the server may end before its clients
  try {
    return (await client.query(text))[0] as Record<string, unknown>[];
  } finally {
    client.destroy();
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Starting, stopping, and starting again: what users and their process managers rely on. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Client as PgClient } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { type Answer, Client, withKey } from './client.ts';
import { type Exit, freePort, type Running, startProgram, until } from './process.ts';
import {
  ANY_PORTS,
  type Env,
  FIRST_ADMIN,
  readyOrigin,
  signIn,
  temporaryFolder,
  untilReady,
  untilServing,
} from './product.ts';

const WELL: Exit = { code: 0, signal: null };

/** What a test leaves behind is ended and removed, however the test ends. */
const left: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of left.splice(0).toReversed()) await end();
});

function newFolder(): string {
  const folder = temporaryFolder();
  left.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function start(folder: string, env: Env = {}): Running {
  // What one that is killed leaves of its temporary files goes with the folder.
  const given = { TMPDIR: folder, MILLRACE_DATA_DIR: folder, ...ANY_PORTS, MILLRACE_SEED_SAMPLE: 'false' };
  const running = startProgram('all-in-one', { ...given, ...FIRST_ADMIN, ...env });
  left.push(() => running.stop());
  return running;
}

interface Started {
  readonly running: Running;
  readonly origin: string;
  readonly admin: Client;
}

async function started(folder: string, env: Env = {}): Promise<Started> {
  const running = start(folder, env);
  const origin = await readyOrigin(running);
  await untilReady(origin);
  const admin = await signIn(new Client(origin));
  await untilServing(admin);
  return { running, origin, admin };
}

const FIELDS = [
  { name: 'id', type: 'id' },
  { name: 'text', type: 'string' },
];
const NOTES = 'notes/_table/note';

async function addNotes(admin: Client, folder: string): Promise<void> {
  const config = { database: join(folder, 'notes.sqlite') };
  await admin.create('system/service', { name: 'notes', label: 'Notes', type: 'sqlite', is_active: true, config });
  await admin.json('POST', 'notes/_schema', { resource: [{ name: 'note', field: FIELDS }] });
}

test('--help explains every setting and starts nothing', async () => {
  const running = startProgram('all-in-one', {}, ['--help']);
  expect(await running.exited).toEqual(WELL);
  for (const name of [
    'npm start',
    'MILLRACE_HTTP_PORT',
    'MILLRACE_GRPC_PORT',
    'MILLRACE_DATA_DIR',
    'MILLRACE_ADMIN_PASSWORD',
    '/status',
  ]) {
    expect(running.output()).toContain(name);
  }
});

test('a start in an empty folder prints a command that answers; the next one keeps everything', async () => {
  const folder = newFolder();
  const first = start(folder, { MILLRACE_SEED_SAMPLE: 'true', MILLRACE_ADMIN_PASSWORD: '' });
  await untilReady(await readyOrigin(first));
  const printed = first.output();
  const [, key = '', url = ''] = /curl -H 'X-DreamFactory-API-Key: (\w+)' '([^']+)'/.exec(printed) ?? [];
  expect(printed).toMatch(/admin@example\.com, password \S{16,}/);
  const { origin, pathname, search } = new URL(url);
  const { resource } = await new Client(origin, withKey(key)).json<{ resource: object[] }>('GET', pathname + search);
  expect(resource).toHaveLength(3);
  expect(await first.stop()).toEqual(WELL);

  const second = start(folder, { MILLRACE_SEED_SAMPLE: 'true' });
  const again = new Client(await readyOrigin(second), withKey(key));
  await untilReady(again.origin);
  expect(second.output()).not.toContain('password');
  expect(await until('the sample answers', () => again.json('GET', pathname + search))).toEqual({ resource });
  expect(await second.stop()).toEqual(WELL);
});

test('a second start on the same folder is refused, and the first one goes on', async () => {
  const folder = newFolder();
  const { origin } = await started(folder);
  const second = start(folder);
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.output()).toContain(`The data folder ${folder} is in use by another Millrace`);
  expect(second.output()).not.toMatch(/\n +at /);
  expect((await new Client(origin).send('GET', '/status')).status).toBe(200);
});

test.each(['MILLRACE_HTTP_PORT', 'MILLRACE_GRPC_PORT'])(
  'a taken %s is refused before anything is made',
  async (name) => {
    const folder = newFolder();
    const port = await taken();
    const running = start(folder, { [name]: String(port) });
    expect(await running.exited).toEqual({ code: 1, signal: null });
    expect(running.output()).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} is taken .*${name}`));
    expect(running.output()).not.toMatch(/\n +at /);
    expect(existsSync(join(folder, 'system.sqlite'))).toBe(false);
  },
);

async function taken(): Promise<number> {
  const holder: Server = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
  left.push(() => holder.close());
  return port;
}

const BAD_SETTINGS: [string, string][] = [
  ['MILLRACE_HTTP_PORT', 'eighty'],
  ['MILLRACE_GRPC_PORT', 'eighty'],
  ['MILLRACE_GRPC_TLS_KEY', '/no/such/key.pem'],
  ['MILLRACE_SYSTEM_DB', 'oracle:x'],
  ['MILLRACE_ENCRYPTION_KEY', 'short'],
  ['MILLRACE_ROUTERS', '0'],
  // Said by the router, through the program that started it.
  ['MILLRACE_REQUEST_TIMEOUT_MS', 'long'],
  ['MILLRACE_DATA_DIR', '/dev/null/data'],
];
test.each(BAD_SETTINGS)('%s=%s is named and refused', async (name, value) => {
  const running = start(newFolder(), { [name]: value });
  expect(await running.exited).toEqual({ code: 1, signal: null });
  expect(running.output()).toContain(name === 'MILLRACE_DATA_DIR' ? value : name);
  expect(running.output()).not.toMatch(/\n +at /);
});

test('Ctrl-C ends it at once, also where npm passes it on and a client stays connected', async () => {
  const { running, origin } = await started(newFolder());
  const { hostname, port } = new URL(origin);
  const idle = await connected(hostname, Number(port));
  running.child.kill('SIGINT');
  expect(await running.stop('SIGINT')).toEqual(WELL);
  await until('the connection is closed', async () => idle.closed);
});

async function connected(host: string, port: number): Promise<Socket> {
  const { connect } = await import('node:net');
  const socket = connect(port, host);
  left.push(() => socket.destroy());
  socket.on('error', () => {}).resume();
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

test('a request whose body is still on its way when SIGTERM comes is answered', async () => {
  const folder = newFolder();
  const { running, origin, admin } = await started(folder);
  await addNotes(admin, folder);
  const body = JSON.stringify({ resource: [{ text: 'late' }] });
  const { token, send } = begun(origin, admin, body.length);
  await token;
  const ended = running.stop();
  await until('no new connection is taken', async () => !(await accepts(origin)));
  const { status, text } = await send(body);
  expect(`${status} ${text}`).toBe('200 {"resource":[{"id":1}]}');
  expect(await ended).toEqual(WELL);
  const file = new Database(join(folder, 'notes.sqlite'), { readonly: true });
  left.push(() => file.close());
  expect(file.prepare('select text from note').all()).toEqual([{ text: 'late' }]);
});

/** A request whose headers are known to have been read: the server has asked for the body. */
function begun(origin: string, client: Client, length: number) {
  const { hostname, port } = new URL(origin);
  const headers = { ...client.headers, 'Content-Type': 'application/json', 'Content-Length': length };
  const call = request({
    ...{ hostname, port, method: 'POST', path: `/api/v2/${NOTES}`, agent: false },
    headers: { ...headers, Expect: '100-continue' },
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    call.once('error', reject);
    call.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
  });
  const token = new Promise<void>((resolve, reject) => {
    call.once('continue', resolve);
    call.once('error', reject);
  });
  call.flushHeaders();
  const send = (body: string): Promise<Answer> => {
    call.end(body);
    return answered;
  };
  return { token, send };
}

async function accepts(origin: string): Promise<boolean> {
  try {
    await new Client(origin).send('GET', '/status');
    return true;
  } catch {
    return false;
  }
}

test('killed without a word, it starts again with everything that was answered', async () => {
  const folder = newFolder();
  const port = String(await freePort());
  const first = await started(folder, { MILLRACE_HTTP_PORT: port });
  await addNotes(first.admin, folder);
  const texts = Array.from({ length: 50 }, (_, i) => `note ${i}`);
  await Promise.all(texts.map((text) => first.admin.json('POST', NOTES, [{ text }])));
  await first.running.stop('SIGKILL');
  // Its router ends with it: the port is free.
  await until('nobody listens', async () => !(await accepts(first.origin)));
  const second = await started(folder, { MILLRACE_HTTP_PORT: port });
  expect(await second.admin.json('GET', `${NOTES}?count_only=true`)).toBe(texts.length);
  expect((await first.admin.send('GET', NOTES)).status).toBe(200); // the session, too
});

test('a router that dies is replaced', async () => {
  const { running, origin, admin } = await started(newFolder());
  const [router] = childrenOf(running.pid).filter((pid) => commandOf(pid).includes('router'));
  expect(router).toBeDefined();
  process.kill(router ?? 0, 'SIGKILL');
  await until('another one answers', async () => !childrenOf(running.pid).includes(router ?? 0) && accepts(origin));
  await untilReady(origin);
  expect((await admin.send('GET', 'system/role')).status).toBe(200);
  expect(await running.stop()).toEqual(WELL);
});

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');

suiteWith('postgres', 'with PostgreSQL', () => {
  test('a slow query in flight is answered when SIGTERM comes', async () => {
    const postgres = await startPostgres();
    left.push(() => postgres.stop());
    const pg = new PgClient(postgres.url);
    await pg.connect();
    left.push(() => pg.end());
    await pg.query('create table gate (id int primary key); insert into gate values (1)');
    const { running, origin, admin } = await started(newFolder());
    const { host, port, database, user: username, password } = postgres;
    const config = { host, port, database, username, password };
    await admin.create('system/service', { name: 'pg', label: 'pg', type: 'pgsql', is_active: true, config });
    await admin.json('GET', 'pg/_table/gate');

    await pg.query('begin; lock table gate in access exclusive mode');
    const answer = admin.send('GET', 'pg/_table/gate');
    const waits = "select count(*)::int as n from pg_locks where not granted and relation = 'gate'::regclass";
    await until('the query waits', async () => (await pg.query<{ n: number }>(waits)).rows[0]?.n === 1);
    const ended = running.stop();
    await until('no new connection is taken', async () => !(await accepts(origin)));
    await pg.query('commit');
    const { status, text } = await answer;
    expect(`${status} ${text}`).toBe('200 {"resource":[{"id":1}]}');
    expect(await ended).toEqual(WELL);
  });
});

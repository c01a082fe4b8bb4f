/** What becomes of requests that a store puts off, refuses or never answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import type { NoSqlSource } from '../engine.ts';
import { cloudant } from './index.ts';

let server: Server;
let source: NoSqlSource;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const seen: { url: string; authorization: string | undefined }[] = [];

const say = (response: ServerResponse, status: number, body: object, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization });
    if (request.url === '/identity/token')
      return say(response, 200, { access_token: `t${seen.length}`, expires_in: 3600 });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = { dsn: `${url}/db`, api_key: 'k', options: { iam_url: url } };
  source = cloudant.open(config, { dataDir: '/', serviceName: 'couch', connectionsMax: 2 });
});

afterAll(async () => {
  await source?.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  seen.length = 0;
});

const TABLE = { name: 'db', key: [], indexes: [], native: null };
const NOTHING = { total_rows: 0, rows: [] };
const count = (deadline = Deadline.after(5000)) => source.count?.(TABLE, undefined, deadline);
const calls = (): number => seen.filter(({ url }) => url.startsWith('/db')).length;

test.each([429, 503])('what is put off with %i is sent again', async (status) => {
  answer = (_, response) => (calls() < 3 ? say(response, status, {}) : say(response, 200, NOTHING));
  expect(await count()).toBe(0);
  expect(calls()).toBe(4);
});

test('what is put off beyond the deadline is passed on', async () => {
  answer = (_, response) => say(response, 429, { error: 'too_many_requests' }, { 'retry-after': '60' });
  await expect(count()).rejects.toMatchObject({
    code: 'overloaded',
    context: { retryable: true, retry_after_seconds: 60 },
  });
  expect(calls()).toBe(1);
});

test('a token that is not taken any longer is replaced', async () => {
  answer = (_, response) => (calls() === 1 ? say(response, 401, {}) : say(response, 200, NOTHING));
  expect(await count()).toBe(0);
  expect(new Set(seen.filter(({ url }) => url.startsWith('/db')).map(({ authorization }) => authorization)).size).toBe(
    2,
  );
});

test('a lost connection: a read is sent again, a write is not', async () => {
  answer = (request, response) => (calls() === 1 ? request.destroy() : say(response, 200, NOTHING));
  expect(await count()).toBe(0);
  answer = (request) => request.destroy();
  seen.length = 0;
  const write = source.write(TABLE, [{ kind: 'insert', document: { _id: 'a' } }], false, Deadline.after(5000));
  await expect(write).rejects.toMatchObject({ code: 'unavailable' });
  expect(calls()).toBe(1);
});

test('whoever goes away ends the request', async () => {
  const deadline = Deadline.after(60_000);
  const ended = new Promise((resolve) => {
    answer = (request) => {
      request.on('close', resolve);
      deadline.abort(callerGone());
    };
  });
  await expect(count(deadline)).rejects.toMatchObject({ code: 'cancelled' });
  await ended;
});

test('an answer that is none', async () => {
  answer = (_, response) => say(response, 200, []);
  await expect(count()).rejects.toMatchObject({ code: 'internal' });
});

test('an index is dropped where its design has it', async () => {
  const made = { ddoc: '_design/ndx_n', name: 'ndx_n', type: 'json', def: { fields: [{ n: 'asc' }] } };
  const own = { ddoc: null, name: '_all_docs', type: 'special', def: { fields: [{ _id: 'asc' }] } };
  const told: string[] = [];
  answer = ({ method, url }, response) => {
    told.push(`${method} ${url}`);
    say(response, 200, method === 'GET' ? { indexes: [own, made] } : { ok: true });
  };
  await source.dropIndex?.(TABLE, 'ndx_n', Deadline.after(5000));
  expect(told).toEqual(['GET /db/_index', 'DELETE /db/_index/ndx_n/json/ndx_n']);
  await expect(source.dropIndex?.(TABLE, '_all_docs', Deadline.after(5000))).rejects.toMatchObject({
    code: 'not_found',
  });
});

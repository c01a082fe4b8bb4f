/** Records of any number in one call: read as they arrive, written in batches, failures told by their lines. */
import { once } from 'node:events';
import { type ClientRequest, request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startMariadb } from '../testing/mariadb.ts';
import { startPostgres } from '../testing/postgres.ts';
import { suiteWith } from '../testing/suite.ts';
import { expectPlainError } from './cases.ts';
import { type Body, type Headers, withKey } from './client.ts';
import { until } from './process.ts';
import { Shop } from './shop.ts';

const LINES = { 'Content-Type': 'application/x-ndjson' };
const JSON_LIST = { 'Content-Type': 'application/json', Prefer: 'return=minimal' };
const CSV = { 'Content-Type': 'text/csv', Prefer: 'return=minimal' };
const BODY_BYTES_MAX = 100_000;

interface Server {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  stop(): Promise<void>;
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const lines = (from: number, to: number): string =>
  numbers(from, to)
    .map((amount) => `{"note":"n${amount}","amount":${amount}}\n`)
    .join('');
const csv = (from: number, to: number): string =>
  `note,amount\n${numbers(from, to)
    .map((amount) => `n${amount},${amount}\n`)
    .join('')}`;
const list = (from: number, to: number): string => `[${lines(from, to).trim().split('\n').join(',')}]`;

function suites(type: string, start: (() => Promise<Server>) | undefined): void {
  let server: Server | undefined;
  let shop: Shop;
  beforeAll(async () => {
    server = await start?.();
    const env = { MILLRACE_BODY_BYTES_MAX: String(BODY_BYTES_MAX) };
    if (!server) shop = await Shop.open(env);
    else {
      const { host, port, database, user: username, password } = server;
      shop = await Shop.open(env, { type, config: { host, port, database, username, password } });
    }
  });
  afterAll(async () => {
    await shop?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    await shop.admin.json('DELETE', 'shop/_table/sale?force=true');
  });
  const load = (body: Body, headers: Headers, options = '') =>
    shop.admin.send('POST', `shop/_table/sale${options}`, body, headers);
  const amounts = async (): Promise<number[]> => {
    const { text } = await shop.admin.send('GET', 'shop/_table/sale?fields=amount&order=amount', undefined, {
      Accept: 'application/x-ndjson',
    });
    return text
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { amount: number }).amount);
  };

  const GOOD: readonly [why: string, body: string, headers: Headers, written: number][] = [
    ['lines of JSON', lines(1, 5000), LINES, 5000],
    ['one line', '{"amount":1}', LINES, 1],
    ['empty lines', '\n\n', LINES, 0],
    ['a JSON list', list(1, 5000), JSON_LIST, 5000],
    ['a wrapped JSON list', `{"resource":${list(1, 50)}}`, JSON_LIST, 50],
    ['CSV', csv(1, 5000), CSV, 5000],
    ['CSV with quotes', 'note,amount\n"a ""b"",\nc",1\n', CSV, 1],
    ['a JSON list that is too large to be held', list(1, 4000), { 'Content-Type': 'application/json' }, 4000],
    ['CSV that is too large to be held', csv(1, 12_000), { 'Content-Type': 'text/csv' }, 12_000],
  ];
  test.each(GOOD)('%s', async (_, body, headers, written) => {
    const { status, text, headers: answered } = await load(body, headers);
    expect([status, text]).toEqual([200, `{"count":${written}}`]);
    expect(answered['preference-applied']).toBe('return=minimal');
    expect(await amounts()).toEqual(numbers(1, written));
  });

  const withFault = (at: number, fault: string): string =>
    lines(1, 300)
      .split('\n')
      .with(at - 1, fault)
      .join('\n');
  const FAULTY: readonly [why: string, options: string, context: object, left: number[]][] = [
    ['what came before stays', '', { count: 149, failed: 1, rolled_back: false }, numbers(1, 149)],
    [
      'the others are written',
      '?continue=true',
      { count: 299, failed: 1, rolled_back: false },
      [...numbers(1, 149), ...numbers(151, 300)],
    ],
    ['nothing is written', '?rollback=true', { count: 0, failed: 1, rolled_back: true }, []],
  ];
  describe.each([
    ['is no JSON', '{"amount":'],
    ['has a value of another type', '{"amount":"many"}'],
    ['refers to nothing', '{"amount":1,"customer_id":12345}'],
  ])('a line that %s', (_, fault) => {
    test.each(FAULTY)('%s', async (_, options, context, left) => {
      const { status, text } = await load(withFault(150, fault), LINES, options);
      expect(status).toBe(400);
      expectPlainError(text);
      const { error } = JSON.parse(text) as { error: { message: string; context: object } };
      expect(error.message).toMatch(/^Line 150: /);
      expect(error.context).toMatchObject({ ...context, errors: [{ line: 150, message: expect.any(String) }] });
      expect(await amounts()).toEqual(left);
    });
  });

  const BROKEN: readonly [why: string, body: string, headers: Headers, message: RegExp, count: number][] = [
    ['JSON that ends too early', list(1, 50).slice(0, -1), JSON_LIST, /line 1: the list never ends/, 50 - 1],
    ['JSON that is no list', '{"amount":1}', JSON_LIST, /line 1/, 0],
    ['JSON with options beside the list', `{"resource":${list(1, 3)},"fields":"*"}`, JSON_LIST, /end/, 3],
    ['CSV with an open quote', `${csv(1, 3)}"x`, CSV, /line 5: the quote is never closed/, 3],
  ];
  test.each(BROKEN)('%s', async (_, body, headers, message, count) => {
    const { status, text } = await load(body, headers);
    expect(status).toBe(400);
    expectPlainError(text);
    const { error } = JSON.parse(text) as { error: { message: string; context: { count: number } } };
    expect(error.message).toMatch(message);
    expect(error.context.count).toBe(count);
    expect(await amounts()).toEqual(numbers(1, count));
  });

  const REFUSED: readonly [why: string, path: string, headers: Headers, status: number][] = [
    ['a table that there is not', 'shop/_table/nosuch', LINES, 404],
    ['a service that there is not', 'nosuch/_table/sale', LINES, 404],
    ['fields to come back', 'shop/_table/sale?fields=*', LINES, 400],
    ['related records to come back', 'shop/_table/sale?related=*', LINES, 400],
    ['a method in disguise', 'shop/_table/sale?method=PATCH', LINES, 400],
    ['a key for a repetition', 'shop/_table/sale', { ...LINES, 'Idempotency-Key': 'k' }, 400],
  ];
  test.each(REFUSED)('not for %s', async (_, path, headers, status) => {
    const answer = await shop.admin.send('POST', path, lines(1, 10), headers);
    expect(answer.status).toBe(status);
    expectPlainError(answer.text);
    expect(await amounts()).toEqual([]);
  });

  test('not for those who may not create', async () => {
    const role = await shop.role({ component: '_table/sale/*', verb_mask: 1 });
    const reader = shop.product.anyone.as(withKey((await shop.app(role)).api_key));
    expect((await reader.send('POST', 'shop/_table/sale', lines(1, 10), LINES)).status).toBe(401);
    expect((await shop.product.anyone.send('POST', 'shop/_table/sale', lines(1, 10), LINES)).status).toBe(400);
    expect(await amounts()).toEqual([]);
  });

  test('unknown members are told, or refused', async () => {
    const body = '{"amount":1,"colour":"red"}\n';
    const loose = await load(body, LINES);
    expect([loose.status, loose.headers['warning']]).toEqual([200, expect.stringContaining('colour')]);
    const strict = await load(body, { ...LINES, Prefer: 'handling=strict' });
    expect([strict.status, strict.text]).toEqual([400, expect.stringContaining("'colour'")]);
  });

  /** An upload that the test writes to as it goes. */
  function open(options = ''): ClientRequest {
    const { hostname, port } = new URL(shop.product.origin);
    const path = `/api/v2/shop/_table/sale${options}`;
    return request({ hostname, port, path, method: 'POST', headers: { ...shop.admin.headers, ...LINES } });
  }

  test('a client that sends slowly has what it sent written', async () => {
    const upload = open();
    const answered = once(upload, 'response');
    upload.write(lines(1, 3));
    await until('the first ones are there', async () => (await amounts()).length === 3 || undefined);
    upload.end(lines(4, 5));
    const [response] = await answered;
    expect(response.statusCode).toBe(200);
    response.resume();
    expect(await amounts()).toEqual(numbers(1, 5));
  });

  test('a client that goes away has all of it undone where that was asked for', async () => {
    const upload = open('?rollback=true');
    upload.on('error', () => {});
    upload.write(lines(1, 3000));
    await once(upload, 'socket');
    const before = await shop.admin.json<{ resource: unknown[] }>('GET', 'shop/_table/customer');
    expect(before.resource).toEqual([]);
    upload.destroy();
    // SQLite has one writer: it is free again when all is undone.
    expect((await shop.admin.send('POST', 'shop/_table/sale', { resource: [{ amount: 7 }] })).status).toBe(200);
    expect(await amounts()).toEqual([7]);
  });
}

describe('SQLite', () => suites('sqlite', undefined));
suiteWith('postgres', 'PostgreSQL', () => suites('pgsql', startPostgres));
suiteWith('mariadb', 'MariaDB', () => suites('mariadb', startMariadb));

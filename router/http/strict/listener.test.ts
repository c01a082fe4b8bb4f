import { connect } from 'node:net';
import { setTimeout, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Handler, ListenerOptions } from '../door.ts';
import type { Responder } from '../reply.ts';
import { UNPARSED } from '../testing/doubtful.ts';
import {
  CHUNKED,
  cleanUpAfterEach,
  get,
  HOST,
  MARKER,
  POST,
  type Served,
  serve as serveDoor,
} from '../testing/serve.ts';

cleanUpAfterEach();

const serve = (options: Partial<ListenerOptions> = {}, handler?: Handler): Promise<Served> =>
  serveDoor('strict', options, handler);

test.each([
  ...UNPARSED,
  { why: 'a blank in the target', request: `GET /a b HTTP/1.1\r\n${HOST}\r\n` },
  { why: 'two blanks before the target', request: `GET  /a HTTP/1.1\r\n${HOST}\r\n` },
  { why: 'a target in absolute form', request: `GET http://a.example/ HTTP/1.1\r\n${HOST}\r\n` },
  { why: 'no version', request: `GET /a\r\n${HOST}\r\n` },
  { why: 'a lower-case version', request: `GET /a http/1.1\r\n${HOST}\r\n` },
  { why: 'a bare line feed behind the request line', request: `GET /a HTTP/1.1\n${HOST}\r\n\r\n` },
  { why: 'TLS', request: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n' },
  { why: 'an expectation nobody knows', request: `${POST}Expect: miracles\r\nContent-Length: 1\r\n\r\n`, status: 417 },
  {
    why: 'a Transfer-Encoding from an HTTP/1.0 client',
    request: `POST /x HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
])('refused with the envelope: $why', async ({ request, status = 400 }) => {
  const { client, seen } = await serve();
  const connection = client();
  await connection.write(request + MARKER);
  const answers = await connection.ended();
  expect(answers).toHaveLength(1);
  expect(answers[0]).toMatchObject({ status, headers: { connection: 'close', 'content-type': 'application/json' } });
  expect(JSON.parse(answers[0]!.body).error).toMatchObject({ code: status, status_code: status });
  expect(seen).toEqual([]);
});

test.each([
  { why: 'an extension', body: '1;a=b\r\nx\r\n0\r\n\r\n' },
  { why: 'a trailer', body: '1\r\nx\r\n0\r\nA: b\r\n\r\n' },
  { why: 'a chunk longer than its size', body: '1\r\nxyz\r\n0\r\n\r\n' },
  { why: 'two bytes in place of a line end', body: '1\r\nxAB0\r\n\r\n' },
  { why: 'two bytes in place of the last line end', body: '0\r\nAB' },
  { why: 'a bare line feed behind a size', body: '1\nx\r\n0\r\n\r\n' },
  { why: 'a bare line feed behind a chunk', body: '1\r\nx\n0\r\n\r\n' },
  { why: 'a blank behind a size', body: '1 \r\nx\r\n0\r\n\r\n' },
  { why: 'a sign', body: '+1\r\nx\r\n0\r\n\r\n' },
  { why: 'a prefix', body: '0x1\r\nx\r\n0\r\n\r\n' },
  { why: 'no size', body: '\r\n\r\n' },
  { why: 'a size of nine digits', body: '000000001\r\nx\r\n0\r\n\r\n' },
  { why: 'a digit that is none', body: '1:\r\nx\r\n0\r\n\r\n' },
])('a chunked body with $why is refused, and nothing behind it is routed', async ({ body }) => {
  const { client, seen } = await serve();
  const connection = client();
  await connection.write(CHUNKED + body + MARKER);
  expect((await connection.ended()).map((answer) => answer.status)).toEqual([400]);
  expect(seen).toEqual([]);
});

const pathsOf = (answers: readonly { body: string }[]): string[] => answers.map(({ body }) => JSON.parse(body).path);

test('pipelined requests are answered in order, whenever their answers are ready', async () => {
  const { client } = await serve();
  const connection = client();
  const targets = Array.from({ length: 500 }, (_, i) => (i % 3 === 0 ? `/later/${i}` : `/${i}`));
  await connection.write(targets.map((target) => get(target)).join(''));
  expect(pathsOf(await connection.answers(targets.length))).toEqual(targets);
});

test('more pipelined bytes than are held wait in the kernel, and are answered too', async () => {
  const { client } = await serve();
  const connection = client();
  const targets = Array.from({ length: 100 }, (_, i) => `/later/${i}`);
  void connection.write(targets.map((target) => get(target, `A: ${'a'.repeat(8000)}\r\n`)).join(''));
  expect(pathsOf(await connection.answers(targets.length))).toEqual(targets);
});

test('nothing is read behind a request that asked for the end', async () => {
  const { client, seen } = await serve();
  const connection = client();
  await connection.write(get('/later/1') + get('/later/2', 'Connection: close\r\n') + MARKER);
  expect(pathsOf(await connection.ended())).toEqual(['/later/1', '/later/2']);
  expect(seen).toHaveLength(2);
});

/** Requests of all shapes, and what the echo says to each. */
const STREAM = [
  { sent: get('/1?a=b'), saw: { method: 'GET', path: '/1', query: 'a=b', body: '' } },
  { sent: `${POST}Content-Length: 5\r\n\r\nhello`, saw: { method: 'POST', path: '/x', query: '', body: 'hello' } },
  { sent: `\r\n${get('/later/2')}`, saw: { method: 'GET', path: '/later/2', query: '', body: '' } },
  { sent: `${CHUNKED}3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`, saw: { method: 'POST', path: '/x', query: '', body: 'hello' } },
  {
    sent: `PUT /3 HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`,
    saw: { method: 'PUT', path: '/3', query: '', body: '' },
  },
  {
    sent: `PATCH /later/4 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\n\r\n`,
    saw: { method: 'PATCH', path: '/later/4', query: '', body: '\r\n' },
  },
];

test('a stream of requests means the same wherever it is cut', async () => {
  const { client } = await serve();
  const text = STREAM.map(({ sent }) => sent).join('');
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 12 }), async (cuts) => {
      const connection = client();
      const edges = [0, ...cuts.sort((a, b) => a - b), text.length];
      for (let i = 1; i < edges.length; i++) {
        await connection.write(text.slice(edges[i - 1], edges[i]));
        await turn();
      }
      const answers = await connection.answers(STREAM.length);
      connection.destroy();
      expect(answers.map(({ body }) => JSON.parse(body))).toEqual(STREAM.map(({ saw }) => saw));
    }),
    { numRuns: 60 },
  );
});

test.each([
  { why: 'ends its connection', headers: '', ends: true },
  { why: 'keeps it where that is asked', headers: 'Connection: keep-alive\r\n', ends: false },
])('HTTP/1.0 is answered, and $why', async ({ headers, ends }) => {
  const { client } = await serve();
  const connection = client();
  await connection.write(`GET /1 HTTP/1.0\r\n${headers}\r\n`);
  const answers = ends ? await connection.ended() : await connection.answers(1);
  expect(answers).toMatchObject([{ status: 200, headers: { connection: ends ? 'close' : 'keep-alive' } }]);
  if (ends) return;
  await connection.write('GET /2 HTTP/1.0\r\n\r\n');
  expect(pathsOf(await connection.ended())).toEqual(['/2']);
});

test('an HTTP/1.0 client knows no chunks: a stream ends with its connection', async () => {
  const { client } = await serve({}, (_, reply) => {
    const stream = reply.stream(200, []);
    void stream.write(Buffer.from('all of it')).then(() => stream.end());
  });
  const connection = client();
  await connection.write('GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await connection.ended();
  expect(connection.received).toMatch(/\r\n\r\nall of it$/);
});

const IMPATIENT = { headMs: 50, idleMs: 50, bodyMs: 50, writeMs: 50, lingerMs: 50 };

test.each([
  { why: 'half a request line', sent: 'GET /x' },
  { why: 'headers that do not end', sent: `GET /x HTTP/1.1\r\n${HOST}` },
])('408 and the end for $why', async ({ sent }) => {
  const { client, seen } = await serve({ timeouts: IMPATIENT });
  const connection = client();
  await connection.write(sent);
  expect((await connection.ended()).map((answer) => answer.status)).toEqual([408]);
  expect(seen).toEqual([]);
});

test('one byte now and then does not wind up the clock', async () => {
  const { client } = await serve({ timeouts: IMPATIENT });
  const connection = client();
  await connection.write(`GET /x HTTP/1.1\r\n${HOST}A: `);
  const drip = setInterval(() => void connection.write('a'), 5);
  expect((await connection.ended()).map((answer) => answer.status)).toEqual([408]);
  clearInterval(drip);
});

test.each([
  { why: 'says nothing', sent: '', answers: 0 },
  { why: 'says no more', sent: get('/x'), answers: 1 },
])('a connection that $why is closed without a word', async ({ sent, answers }) => {
  const { client } = await serve({ timeouts: IMPATIENT });
  const connection = client();
  if (sent) await connection.write(sent);
  expect(await connection.ended()).toHaveLength(answers);
  expect(connection.rest).toBe('');
});

/** More than the kernel holds for both ends of a connection. */
const BIG = Buffer.alloc(16 * 1024 * 1024, 'x');
const big: Handler = (_, reply) => reply.send(200, [], BIG);

test('a client that takes nothing of its answer loses the connection', async () => {
  const replies: Responder[] = [];
  const { client } = await serve({ timeouts: IMPATIENT }, (request, reply) => {
    replies.push(reply);
    big(request, reply);
  });
  const connection = client();
  connection.socket.pause();
  await connection.write(get('/x'));
  await expect.poll(() => replies.map(({ aborted }) => aborted)).toEqual([true]);
});

test('a client that takes its answer slowly gets all of it', async () => {
  const { port } = await serve({ timeouts: { ...IMPATIENT, writeMs: 500 } }, big);
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(get('/x', 'Connection: close\r\n'));
  let received = 0;
  for await (const piece of socket) {
    received += piece.length;
    await setTimeout(1);
  }
  expect(received).toBeGreaterThan(BIG.length);
});

test('the time that a handler takes is its own', async () => {
  const { client } = await serve({ timeouts: IMPATIENT }, async (_, reply) => {
    await setTimeout(4 * IMPATIENT.headMs);
    reply.send(200, [], 'late');
  });
  const connection = client();
  await connection.write(get('/x'));
  expect((await connection.answers(1))[0]?.body).toBe('late');
});

test('one connection more than the bound is told so; the next one is welcome again', async () => {
  const { client, seen } = await serve({ connectionsMax: 1 });
  const first = client();
  await first.write(get('/1'));
  await first.answers(1);
  const second = client();
  expect(await second.ended()).toMatchObject([{ status: 503, headers: { 'retry-after': '1', connection: 'close' } }]);
  await first.write(get('/2', 'Connection: close\r\n'));
  await first.ended();
  await expect
    .poll(async () => {
      const third = client();
      await third.write(get('/3', 'Connection: close\r\n'));
      return (await third.ended())[0]?.status;
    })
    .toBe(200);
  expect(seen.map(({ path }) => path)).toEqual(['/1', '/2', '/3']);
});

test('100 Continue where a body is welcome, and only there', async () => {
  const { client } = await serve();
  const welcome = client();
  await welcome.write(`${POST}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
  await expect.poll(() => welcome.rest).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  await welcome.write('hello');
  expect((await welcome.answers(1))[0]?.status).toBe(200);
  const refused = client();
  await refused.write(`${POST}Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n`);
  await refused.ended();
  expect(refused.received).toMatch(/^HTTP\/1.1 413 /);
});

test('a drain lets the answer under way be the last of its connection', async () => {
  const { client, listener, seen } = await serve({}, async (_, reply) => {
    await setTimeout(50);
    reply.send(200, [], '');
  });
  const connection = client();
  await connection.write(get('/1') + get('/2'));
  while (seen.length === 0) await turn();
  await listener.drain(AbortSignal.timeout(10_000));
  expect(await connection.ended()).toMatchObject([{ status: 200 }]);
  expect(seen.map(({ path }) => path)).toEqual(['/1']);
});

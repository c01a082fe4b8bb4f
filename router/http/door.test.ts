import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { DOORS, type Handler } from './door.ts';
import { listen } from './listener.ts';
import type { Responder } from './reply.ts';
import type { Request } from './request.ts';
import { REFUSED, UNPARSED } from './testing/doubtful.ts';
import { CHUNKED, cleanUpAfterEach, echo, freePort, get, HOST, MARKER, OPTIONS, POST, serve } from './testing/serve.ts';

cleanUpAfterEach();

const path = (request: Request): string => request.path;

const BIG = Buffer.alloc(4 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz');

/** Each way of answering with BIG. */
const BIG_ANSWERS: { why: string; handler: Handler }[] = [
  { why: 'whole, as bytes', handler: (_, reply) => reply.send(200, [], BIG) },
  { why: 'whole, as text', handler: (_, reply) => reply.send(200, [], BIG.toString()) },
  { why: 'in pieces of a known length', handler: (_, reply) => void pieces(reply, BIG.length) },
  { why: 'in pieces of an unknown length', handler: (_, reply) => void pieces(reply) },
];

async function pieces(reply: Responder, length?: number): Promise<void> {
  const stream = reply.stream(200, [], length);
  for (let at = 0; at < BIG.length; at += 100_000) await stream.write(BIG.subarray(at, at + 100_000));
  stream.end();
}

describe.each(DOORS)('the %s door', (door) => {
  test.each(REFUSED)('400 and the end for $why', async ({ request }) => {
    const { client, seen } = await serve(door);
    const connection = client();
    await connection.write(request);
    const answers = await connection.ended();
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject({
      status: 400,
      headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', connection: 'close' },
    });
    expect(JSON.parse(answers[0]!.body)).toEqual({
      error: { code: 400, context: null, message: expect.any(String), status_code: 400 },
    });
    expect(seen).toEqual([]);
  });

  test.each(UNPARSED)('refused and the end for $why', async ({ request, status = 400 }) => {
    const { client, seen } = await serve(door);
    const connection = client();
    await connection.write(request);
    expect((await connection.ended()).map((answer) => answer.status)).toEqual([status]);
    expect(seen).toEqual([]);
  });

  test.each([...REFUSED, ...UNPARSED])('nothing behind it is routed: $why', async ({ request }) => {
    const { client, seen } = await serve(door);
    const connection = client();
    await connection.write(request + MARKER + MARKER);
    await connection.ended();
    expect(seen).toEqual([]);
  });

  test.each([
    { why: 'an announced body above the bound', sent: `${POST}Content-Length: 1001\r\n\r\n`, status: 413 },
    { why: 'a chunked body above the bound', sent: `${CHUNKED}3e9\r\n${'x'.repeat(1001)}\r\n`, status: 413 },
    {
      why: 'more bodies than fit',
      options: { bufferedBytesMax: 10 },
      sent: `${POST}Content-Length: 11\r\n\r\n${'x'.repeat(11)}`,
      status: 503,
    },
    { why: 'a chunked body where none is taken', options: { refuseChunked: true }, sent: CHUNKED, status: 411 },
    {
      why: 'a body that stops',
      options: { timeouts: { bodyMs: 50 } },
      sent: `${POST}Content-Length: 2\r\n\r\nx`,
      status: 408,
    },
    { why: 'a body that never begins', options: { timeouts: { bodyMs: 50 } }, sent: CHUNKED, status: 408 },
  ])('$status and the end for $why', async ({ options, sent, status }) => {
    const { client, seen } = await serve(door, options);
    const connection = client();
    await connection.write(sent);
    const answers = await connection.ended();
    expect(answers.map((answer) => answer.status)).toEqual([status]);
    expect(JSON.parse(answers[0]!.body).error).toMatchObject({ code: status, status_code: status });
    expect(answers[0]!.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(seen).toEqual([]);
  });

  test('memory of bodies is free again when they were answered, refused or abandoned', async () => {
    const { client } = await serve(door, { bufferedBytesMax: 10, timeouts: { bodyMs: 50 } });
    const full = `${POST}Content-Length: 10\r\n\r\n${'x'.repeat(10)}`;
    const answered = client();
    await answered.write(full);
    expect((await answered.answers(1))[0]?.status).toBe(200);
    const slow = client();
    await slow.write(full.slice(0, -1));
    expect((await slow.ended())[0]?.status).toBe(408);
    const again = client();
    await again.write(full);
    expect((await again.answers(1))[0]?.status).toBe(200);
  });

  test.each([
    {
      why: 'a request without a body',
      request: `MERGE /a%20b?c=%20 HTTP/1.1\r\n${HOST}\r\n`,
      saw: { method: 'MERGE', path: '/a%20b', query: 'c=%20', body: '' },
    },
    {
      why: 'a body with a length',
      request: `PUT /x HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
      saw: { method: 'PUT', path: '/x', query: '', body: 'hello' },
    },
    {
      why: 'a chunked body',
      request: `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nA\r\nlo, worlds\r\n0\r\n\r\n`,
      saw: { method: 'POST', path: '/x', query: '', body: 'hello, worlds' },
    },
  ])('cut at every byte: $why', async ({ request, saw }) => {
    const { client } = await serve(door);
    const cuts = Array.from({ length: request.length - 1 }, (_, i) => i + 1);
    const answers = await Promise.all(
      cuts.map(async (cut) => {
        const connection = client();
        await connection.write(request.slice(0, cut));
        await turn();
        await connection.write(request.slice(cut));
        return connection.answers(1);
      }),
    );
    expect(answers.map(([answer]) => answer?.body)).toEqual(cuts.map(() => JSON.stringify(saw)));
  });

  test('headers just below the bound are taken', async () => {
    const { client } = await serve(door);
    const connection = client();
    await connection.write(get(`/${'a'.repeat(8000)}`, `A: ${'a'.repeat(8000)}\r\n`));
    expect((await connection.answers(1))[0]?.status).toBe(200);
  });

  test('byte by byte', async () => {
    const { client } = await serve(door);
    const connection = client();
    for (const byte of `${POST}Content-Length: 5\r\n\r\nhello`) await connection.write(byte);
    expect(JSON.parse((await connection.answers(1))[0]!.body)).toMatchObject({ body: 'hello' });
  });

  test('keep-alive: one after the other on one connection', async () => {
    const { client, seen } = await serve(door);
    const connection = client();
    for (const target of ['/later/1', '/2', '/later/3']) {
      await connection.write(get(target));
      expect((await connection.answers(1))[0]?.status).toBe(200);
    }
    expect(seen.map(path)).toEqual(['/later/1', '/2', '/later/3']);
  });

  test('pipelined requests whose answers are ready at once come in order', async () => {
    const { client } = await serve(door);
    const connection = client();
    await connection.write(['/1', '/2', '/3'].map((target) => get(target)).join(''));
    const answers = await connection.answers(3);
    expect(answers.map((answer) => JSON.parse(answer.body).path)).toEqual(['/1', '/2', '/3']);
  });

  test.each([
    { why: 'answered at once', target: '/1' },
    { why: 'answered in the same turn', target: '/soon' },
    { why: 'answered later', target: '/later' },
  ])('Connection: close ends the connection, and nothing behind it is routed: $why', async ({ target }) => {
    const { client, seen } = await serve(door);
    const connection = client();
    await connection.write(get(target, 'Connection: close\r\n'));
    expect((await connection.ended())[0]).toMatchObject({ status: 200, headers: { connection: 'close' } });
    const pipelined = client();
    await pipelined.write(get(target, 'Connection: close\r\n') + MARKER);
    await pipelined.ended();
    expect(seen.map(path)).toEqual([target, target]);
  });

  test('a streamed answer ends the connection where it was asked to, and nothing behind it is routed', async () => {
    const { client, seen } = await serve(door, {}, (_, reply) => {
      const stream = reply.stream(200, []);
      stream.write(Buffer.from('part')).then(
        () => stream.end(),
        () => {}, // cut off by what stands behind
      );
    });
    const connection = client();
    await connection.write(get('/x', 'Connection: close\r\n') + MARKER);
    await connection.ended();
    expect(seen.map(path)).toEqual(['/x']);
  });

  test.each([{ close: false }, { close: true }])(
    'HEAD: the length of the body, no body (close: $close)',
    async ({ close }) => {
      const { client } = await serve(door, {}, (_, reply) => reply.send(200, [['X-A', 'b']], 'é23456'));
      const connection = client({ headOnly: true });
      await connection.write(`HEAD /x HTTP/1.1\r\n${HOST}${close ? 'Connection: close\r\n' : ''}\r\n`);
      const answers = close ? await connection.ended() : await connection.answers(1);
      expect(answers).toMatchObject([{ status: 200, headers: { 'content-length': '7', 'x-a': 'b' } }]);
      expect(connection.rest).toBe('');
    },
  );

  test.each([204, 304])('%i has neither a body nor a length', async (status) => {
    const { client } = await serve(door, {}, (_, reply) => reply.send(status, [], ''));
    const connection = client();
    await connection.write(get('/1') + get('/2'));
    const answers = await connection.answers(2);
    expect(answers.map((answer) => [answer.status, answer.headers['content-length']])).toEqual([
      [status, undefined],
      [status, undefined],
    ]);
  });

  test.each(BIG_ANSWERS)('a big answer $why reaches a slow reader, and the connection goes on', async ({ handler }) => {
    const { client } = await serve(door, {}, handler);
    const connection = client();
    connection.socket.pause();
    await connection.write(get('/x'));
    await turn();
    connection.socket.resume();
    const [first] = await connection.answers(1);
    expect(first!.body === BIG.toString()).toBe(true);
    await connection.write(get('/x'));
    const [second] = await connection.answers(1);
    expect(second!.body.length).toBe(BIG.length);
  });

  test('a big body arrives whole', async () => {
    const { client, seen } = await serve(door, { bodyBytesMax: BIG.length }, (_, reply) => reply.send(204, [], ''));
    const connection = client();
    await connection.write(`${POST}Content-Length: ${BIG.length}\r\n\r\n`);
    await connection.write(BIG.toString());
    expect((await connection.answers(1))[0]?.status).toBe(204);
    expect(BIG.equals(seen[0]!.body)).toBe(true);
  });

  test.each([
    { why: 'fails', length: undefined, end: (stream: ReturnType<Responder['stream']>) => stream.fail() },
    { why: 'ends early', length: 10, end: (stream: ReturnType<Responder['stream']>) => stream.end() },
  ])('an answer that $why is cut, so that nobody takes it for the whole', async ({ length, end }) => {
    const { client } = await serve(door, {}, (_, reply) => {
      const stream = reply.stream(200, [], length);
      void stream.write(Buffer.from('part')).then(() => setImmediate(() => end(stream)));
    });
    const connection = client();
    await connection.write(get('/x'));
    expect(await connection.ended()).toEqual([]);
    expect(connection.rest).toMatch(/^HTTP\/1.1 200 OK/);
  });

  test('an answer is given once', async () => {
    const thrown: unknown[] = [];
    const { client } = await serve(door, {}, (_, reply) => {
      reply.send(200, [], 'first');
      try {
        reply.send(200, [], 'second');
      } catch (error) {
        thrown.push(error);
      }
    });
    const connection = client();
    await connection.write(get('/x', 'Connection: close\r\n'));
    expect((await connection.ended()).map((answer) => answer.body)).toEqual(['first']);
    expect(thrown).toHaveLength(1);
  });

  test('a handler that throws answers 500 and tells nothing', async () => {
    const thrown: unknown[] = [];
    const { client } = await serve(door, { onError: (error) => thrown.push(error) }, () => {
      throw new Error('secret');
    });
    const connection = client();
    await connection.write(get('/x'));
    const [answer] = await connection.ended();
    expect(answer?.status).toBe(500);
    expect(answer?.body).not.toContain('secret');
    expect(thrown).toEqual([new Error('secret')]);
  });

  test('a line break in a header value begins no header', async () => {
    const { client } = await serve(door, {}, (_, reply) => reply.send(200, [['X-A', 'a\r\nX-B: c']], ''));
    const connection = client();
    await connection.write(get('/x'));
    const [answer] = await connection.answers(1);
    expect(answer?.headers).not.toHaveProperty('x-b');
  });

  test('a client that goes is reported, and an answer to it goes nowhere', async () => {
    const gone = new Promise<Responder>((resolve) => {
      void serve(door, {}, (_, reply) => reply.onAborted(() => resolve(reply))).then(async ({ client }) => {
        const connection = client();
        await connection.write(get('/x'));
        connection.destroy();
      });
    });
    const reply = await gone;
    expect(reply.aborted).toBe(true);
    reply.send(200, [], 'nobody');
    expect(await new Promise((resolve) => reply.onAborted(() => resolve('at once')))).toBe('at once');
  });

  test('a stream to a client that goes rejects', async () => {
    const outcome = new Promise((resolve) => {
      void serve(door, {}, (_, reply) => {
        const stream = reply.stream(200, []);
        const forever = async (): Promise<void> => {
          for (;;) await stream.write(BIG);
        };
        forever().catch(resolve);
      }).then(async ({ client }) => {
        const connection = client();
        await connection.write(get('/x'));
        await connection.answers(0);
        connection.socket.once('data', () => connection.destroy());
      });
    });
    expect(await outcome).toMatchObject({ code: 'cancelled' });
  });

  test('what a request carries', async () => {
    const { client, seen } = await serve(door);
    const connection = client();
    await connection.write(
      get('/1', 'X-Request-Id: abc-1.2_3\r\nX-A: 1\r\nx-a: 2\r\n') + get('/2', 'X-Request-Id: a b\r\n') + get('/3'),
    );
    await connection.answers(3);
    expect(seen.map((request) => request.id)).toEqual([
      'abc-1.2_3',
      expect.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
      expect.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
    ]);
    expect(seen[1]!.id).not.toBe(seen[2]!.id);
    expect(seen[0]!.id).toBe(seen[0]!.id);
    expect(seen[0]!.header('x-a')).toBe('1, 2');
    expect(seen[0]!.header('x-b')).toBeUndefined();
  });

  test('the address of the client, while it is there', async () => {
    const addresses: string[] = [];
    const { client } = await serve(door, {}, (request, reply) => {
      addresses.push(request.remoteAddress());
      reply.send(200, [], '');
      addresses.push(request.remoteAddress());
    });
    const connection = client();
    await connection.write(get('/x'));
    await connection.answers(1);
    expect(addresses).toEqual(['127.0.0.1', '']);
  });

  test('a drain finishes what is in flight, ends idle connections, and takes nothing new', async () => {
    const waiting: Responder[] = [];
    const { client, listener } = await serve(door, {}, (_, reply) => void waiting.push(reply));
    const idle = client();
    const busy = client();
    await once(idle.socket, 'connect');
    await busy.write(get('/x'));
    while (waiting.length === 0) await turn();
    let drained = false;
    const drain = listener.drain(AbortSignal.timeout(10_000)).then(() => {
      drained = true;
    });
    await turn();
    expect(drained).toBe(false);
    const late = client();
    await late.ended();
    waiting[0]!.send(200, [], BIG);
    await drain;
    expect((await busy.ended())[0]?.body.length).toBe(BIG.length);
    expect(await idle.ended()).toEqual([]);
  });

  test('a drain ends at its deadline, and close cuts what is left', async () => {
    const { client, listener } = await serve(door, {}, () => {});
    const connection = client();
    await connection.write(get('/x'));
    await listener.drain(AbortSignal.timeout(20));
    expect(await connection.ended()).toEqual([]);
    await listener.close();
    await listener.close();
  });

  test('a taken port is an error that names the setting', async () => {
    const { port } = await serve(door);
    await expect(listen({ ...OPTIONS, door, port }, echo)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('MILLRACE_HTTP_PORT'),
    });
  });

  test('a restart finds the port free, whoever closed the connections of the last run', async () => {
    const port = await freePort();
    const first = await serve(door, { port });
    const connection = first.client();
    await connection.write(get('/x', 'Connection: close\r\n'));
    await connection.ended();
    await first.listener.close();
    const again = await serve(door, { port });
    expect(again.port).toBe(port);
  });
});

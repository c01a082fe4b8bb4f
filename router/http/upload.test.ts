/** Bodies that are handed over as they arrive, at both doors. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { DOORS, type Handler, type ListenerOptions } from './door.ts';
import type { Responder } from './reply.ts';
import type { Request } from './request.ts';
import { CHUNKED, cleanUpAfterEach, get, HOST, POST, serve } from './testing/serve.ts';
import type { Upload } from './upload.ts';

cleanUpAfterEach();

const STREAMED: Partial<ListenerOptions> = { streams: () => true };
const sized = (length: number): string => `${POST}Content-Length: ${length}\r\n\r\n`;

/** Takes all of it, and answers with its length and its last bytes. */
function take(upload: Upload, reply: Responder): void {
  let bytes = 0;
  let tail = '';
  upload.receive({
    push: (chunk) => {
      bytes += chunk.length;
      tail = (tail + Buffer.from(chunk).toString('latin1')).slice(-5);
    },
    end: () => reply.send(200, [], JSON.stringify([bytes, tail])),
    fail: (reason) => reply.send(504, [], reason.message),
  });
}

const taking: Handler = ({ upload }, reply) => (upload ? take(upload, reply) : reply.send(200, [], 'no upload'));
const later: Handler = (request, reply) => void setImmediate(() => taking(request, reply));

describe.each(DOORS)('the %s door', (door) => {
  const BODIES: readonly [why: string, request: string, answer: string][] = [
    ['of a known length', `${sized(11)}hello world`, '[11,"world"]'],
    ['in chunks', `${CHUNKED}6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n`, '[11,"world"]'],
    ['beyond what is held of others', sized(100_000) + 'x'.repeat(100_000), '[100000,"xxxxx"]'],
    ['no body', get('/x'), 'no upload'],
  ];
  describe.each([
    ['at once', taking],
    ['later', later],
  ])('taken %s', (_, handler) => {
    test.each(BODIES)('%s', async (_, request, answer) => {
      const { client } = await serve(door, STREAMED, handler);
      const connection = client();
      await connection.write(request);
      expect((await connection.answers(1)).map(({ body }) => body)).toEqual([answer]);
      // The connection lives on.
      await connection.write(get('/next'));
      expect((await connection.answers(1)).map(({ body }) => body)).toEqual(['no upload']);
    });
  });

  test('who is asked for it', async () => {
    const asked: unknown[] = [];
    const streams = ({ path }: Request, length: number | undefined): boolean => {
      asked.push([path, length]);
      return path === '/long';
    };
    const { client } = await serve(door, { streams }, taking);
    const connection = client();
    await connection.write(`POST /long HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`);
    expect(await connection.answers(1)).toMatchObject([{ body: '[3,"abc"]' }]);
    await connection.write(`POST /short HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`);
    expect(await connection.answers(1)).toMatchObject([{ body: 'no upload' }]);
    expect(asked).toEqual([
      ['/long', 3],
      ['/short', 3],
    ]);
  });

  test('one that is handed over begins before it has ended', async () => {
    const { client, seen } = await serve(door, STREAMED, taking);
    const connection = client();
    await connection.write(`${sized(6)}abc`);
    while (seen.length === 0) await turn();
    await connection.write('def');
    expect(await connection.answers(1)).toMatchObject([{ status: 200, body: '[6,"bcdef"]' }]);
  });

  test('an answer before its end takes the connection with it', async () => {
    const { client } = await serve(door, STREAMED, (_, reply) => reply.send(400, [], 'no'));
    const connection = client();
    await connection.write(`${sized(1000)}abc`);
    const answers = await connection.ended();
    expect(answers).toMatchObject([{ status: 400, body: 'no', headers: { connection: 'close' } }]);
  });

  test('a client that is held back sends no more than fits on the way', async () => {
    let taken = 0;
    let upload: Upload | undefined;
    const { client } = await serve(door, STREAMED, (request) => {
      upload = request.upload;
      upload?.receive({
        push: (chunk) => {
          taken += chunk.length;
          upload?.pause();
        },
        end: () => {},
        fail: () => {},
      });
    });
    const connection = client();
    const MANY = 64 * 1024 * 1024;
    connection.socket.write(sized(MANY));
    connection.socket.write(Buffer.alloc(MANY));
    // Until nothing moves any more.
    for (let last = -1; last !== taken || taken === 0; ) {
      last = taken;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(taken).toBeLessThan(MANY / 4);
    const before = taken;
    upload?.resume();
    while (taken === before) await turn();
  });

  test('a client that goes is told of', async () => {
    let failed: Error | undefined;
    const fail = (reason: Error): void => {
      failed = reason;
    };
    const { client, seen } = await serve(door, STREAMED, ({ upload }) =>
      upload?.receive({ push: () => {}, end: () => {}, fail }),
    );
    const connection = client();
    await connection.write(`${sized(1000)}abc`);
    while (seen.length === 0) await turn();
    connection.destroy();
    while (!failed) await turn();
    expect(failed).toMatchObject({ code: 'cancelled' });
  });

  test('a client that sends nothing any more is told so', async () => {
    const { client } = await serve(door, { ...STREAMED, timeouts: { bodyMs: 100 } }, taking);
    const connection = client();
    await connection.write(`${sized(1000)}abc`);
    expect(await connection.ended()).toMatchObject([{ status: 504, headers: { connection: 'close' } }]);
  });

  test('one that sends slowly is waited for as long as it goes on', async () => {
    const { client } = await serve(door, { ...STREAMED, timeouts: { bodyMs: 400 } }, taking);
    const connection = client();
    await connection.write(sized(10));
    for (let i = 0; i < 10; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await connection.write('x');
    }
    expect(await connection.answers(1)).toMatchObject([{ status: 200, body: '[10,"xxxxx"]' }]);
  });
});

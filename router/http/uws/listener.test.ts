import { expect, test } from 'vitest';
import type { Handler, ListenerOptions } from '../door.ts';
import { listen } from '../listener.ts';
import {
  CHUNKED,
  cleanUpAfterEach,
  echo,
  get,
  HOST,
  MARKER,
  OPTIONS,
  type Served,
  serve as serveDoor,
} from '../testing/serve.ts';

cleanUpAfterEach();

const serve = (options: Partial<ListenerOptions> = {}, handler?: Handler): Promise<Served> =>
  serveDoor('uws', options, handler);

test.each([
  { why: 'a chunk extension', body: '1;a=b\r\nx\r\n0\r\n\r\n' },
  { why: 'a trailer', body: '1\r\nx\r\n0\r\nA: b\r\n\r\n' },
  { why: 'a chunk longer than its size', body: '1\r\nxyz\r\n0\r\n\r\n' },
])('$why never brings what stands behind it to the handler', async ({ body }) => {
  const { client, seen } = await serve({ timeouts: { bodyMs: 100 } });
  const connection = client();
  await connection.write(`${CHUNKED}${body}${MARKER}`);
  await connection.ended();
  expect(seen.map(({ path }) => path)).not.toContain('/smuggled');
});

test.each([
  { why: 'a blank in the target', request: `GET /a b HTTP/1.1\r\n${HOST}\r\n` },
  { why: 'HTTP/1.0', request: `GET /x HTTP/1.0\r\n${HOST}\r\n` },
])('505 and the end for $why', async ({ request }) => {
  const { client, seen } = await serve();
  const connection = client();
  await connection.write(request);
  expect((await connection.ended()).map(({ status }) => status)).toEqual([505]);
  expect(seen).toEqual([]);
});

test('a request pipelined behind one without an answer ends the connection and is never routed', async () => {
  const { client, seen } = await serve();
  const connection = client();
  await connection.write(get('/later') + get('/2'));
  expect(await connection.ended()).toEqual([]);
  expect(seen.map(({ path }) => path)).toEqual(['/later']);
});

test('a streamed answer ends the connection where it was asked to, and nothing behind it is routed', async () => {
  const { client, seen } = await serve({}, (_, reply) => {
    const stream = reply.stream(200, []);
    stream.write(Buffer.from('part')).then(
      () => stream.end(),
      () => {}, // cut off by what stands behind
    );
  });
  const connection = client();
  await connection.write(get('/x', 'Connection: close\r\n') + MARKER);
  await connection.ended();
  expect(seen.map(({ path }) => path)).toEqual(['/x']);
});

test('several listeners share a port where they are told to', async () => {
  const { port } = await serve({ shared: true });
  const second = await listen({ ...OPTIONS, door: 'uws', port, shared: true }, echo);
  expect(second.port).toBe(port);
  await second.close();
});

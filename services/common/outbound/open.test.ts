import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MIB } from '../bounds.ts';
import { callerGone, Deadline } from '../deadline.ts';
import { type OpenedAnswer, openOutside } from './open.ts';

const PIECE = Buffer.alloc(64 * 1024);
const PIECES = 1024;

let server: Server;
let port = 0;
let sent = 0;
let isOpen = false;

async function pour(response: ServerResponse): Promise<void> {
  for (sent = 0; sent < PIECES && isOpen; sent++) {
    if (!response.write(PIECE)) await new Promise<void>((on) => response.once('drain', on).once('close', on));
  }
  response.end();
}

beforeAll(async () => {
  server = createServer((request, response) => {
    isOpen = true;
    response.on('close', () => {
      isOpen = false;
    });
    if (request.url === '/much') void pour(response);
    else if (request.url === '/broken') response.write('a', () => response.destroy());
    else if (request.url === '/stalled') response.write('a');
    else if (request.url === '/on') response.writeHead(302, { location: '/much' }).end('x'.repeat(10));
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function open(path: string, deadline = Deadline.after(10_000), timeoutMs = 2000): Promise<OpenedAnswer> {
  const call = { verb: 'GET', url: `http://127.0.0.1:${port}${path}`, headers: {}, body: new Uint8Array() };
  return openOutside(call, { hosts: ['127.0.0.1'], bytesMax: 100 * MIB, timeoutMs }, deadline);
}

async function take(answer: OpenedAnswer): Promise<number> {
  let bytes = 0;
  for await (const piece of answer.body) bytes += piece.length;
  return bytes;
}

test('a body comes in pieces, behind a redirect too', async () => {
  expect(await take(await open('/on'))).toBe(PIECES * PIECE.length);
});

test('no more of it is sent than is taken, and leaving early ends the connection', async () => {
  const answer = await open('/much');
  for await (const _ of answer.body) break;
  await vi.waitFor(() => expect(isOpen).toBe(false));
  expect(sent).toBeLessThan(PIECES / 2);
});

test('closing it without taking anything ends the connection', async () => {
  const answer = await open('/much');
  answer.close();
  await vi.waitFor(() => expect(isOpen).toBe(false));
});

test('one that breaks off, one that stalls, and one whose caller goes', async () => {
  await expect(open('/broken').then(take)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(open('/stalled', undefined, 50).then(take)).rejects.toThrow(/in time/);
  const deadline = Deadline.after(10_000);
  const answer = await open('/stalled', deadline);
  const taken = take(answer);
  deadline.abort(callerGone());
  await expect(taken).rejects.toMatchObject({ code: 'cancelled' });
});

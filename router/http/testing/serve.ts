/** A listener with an echo behind it, and raw clients in front of it, for the tests of both doors. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach } from 'vitest';
import type { DoorKind, Handler, ListenerOptions } from '../door.ts';
import { listen } from '../listener.ts';
import type { Request } from '../request.ts';
import { RawClient } from './raw-client.ts';

export const HOST = 'Host: a.example\r\n';
export const POST = `POST /x HTTP/1.1\r\n${HOST}`;
export const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
/** Never to be routed where it stands behind something doubtful. */
export const MARKER = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

export const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\n${HOST}${headers}\r\n`;

export const OPTIONS: Omit<ListenerOptions, 'door'> = {
  host: '127.0.0.1',
  port: 0,
  bodyBytesMax: 1000,
  bufferedBytesMax: 10_000_000,
  connectionsMax: 1000,
  refuseChunked: false,
};

const cleanups: (() => unknown)[] = [];

/** Call once in each file that serves. */
export function cleanUpAfterEach(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
}

/** What the handler saw, as JSON. Paths under /later are answered in a later turn, under /soon in this one. */
export const echo: Handler = (request, reply) => {
  const answer = (): void => {
    const { method, path, query, body } = request;
    reply.send(200, [], JSON.stringify({ method, path, query, body: Buffer.from(body).toString('latin1') }));
  };
  if (request.path.startsWith('/later')) setImmediate(answer);
  else if (request.path.startsWith('/soon')) queueMicrotask(answer);
  else answer();
};

export interface Served {
  readonly port: number;
  readonly listener: Awaited<ReturnType<typeof listen>>;
  /** Every request that reached the handler. */
  readonly seen: Request[];
  client(options?: { headOnly?: boolean }): RawClient;
}

export async function serve(
  door: DoorKind,
  options: Partial<ListenerOptions> = {},
  handler: Handler = echo,
): Promise<Served> {
  const seen: Request[] = [];
  const listener = await listen({ ...OPTIONS, door, ...options }, (request, reply) => {
    seen.push(request);
    handler(request, reply);
  });
  cleanups.push(() => listener.close());
  const client = (options?: { headOnly?: boolean }): RawClient => {
    const client = new RawClient(listener.port, options);
    cleanups.push(() => client.destroy());
    return client;
  };
  return { port: listener.port, listener, seen, client };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Stands before a store in tests and does to chosen requests what networks and stores do on bad days. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** An answer in the store's stead. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly headers?: Record<string, string>;
    }
  /** The connection is cut when so many bytes of the request have come. */
  | { readonly kind: 'cut-request'; readonly bytes: number }
  /** The connection is cut when so many bytes of the answer have gone. */
  | { readonly kind: 'cut-answer'; readonly bytes: number }
  /** The store does it, and nobody hears of it. */
  | { readonly kind: 'lose-answer' }
  /** Nothing comes, ever. */
  | { readonly kind: 'silence' };

export interface FaultyProxy {
  /** As that of the store behind it, path included. */
  readonly endpoint: string;
  /** What has come: `PUT /bucket/key?partNumber=1`. */
  readonly seen: string[];
  /** For each request; undefined: it goes through. */
  fault: (request: IncomingMessage) => Fault | undefined;
  stop(): Promise<void>;
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port, pathname } = new URL(target);
  const seen: string[] = [];
  const server = createServer((incoming, answer) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    const fault = proxy.fault(incoming);
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'answer') {
      incoming.resume();
      incoming.once('end', () => answer.writeHead(fault.status, fault.headers).end(fault.body));
      return;
    }
    forward({ hostname, port }, incoming, answer, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: FaultyProxy = {
    endpoint: pathname === '/' ? own : `${own}${pathname}`,
    seen,
    fault: () => undefined,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

/** Headers stay as they are, the host's name too: they are signed. */
function forward(
  { hostname, port }: { readonly hostname: string; readonly port: string },
  incoming: IncomingMessage,
  answer: ServerResponse,
  fault: Fault | undefined,
): void {
  const { method, url, headers } = incoming;
  const outgoing = request({ hostname, port, method, path: url, headers, agent: false });
  const cut = (): void => {
    incoming.socket.destroy();
    outgoing.destroy();
  };
  outgoing.on('error', cut);
  incoming.on('error', cut);
  let came = 0;
  incoming.on('data', (piece: Buffer) => {
    came += piece.length;
    if (fault?.kind === 'cut-request' && came >= fault.bytes) cut();
    else if (!outgoing.destroyed) outgoing.write(piece);
  });
  incoming.once('end', () => outgoing.end());
  outgoing.once('response', (response) => {
    if (fault?.kind === 'lose-answer') {
      response.resume();
      response.once('end', cut);
      return;
    }
    answer.writeHead(response.statusCode ?? 500, response.headers);
    let went = 0;
    response.on('data', (piece: Buffer) => {
      const left = fault?.kind === 'cut-answer' ? fault.bytes - went : piece.length;
      went += piece.length;
      if (left >= piece.length) answer.write(piece);
      else answer.write(piece.subarray(0, Math.max(left, 0)), cut);
    });
    response.once('end', () => answer.end());
    response.on('error', cut);
  });
}

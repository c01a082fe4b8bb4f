/** What both doors have in common: how they are told what to do, and what they say when they cannot. */
import { MillraceError } from '#common/errors.ts';
import type { Refusal } from './refusal.ts';
import type { Responder } from './reply.ts';
import type { Request } from './request.ts';

/**
 * `strict`: our own parser on Node's sockets. `uws`: uWebSockets.js, faster and laxer, for a place behind a proxy that
 * frames requests anew (docs/edge.md).
 */
export const DOORS = ['strict', 'uws'] as const;
export type DoorKind = (typeof DOORS)[number];

export interface ListenerOptions {
  readonly door: DoorKind;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly bodyBytesMax: number;
  /** Of all bodies held at one moment. */
  readonly bufferedBytesMax: number;
  /** Open at one moment; one more is told 503. The uws door leaves this to the proxy in front. */
  readonly connectionsMax: number;
  /** Answer 411 to chunked bodies, where the proxy in front is not trusted to frame them anew. */
  readonly refuseChunked: boolean;
  /** Several processes listen on one port, and the kernel spreads the connections. */
  readonly shared?: boolean;
  /** Shorter ones, for tests. The uws door has its own but for the body's. */
  readonly timeouts?: Partial<Timeouts>;
  /** Which bodies are handed over as they arrive. They may be of any length, and are asked about before the first byte. */
  readonly streams?: (request: Request, contentLength: number | undefined) => boolean;
  /** Told what a handler threw; its client is told nothing. */
  readonly onError?: (error: unknown) => void;
}

export interface Timeouts {
  /** Between two requests. */
  readonly idleMs: number;
  /** From the first byte of a request to the end of its headers; and from a new connection to its first byte. */
  readonly headMs: number;
  /** From the end of the headers to the end of the body. */
  readonly bodyMs: number;
  /** Without the client taking a piece of its answer. */
  readonly writeMs: number;
  /** From the end of the last answer to the client's end of the connection. */
  readonly lingerMs: number;
}

export type Handler = (request: Request, reply: Responder) => void;

export const NO_CHUNKED: Refusal = { status: 411, message: 'A body needs a Content-Length here.' };
export const SLOW: Refusal = { status: 408, message: 'The request did not arrive in time.' };
export const FAILED: Refusal = { status: 500, message: 'An unexpected failure happened.' };

export function portUnavailable({ host, port }: ListenerOptions, cause?: unknown): MillraceError {
  const message = `MILLRACE_HTTP_PORT ${port} cannot be listened on at ${host}: it is taken, or not allowed.`;
  return new MillraceError('unavailable', message, undefined, cause);
}

/** Node's sockets share a port from this version on. */
const SHARING_SINCE = [23, 1] as const;

/** Why several processes cannot share a port; undefined where they can. */
export function sharingFault(door: DoorKind, node = process.versions.node): string | undefined {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const [sinceMajor, sinceMinor] = SHARING_SINCE;
  if (door === 'uws' || major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)) return undefined;
  return `several routers on one port (MILLRACE_ROUTERS) need MILLRACE_HTTP_DOOR=uws, or Node ${SHARING_SINCE.join('.')}; this is ${node}`;
}

/** A message of the gateway as the request that the pipeline knows, refused for what an HTTP door would refuse. */
import type { Metadata } from '@grpc/grpc-js';
import { HEAD_BYTES_MAX, HEAD_FIELDS_MAX } from '#common/bounds.ts';
import type { Request as Message } from '#proto/gateway/v1/gateway_pb.ts';
import { Head } from '../http/framing.ts';
import type { Refusal } from '../http/refusal.ts';
import { ReceivedRequest, type Request } from '../http/request.ts';
import { Upload } from '../http/upload.ts';

const LARGE_HEAD: Refusal = { status: 431, message: 'Path, query and headers are too large.' };
const LARGE_BODY: Refusal = { status: 413, message: 'The body is larger than this server takes.' };

const QUESTION_MARK: Refusal = { status: 400, message: 'What stands behind the question mark belongs into query.' };

const VERSIONED = /^\/?api\/v[0-9.]+(?:\/|$)/;

/** Of one HTTP connection: a program that passes on what it got may send them, and they say nothing here. */
const OF_CONNECTION = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'expect']);

/** Credentials that count from the metadata where the message itself has none of the name. */
const CREDENTIALS = ['x-dreamfactory-api-key', 'x-dreamfactory-session-token', 'authorization'];

/** Who is at the other end of a call or stream, and what came with it beside the messages. */
export interface Peer {
  remoteAddress(): string;
  /** Lower-case name and value. */
  readonly credentials: readonly (readonly [string, string])[];
}

/** @param address  as gRPC says it: host and port, or something else where there is no network */
export function peerOf(metadata: Metadata, address: string): Peer {
  const credentials = CREDENTIALS.flatMap((name) => {
    const [value] = metadata.get(name);
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return { remoteAddress: () => /^(.*):\d+$/.exec(address)?.[1] ?? '', credentials };
}

/**
 * @param bodyBytesMax  of any body: it has arrived in whole
 * @param streams       which are taken as if they came in pieces
 */
export function requestOf(
  message: Message,
  peer: Peer,
  bodyBytesMax: number,
  streams: (request: Request, contentLength: number) => boolean,
): ReceivedRequest | Refusal {
  const path = VERSIONED.test(message.path)
    ? message.path.replace(/^(?!\/)/, '/')
    : `/api/v2/${message.path.startsWith('/') ? message.path.slice(1) : message.path}`;
  if (path.includes('?')) return QUESTION_MARK;
  const method = message.verb || 'GET';
  const head = new Head(false);
  let bytes = path.length + message.query.length;
  for (const name in message.headers) {
    const value = message.headers[name] as string;
    bytes += name.length + value.length;
    const lower = name.toLowerCase();
    if (!OF_CONNECTION.has(lower)) head.add(lower, value.trim());
  }
  if (bytes > HEAD_BYTES_MAX || head.fields.length > 2 * HEAD_FIELDS_MAX) return LARGE_HEAD;
  const { credentials } = peer;
  for (const [name, value] of credentials) if (!head.fields.includes(name)) head.add(name, value);
  const fault = head.check(method, path, message.query);
  if (fault) return fault;
  if (message.body.length > bodyBytesMax) return LARGE_BODY;
  const request = new ReceivedRequest(method, path, message.query, head, peer);
  if (message.body.length > 0 && streams(request, message.body.length)) {
    request.upload = uploadOf(message.body);
  } else request.body = message.body;
  return request;
}

const FLOWING = { pause: () => {}, resume: () => {} };

/** All of it is here: nobody can be held back. */
function uploadOf(body: Uint8Array): Upload {
  const upload = new Upload(FLOWING);
  upload.add(body);
  upload.end();
  return upload;
}

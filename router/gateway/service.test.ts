import { connect } from 'node:http2';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GRPC_MESSAGE_BYTES_MAX, OPERATION_BYTES_MAX } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { GatewayClient } from '#common/gateway/client.ts';
import { Channel } from '#common/grpc/channel.ts';
import { type GrpcServer, startGrpcServer } from '#common/grpc/server.ts';
import {
  type BatchReply,
  BatchSchema,
  type Chunk,
  Gateway,
  RequestSchema,
  type Response,
} from '#proto/gateway/v1/gateway_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { Responder } from '../http/reply.ts';
import type { Request } from '../http/request.ts';
import { type GatewayOptions, type GatewayService, gatewayService } from './service.ts';

type Handle = GatewayOptions['handle'];
type Init = MessageInitShape<typeof RequestSchema>;

interface Served {
  readonly server: GrpcServer;
  readonly service: GatewayService;
  readonly channel: Channel<typeof Gateway>;
  readonly errors: unknown[];
}

async function serve(handle: Handle, options: Partial<GatewayOptions> = {}): Promise<Served> {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const bounds = { streams: () => false, bodyBytesMax: 1000, bufferedBytesMax: 2 * GRPC_MESSAGE_BYTES_MAX };
  const service = gatewayService({ handle, onError, ...bounds, ...options });
  const server = await startGrpcServer({ name: 'test', address: '127.0.0.1:0', token: undefined, services: [service] });
  const channel = new Channel(Gateway, { address: server.address, token: undefined, peer: 'test' });
  onTestFinished(async () => {
    channel.close();
    await server.close();
  });
  return { server, service, channel, errors };
}

const soon = (): Deadline => Deadline.after(30_000);
const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();
const errorOf = (body: Uint8Array): { code: number; message: string } => JSON.parse(textOf(body)).error;

const call = ({ channel }: Served, init: Init): Promise<Response> =>
  channel.call('call', create(RequestSchema, init), 30_000);

function exchanging({ server }: Served): (init: Init) => Promise<{ status: number; body: Uint8Array }> {
  const client = new GatewayClient({ addresses: [server.address] });
  onTestFinished(() => client.close());
  return ({ path = '', verb = '', timeoutMs = 0, grant = new Uint8Array() }) =>
    client.call({ path, verb, grant }, timeoutMs > 0 ? Deadline.after(timeoutMs) : soon());
}

interface Streamed {
  readonly head: Response | undefined;
  readonly body: Buffer;
  readonly pieces: number;
  /** Of gRPC. */
  readonly code: number;
}

function streamed({ channel }: Served, init: Init): Promise<Streamed> {
  const watch = channel.watch('stream', create(RequestSchema, init));
  const chunks: Chunk[] = [];
  return new Promise((resolve) => {
    const done = (code: number): void =>
      resolve({
        head: chunks[0]?.head,
        body: Buffer.concat(chunks.map(({ body }) => body)),
        pieces: chunks.length,
        code,
      });
    watch.on('data', (chunk: Chunk) => chunks.push(chunk));
    watch.once('error', ({ code }: ServiceError) => done(code));
    watch.once('end', () => done(status.OK));
  });
}

/** Says what it was asked. */
const echo: Handle = (request, reply) =>
  reply.send(200, [['X-Request-Id', request.id]], `${request.method} ${request.path} ${request.header('a') ?? ''}`);

/** Answers in pieces of this many bytes. */
const inPieces =
  (pieces: number, bytes: number, contentLength?: number): Handle =>
  (_request, reply) => {
    const out = reply.stream(200, [], contentLength);
    const run = async (): Promise<void> => {
      for (let i = 0; i < pieces; i++) await out.write(Buffer.alloc(bytes, 'x'));
      out.end();
    };
    run().catch(() => out.fail());
  };

describe('an answer', () => {
  const asked = { verb: 'PUT', path: 'db', headers: { A: 'b', 'X-Request-Id': 'id' } };

  test('of Call has status, headers and body', async () => {
    const { status: code, headers, body } = await call(await serve(echo), asked);
    expect([code, textOf(body)]).toEqual([200, 'PUT /api/v2/db b']);
    expect(headers).toMatchObject([{ name: 'X-Request-Id', value: 'id' }]);
  });

  test('of Stream has a head first, without a body', async () => {
    const { head, body, code } = await streamed(await serve(echo), asked);
    expect(head).toMatchObject({ status: 200, headers: [{ name: 'X-Request-Id', value: 'id' }] });
    expect(head?.body).toHaveLength(0);
    expect([body.toString(), code]).toEqual(['PUT /api/v2/db b', status.OK]);
  });

  test('of Exchange goes to who asked, many at once', async () => {
    const send = exchanging(await serve(echo));
    const paths = Array.from({ length: 3000 }, (_, i) => `a${i}`);
    const answers = await Promise.all(paths.map((path) => send({ path })));
    expect(answers.map(({ body }) => textOf(body))).toEqual(paths.map((path) => `GET /api/v2/${path} `));
  });

  test('that comes in pieces is one message, or a message each', async () => {
    const served = await serve(inPieces(5, 1000, 5000));
    expect((await call(served, { path: 'db' })).body).toHaveLength(5000);
    expect(await streamed(served, { path: 'db' })).toMatchObject({ pieces: 6, code: status.OK });
  });

  test('too large for a message says so, and Stream has it', async () => {
    const pieces = Math.ceil(OPERATION_BYTES_MAX / 1e6) + 1;
    const served = await serve(inPieces(pieces, 1e6));
    const { status: code, body } = await call(served, { path: 'db' });
    expect([code, errorOf(body)]).toMatchObject([413, { code: 413, message: expect.stringContaining('Stream') }]);
    expect((await streamed(served, { path: 'db' })).body).toHaveLength(pieces * 1e6);
    const whole = await serve((_request, reply) => reply.send(200, [], Buffer.alloc(OPERATION_BYTES_MAX + 1)));
    expect((await call(whole, { path: 'db' })).status).toBe(413);
    expect((await streamed(whole, { path: 'db' })).body).toHaveLength(OPERATION_BYTES_MAX + 1);
  });

  test('that finds no room to be gathered is put off', async () => {
    const served = await serve(inPieces(5, 1000), { bufferedBytesMax: 4500 });
    expect(await call(served, { path: 'db' })).toMatchObject({ status: 503 });
    // What was gathered is given back.
    expect(await call(await serve(inPieces(4, 1000), { bufferedBytesMax: 4500 }), { path: 'db' })).toMatchObject({
      status: 200,
    });
    expect(await call(served, { path: 'db' })).toMatchObject({ status: 503 });
  });

  test.each([
    { why: 'shorter than announced', handle: inPieces(2, 10, 100) },
    {
      why: 'that fails on the way',
      handle: ((_request: Request, reply: Responder) => {
        const out = reply.stream(200, []);
        void out.write(Buffer.from('x')).then(() => out.fail());
      }) as Handle,
    },
  ])('$why is never taken for the whole', async ({ handle }) => {
    const served = await serve(handle);
    expect(await call(served, { path: 'db' })).toMatchObject({ status: 503 });
    expect((await streamed(served, { path: 'db' })).code).toBe(status.UNAVAILABLE);
  });
});

describe('refused', () => {
  test.each([
    { why: 'what no door would take', init: { path: 'a b' }, code: 400 },
    { why: 'a large body', init: { verb: 'POST', path: 'db', body: Buffer.alloc(1001) }, code: 413 },
    { why: 'a grant where there are none', init: { path: 'db', grant: Buffer.from('x') }, code: 401 },
  ])('$why, as an answer of the API', async ({ init, code }) => {
    const served = await serve(echo);
    const { status: said, body } = await call(served, init);
    expect([said, errorOf(body).code]).toEqual([code, code]);
    const { head, body: bytes } = await streamed(served, init);
    expect([head?.status, code === 401 ? code : errorOf(bytes).code]).toEqual([code, code]);
  });

  test('a failure that nobody expected tells nothing, and ends nothing', async () => {
    const served = await serve((request, reply) => {
      if (request.path.endsWith('bad')) throw new Error('at 10.0.0.1');
      echo(request, reply, undefined);
    });
    const send = exchanging(served);
    const [bad, good] = await Promise.all([send({ path: 'bad' }), send({ path: 'good' })]);
    expect([bad.status, textOf(bad.body).includes('10.0.0.1')]).toEqual([500, false]);
    expect(good.status).toBe(200);
    expect(served.errors).toHaveLength(1);
  });

  test('a second call with an id that is in flight', async () => {
    const held: Responder[] = [];
    const { channel } = await serve((_request, reply) => void held.push(reply));
    const stream = channel.duplex('exchange');
    onTestFinished(() => stream.cancel());
    stream.on('error', () => {});
    const requests = [
      { id: 7, path: 'a' },
      { id: 7, path: 'b' },
    ];
    const first = new Promise<BatchReply>((resolve) => stream.once('data', resolve));
    stream.write(create(BatchSchema, { requests }));
    expect((await first).responses).toMatchObject([{ id: 7, status: 400 }]);
    const second = new Promise<BatchReply>((resolve) => stream.once('data', resolve));
    held[0]?.send(200, [], '');
    expect((await second).responses).toMatchObject([{ id: 7, status: 200 }]);
    expect(held).toHaveLength(1);
  });
});

describe('grants', () => {
  const callers: (Principal | undefined)[] = [];
  const noting: Handle = (_request, reply, caller) => {
    callers.push(caller);
    reply.send(204, [], '');
  };
  const grants = (grant: Uint8Array): Principal => {
    if (textOf(grant) !== 'good') throw invalid('No.');
    return { requestor: 2 } as Principal;
  };

  test('stand for who gave them', async () => {
    const served = await serve(noting, { grants });
    await call(served, { path: 'db', grant: Buffer.from('good') });
    await call(served, { path: 'db' });
    expect(callers).toEqual([{ requestor: 2 }, undefined]);
    expect(await call(served, { path: 'db', grant: Buffer.from('bad') })).toMatchObject({ status: 400 });
  });
});

describe('the end of the waiting', () => {
  /** Never answers by itself. */
  function holding(): { handle: Handle; gone: Promise<void>; begun: Promise<Responder> } {
    let aborted!: () => void;
    let started!: (reply: Responder) => void;
    const gone = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    const begun = new Promise<Responder>((resolve) => {
      started = resolve;
    });
    const handle: Handle = (_request, reply) => {
      reply.onAborted(aborted);
      started(reply);
    };
    return { handle, gone, begun };
  }

  test('timeout_ms ends the work of a Call, and is an answer', async () => {
    const { handle, gone, begun } = holding();
    expect(await call(await serve(handle), { path: 'db', timeoutMs: 20 })).toMatchObject({ status: 503 });
    await gone;
    const reply = await begun;
    expect(reply.aborted).toBe(true);
    expect(() => reply.send(200, [], 'late')).not.toThrow();
  });

  test('timeout_ms ends a Stream before its head as an answer, later as a status', async () => {
    const { handle, gone } = holding();
    expect(await streamed(await serve(handle), { path: 'db', timeoutMs: 20 })).toMatchObject({
      head: { status: 503 },
      code: status.OK,
    });
    await gone;
    const begun = await serve((_request, reply) => void reply.stream(200, []).write(Buffer.from('x')));
    expect(await streamed(begun, { path: 'db', timeoutMs: 20 })).toMatchObject({
      head: { status: 200 },
      code: status.DEADLINE_EXCEEDED,
    });
  });

  test('the deadline of gRPC ends the work', async () => {
    const { handle, gone } = holding();
    const { channel } = await serve(handle);
    await expect(channel.call('call', create(RequestSchema, { path: 'db' }), 50)).rejects.toMatchObject({
      code: 'deadline',
    });
    await gone;
  });

  test('a cancel on the stream ends the work', async () => {
    const { handle, gone, begun } = holding();
    const { server } = await serve(handle);
    const client = new GatewayClient({ addresses: [server.address] });
    onTestFinished(() => client.close());
    const deadline = soon();
    const answer = client.call({ path: 'db' }, deadline);
    await begun;
    deadline.abort(new MillraceError('cancelled', 'No longer wanted.'));
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    await gone;
    expect(client.inFlight).toBe(0);
  });

  test('timeout_ms of a call on the stream ends its work', async () => {
    const { handle, gone } = holding();
    await expect(exchanging(await serve(handle))({ path: 'db', timeoutMs: 50 })).rejects.toMatchObject({
      code: 'deadline',
    });
    await gone;
  });

  test('who goes away from a Stream ends its work', async () => {
    const { handle, gone, begun } = holding();
    const { channel } = await serve(handle);
    const watch = channel.watch('stream', create(RequestSchema, { path: 'db' }));
    watch.on('error', () => {});
    await begun;
    watch.cancel();
    await gone;
  });
});

test('a Stream waits for who takes it', async () => {
  let written = 0;
  const served = await serve((_request, reply) => {
    const out = reply.stream(200, []);
    const run = async (): Promise<void> => {
      for (; written < 2000; written++) await out.write(Buffer.alloc(64 * 1024));
      out.end();
    };
    run().catch(() => out.fail());
  });
  const watch = served.channel.watch('stream', create(RequestSchema, { path: 'db' }));
  watch.on('error', () => {});
  await new Promise((resolve) => watch.once('readable', resolve));
  let before = -1;
  const hasStopped = (): boolean => {
    const last = before;
    before = written;
    return last === written;
  };
  await expect.poll(hasStopped, { interval: 100 }).toBe(true);
  expect(written).toBeLessThan(1000);
  watch.cancel();
});

test('who asks on and on and takes no answers is not listened to, and later gets them all', async () => {
  const total = 40_000;
  let handled = 0;
  const { server } = await serve((_request, reply) => {
    handled += 1;
    reply.send(200, [], 'x'.repeat(500));
  });
  // Without a library of gRPC, which would take the answers for us.
  const session = connect(`http://${server.address}`);
  onTestFinished(() => session.destroy());
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ':method': 'POST', ':path': '/millrace.gateway.v1.Gateway/Exchange', ...headers });
  for (let id = 1; id <= total; id += 100) {
    const requests = Array.from({ length: 100 }, (_, i) => ({ id: id + i, path: 'db' }));
    stream.write(framed(toBinary(BatchSchema, create(BatchSchema, { requests }))));
  }
  let before = -1;
  const hasStopped = (): boolean => {
    const last = before;
    before = handled;
    return handled > 0 && last === handled;
  };
  await expect.poll(hasStopped, { interval: 200 }).toBe(true);
  expect(handled).toBeLessThan(total / 2);
  let bytes = 0;
  stream.on('data', (part: Buffer) => {
    bytes += part.length;
  });
  await expect.poll(() => handled, { timeout: 20_000 }).toBe(total);
  await expect.poll(() => bytes, { timeout: 20_000 }).toBeGreaterThan(total * 500);
});

/** A message of gRPC: whether it is compressed, and its length, in front of it. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

test('metadata has credentials, where the message has none', async () => {
  const { server } = await serve((request, reply) => reply.send(200, [], request.header('authorization') ?? 'none'));
  const { Client, credentials } = await import('@grpc/grpc-js');
  const { methodDefinition } = await import('#common/grpc/service.ts');
  const client = new Client(server.address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const metadata = new Metadata();
  metadata.set('authorization', 'Bearer x');
  const { path, requestSerialize, responseDeserialize } = methodDefinition(Gateway.method.call);
  const answer = await new Promise<Response>((resolve, reject) => {
    const done = (error: ServiceError | null, value?: object): void =>
      error ? reject(error) : resolve(value as Response);
    const request = create(RequestSchema, { path: 'db' });
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, {}, done);
  });
  expect(textOf(answer.body)).toBe('Bearer x');
});

test('a stop answers what is in flight, and sends the rest elsewhere', async () => {
  const held: Responder[] = [];
  const { server, service, channel } = await serve((_request, reply) => void held.push(reply));
  const stream = channel.duplex('exchange');
  const replies: Response[] = [];
  stream.on('data', ({ responses }: BatchReply) => replies.push(...responses));
  const ended = new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
  stream.write(create(BatchSchema, { requests: [{ id: 1, path: 'a' }] }));
  await expect.poll(() => held).toHaveLength(1);
  service.drain();
  stream.write(create(BatchSchema, { requests: [{ id: 2, verb: 'POST', path: 'b' }] }));
  await expect.poll(() => replies).toHaveLength(1);
  expect(replies[0]).toMatchObject({ id: 2, status: 503 });
  expect(replies[0]?.headers.map(({ name }) => name)).toContain('Connection');
  held[0]?.send(200, [], '');
  await ended;
  expect(replies[1]).toMatchObject({ id: 1, status: 200 });
  expect(held).toHaveLength(1);
  await server.drain(AbortSignal.timeout(10_000));
});

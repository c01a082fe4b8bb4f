import { create } from '@bufbuild/protobuf';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import {
  type Batch,
  type BatchReply,
  BatchReplySchema,
  Gateway,
  HeaderSchema,
  type Request,
  type Response,
  ResponseSchema,
} from '#proto/gateway/v1/gateway_pb.ts';
import { OPERATION_BYTES_MAX } from '../bounds.ts';
import { Deadline } from '../deadline.ts';
import { BatchedAnswers } from '../exchange/answers.ts';
import { type GrpcServer, startGrpcServer } from '../grpc/server.ts';
import { GatewayClient } from './client.ts';
import { GATEWAY_CODECS } from './codec.ts';
import { LEAVE } from './leave.ts';

interface Router {
  readonly address: string;
  readonly asked: Request[];
  readonly server: GrpcServer;
}

/** Answers each call with this; undefined: never. */
type Answer = (request: Request) => Partial<Response> | undefined;

const said =
  (body: string, status = 200): Answer =>
  () => ({ status, body: Buffer.from(body) });

/** A router as its clients see it, on a free port or the given address. */
async function router(answer: Answer, address = '127.0.0.1:0', token?: string): Promise<Router> {
  const asked: Request[] = [];
  const exchange = (call: ServerDuplexStream<Batch, BatchReply>): void => {
    new BatchedAnswers<Request, Response, Batch, BatchReply>(call, {
      callsOf: ({ requests }) => requests,
      cancelsOf: ({ cancels }) => cancels,
      deadlineOf: () => Deadline.after(30_000),
      begin: (request, _deadline, done) => {
        asked.push(request);
        const answered = answer(request);
        if (answered) done({ ...create(ResponseSchema), ...answered, id: request.id });
      },
      refusal: ({ id }) => create(ResponseSchema, { id, status: 400 }),
      stopping: () => {
        throw new Error('never asked');
      },
      batchOf: (responses) => create(BatchReplySchema, { responses }),
      bytesOf: ({ body }) => body.length,
    });
  };
  const services = [{ desc: Gateway, codecs: GATEWAY_CODECS, implementation: { exchange } }];
  const server = await startGrpcServer({ name: 'test', address, token, services });
  onTestFinished(() => server.close());
  return { address: server.address, asked, server };
}

function connect(...routers: { readonly address: string }[]): GatewayClient {
  const client = new GatewayClient({ addresses: routers.map(({ address }) => address) });
  onTestFinished(() => client.close());
  return client;
}

const soon = (): Deadline => Deadline.after(30_000);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** An address where nobody listens. */
async function nobody(): Promise<Router> {
  const gone = await router(said(''));
  await gone.server.close();
  return gone;
}

test('a call says what REST says, and so does its answer', async () => {
  const headers = [create(HeaderSchema, { name: 'A', value: 'b' })];
  const there = await router(() => ({ status: 404, headers, body: Buffer.from('no') }));
  const call = { verb: 'PUT', path: 'db', query: 'a=b', headers: { c: 'd' }, body: '{}', grant: Buffer.from('g') };
  const { status, headers: got, body } = await connect(there).call(call, Deadline.after(5000));
  expect([status, textOf(body)]).toEqual([404, 'no']);
  expect(got).toMatchObject([{ name: 'A', value: 'b' }]);
  const [asked] = there.asked;
  expect(asked).toMatchObject({ verb: 'PUT', path: 'db', query: 'a=b', headers: { c: 'd' } });
  expect([textOf(asked?.body ?? Buffer.from('')), textOf(asked?.grant ?? Buffer.from(''))]).toEqual(['{}', 'g']);
  expect(asked?.timeoutMs).toBeGreaterThan(4000);
  expect(asked?.timeoutMs).toBeLessThanOrEqual(5000);
});

test('an internal address wants the token', async () => {
  const { address } = await router(said('in'), undefined, 'secret');
  const outsider = new GatewayClient({ addresses: [address] });
  const insider = new GatewayClient({ addresses: [address], token: 'secret' });
  onTestFinished(() => [outsider, insider].forEach((client) => void client.close()));
  await expect(outsider.call({ path: 'db' }, soon())).rejects.toThrow();
  expect((await insider.call({ path: 'db' }, soon())).status).toBe(200);
});

test('it comes back to a router that was away', async () => {
  const first = await router(said('first'));
  const client = connect(first);
  expect(textOf((await client.call({ path: 'db' }, soon())).body)).toBe('first');
  await first.server.close();
  await expect(client.call({ path: 'db' }, soon())).rejects.toMatchObject({ code: 'unavailable' });
  await router(said('second'), first.address);
  const ask = async (): Promise<string> => textOf((await client.call({ path: 'db' }, soon())).body);
  await expect.poll(() => ask().catch(String), { timeout: 10_000 }).toBe('second');
});

test('of several routers the one that is gone is not noticed', async () => {
  const client = connect(await nobody(), await router(said('here')));
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.call({ path: 'db' }, soon())));
  expect(new Set(answers.map(({ body }) => textOf(body)))).toEqual(new Set(['here']));
});

test('the load is spread', async () => {
  const routers = [await router(said('a')), await router(said('b'))];
  const client = connect(...routers);
  await Promise.all(Array.from({ length: 200 }, () => client.call({ path: 'db' }, soon())));
  for (const { asked } of routers) expect(asked.length).toBeGreaterThan(60);
});

/** Refuses, as one that stops does. */
const stopping: Answer = () => ({ status: 503, headers: [LEAVE] });

test('a write that a stopping router did not begin is done by another, once', async () => {
  const [stops, stays] = [await router(stopping), await router(said('done', 201))];
  const client = connect(stops, stays);
  const answers = Array.from({ length: 50 }, () => client.call({ verb: 'POST', path: 'db' }, soon()));
  expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([201]));
  expect(stops.asked.length).toBeGreaterThan(0);
  expect(stays.asked).toHaveLength(50);
});

test('a router that is only busy is believed', async () => {
  const busy = await router(said('busy', 503));
  expect(await connect(busy).call({ path: 'db' }, soon())).toMatchObject({ status: 503 });
  expect(busy.asked).toHaveLength(1);
});

test('the deadline ends the waiting', async () => {
  const client = connect(await router(() => undefined));
  await expect(client.call({ path: 'db' }, Deadline.after(50))).rejects.toMatchObject({ code: 'deadline' });
  expect(client.inFlight).toBe(0);
});

test('a body that cannot travel ends nobody else’s call', async () => {
  const client = connect(await router(said('fine')));
  const large = client.call({ verb: 'POST', path: 'db', body: Buffer.alloc(OPERATION_BYTES_MAX + 1) }, soon());
  const other = client.call({ path: 'db' }, soon());
  await expect(large).rejects.toMatchObject({ code: 'limited' });
  expect((await other).status).toBe(200);
});

test('one that is closed fails what is in flight, and all that follows', async () => {
  const there = await router(() => undefined);
  const client = connect(there);
  const waiting = client.call({ verb: 'POST', path: 'db' }, soon());
  await expect.poll(() => there.asked).toHaveLength(1);
  client.close();
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  await expect(client.call({ path: 'db' }, soon())).rejects.toMatchObject({ code: 'unavailable' });
});

/** A connector that cannot stop what it began: its answer comes when nobody waits for it any more. */
import { create } from '@bufbuild/protobuf';
import { expect, onTestFinished, test } from 'vitest';
import { type BatchReply, BatchSchema, DataConnector, type Reply, type Result } from '#proto/data/v1/data_pb.ts';
import { STREAM_ANSWER_BYTES_MAX } from '../bounds.ts';
import type { Connector } from '../connector.ts';
import { callerGone, Deadline } from '../deadline.ts';
import { Channel } from '../grpc/channel.ts';
import { connect, HoldingConnector, operationOf, resultOf, serve, textOf } from '../testing/exchange.ts';

/** Looks at no deadline: goes on until the test answers. */
class DeafConnector implements Connector {
  readonly #answers = new Map<string, (json: string) => void>();

  execute({ requestId }: { requestId: string }): Promise<Result> {
    return new Promise((resolve) => this.#answers.set(requestId, (json) => resolve(resultOf(json))));
  }

  async answer(requestId: string, json = requestId): Promise<void> {
    await expect.poll(() => this.#answers.has(requestId)).toBe(true);
    this.#answers.get(requestId)?.(json);
  }
}

const soon = (): Deadline => Deadline.after(30_000);

test('it hits none of the calls that have taken its place', async () => {
  const connector = new DeafConnector();
  const client = connect(await serve(connector));
  const deadline = soon();
  const gone = Array.from({ length: 200 }, (_, i) => client.send(operationOf(`gone ${i}`), deadline));
  const there = client.send(operationOf('there'), soon());
  await connector.answer('there');
  await there; // so all before it have arrived too
  deadline.abort(callerGone());
  for (const { status } of await Promise.allSettled(gone)) expect(status).toBe('rejected');
  expect(client.inFlight).toBe(0);
  const names = gone.map((_, i) => `next ${i}`);
  const next = Promise.all(names.map((name) => client.send(operationOf(name), soon())));
  await Promise.all(gone.map((_, i) => connector.answer(`gone ${i}`)));
  await Promise.all(names.map((name) => connector.answer(name)));
  expect((await next).map(({ result }) => textOf(result.json))).toEqual(names);
});

/** The stream as it is on the wire, without our client on it. */
async function rawStream(connector: Connector) {
  const { server, service } = await serve(connector);
  const settings = { address: server.address, token: undefined, peer: 'test', codecs: service.codecs ?? new Map() };
  const channel = new Channel(DataConnector, settings);
  onTestFinished(() => channel.close());
  const stream = channel.duplex('exchange');
  const replies: Reply[] = [];
  stream.on('error', () => {});
  stream.on('data', (batch: BatchReply) => replies.push(...batch.replies));
  const send = (requestIds: readonly string[], cancels: number[] = []): void => {
    const operations = requestIds.map((requestId) => ({ ...operationOf(requestId), id: Number(requestId) }));
    stream.write(create(BatchSchema, { operations, cancels }));
  };
  return { send, replies };
}

test('a large one is not kept for somebody who has gone', async () => {
  const connector = new DeafConnector();
  const { send, replies } = await rawStream(connector);
  const large = 'x'.repeat(STREAM_ANSWER_BYTES_MAX + 1);
  send(['1', '2']);
  send(['3'], [1]);
  await connector.answer('3');
  await connector.answer('1', large);
  await connector.answer('2', large);
  await expect
    .poll(() => replies.map(({ id, outcome }) => `${id} ${outcome.case}`).sort())
    .toEqual(['1 error', '2 parked', '3 result']);
});

test('a cancel for a call that was answered, or never was, touches nobody', async () => {
  const connector = new HoldingConnector();
  const { send, replies } = await rawStream(connector);
  send(['1', '2']);
  (await connector.call('1')).answer();
  await expect.poll(() => replies).toHaveLength(1);
  send(['3'], [1, 999]);
  (await connector.call('3')).answer();
  await expect.poll(() => replies).toHaveLength(2);
  expect((await connector.call('2')).deadline.reason).toBeUndefined();
});

import { describe, expect, onTestFinished, test } from 'vitest';
import type { Connector } from '#common/connector.ts';
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { ExchangeClient } from '#common/exchange/client.ts';
import { Replicas } from '#common/replicas.ts';
import { echo, HoldingConnector, operationOf, resultOf, type Served, serve, textOf } from '#common/testing/exchange.ts';
import { Forwarder } from './forward.ts';

/** Nobody listens there. */
const GONE = '127.0.0.1:1';

const soon = () => Deadline.after(10_000);
const addressOf = ({ server }: Served) => server.address;

const replicasAt = (...addresses: string[]) =>
  new Replicas(addresses.map((address) => new ExchangeClient({ address, token: undefined, peer: 'sql' })));

function forwarderTo(...addresses: string[]): Forwarder {
  const forwarder = new Forwarder(new Map([['sql', replicasAt(...addresses)]]));
  onTestFinished(() => forwarder.close());
  return forwarder;
}

const codeOf = (sent: Promise<unknown>) =>
  sent.then(
    () => 'answered',
    (error: unknown) => (error as MillraceError).code,
  );

/** Counts what reaches it, and answers as it is told. */
function counting(answer: () => ReturnType<typeof resultOf>): { connector: Connector; reached: string[] } {
  const reached: string[] = [];
  const execute: Connector['execute'] = async ({ requestId }) => {
    reached.push(requestId);
    return answer();
  };
  return { connector: { execute }, reached };
}

test('an answer comes back', async () => {
  const forwarder = forwarderTo(addressOf(await serve(echo)));
  const { result, chunks } = await forwarder.send('sql', operationOf('a'), soon(), true);
  expect([textOf(result.json), chunks]).toEqual(['a', undefined]);
});

test('a tier that nobody configured is unavailable', async () => {
  const forwarder = forwarderTo(GONE);
  expect(await codeOf(forwarder.send('nosql', operationOf('a'), soon(), true))).toBe('unavailable');
  expect(() => forwarder.stream('nosql', operationOf('a'), soon())).toThrow(MillraceError);
});

test('so is one that nobody serves', async () => {
  expect(await codeOf(forwarderTo().send('sql', operationOf('a'), soon(), true))).toBe('unavailable');
});

test('reading goes round a replica that is gone', async () => {
  const forwarder = forwarderTo(GONE, addressOf(await serve(echo)));
  for (let i = 0; i < 20; i++)
    expect(await codeOf(forwarder.send('sql', operationOf(`${i}`), soon(), true))).toBe('answered');
});

test('where all are gone it is tried twice, and no more', async () => {
  const forwarder = forwarderTo(GONE, GONE);
  expect(await codeOf(forwarder.send('sql', operationOf('a'), soon(), true))).toBe('unavailable');
  expect(forwarder.inFlight).toBe(0);
});

describe('a replica that is lost with an operation under way', () => {
  const CASES = [
    { why: 'reading is done by another one', repeatable: true, reached: 2 },
    { why: 'a write is not: it may have been done', repeatable: false, reached: 1 },
  ];
  test.each(CASES)('$why', async ({ repeatable, reached }) => {
    const connectors = [new HoldingConnector(), new HoldingConnector()] as const;
    const replicas = [await serve(connectors[0]), await serve(connectors[1])] as const;
    const forwarder = forwarderTo(...replicas.map(addressOf));
    const answer = codeOf(forwarder.send('sql', operationOf('a'), soon(), repeatable));
    const held = () => connectors.flatMap((connector) => connector.held);
    await expect.poll(() => held().length).toBe(1);
    const first = connectors[0].held.length === 1 ? 0 : 1;
    await replicas[first].server.close();
    if (repeatable) {
      await expect.poll(() => held().length).toBe(2);
      connectors[1 - first]?.held[0]?.answer();
    }
    expect(await answer).toBe(repeatable ? 'answered' : 'unavailable');
    expect(held()).toHaveLength(reached);
  });
});

test.each(['invalid', 'denied', 'unavailable', 'overloaded', 'internal'] as const)(
  'what a connector says itself (%s) is not asked of another one',
  async (code) => {
    const { connector, reached } = counting(() => {
      throw new MillraceError(code, 'no');
    });
    const [a, b] = [await serve(connector), await serve(connector)];
    const forwarder = forwarderTo(addressOf(a), addressOf(b));
    expect(await codeOf(forwarder.send('sql', operationOf('a'), soon(), true))).toBe(code);
    expect(reached).toEqual(['a']);
  },
);

test('nobody waits for a second try whose caller has gone', async () => {
  const { connector, reached } = counting(() => resultOf('x'));
  const forwarder = forwarderTo(GONE, addressOf(await serve(connector)));
  const deadline = soon();
  deadline.abort(new MillraceError('cancelled', 'gone'));
  expect(await codeOf(forwarder.send('sql', operationOf('a'), deadline, true))).toBe('cancelled');
  expect(reached).toEqual([]);
});

describe('replicas', () => {
  test('one that failed rests, and all that failed are better than none', () => {
    const replicas = replicasAt(GONE, '127.0.0.1:2');
    onTestFinished(() => replicas.close());
    const first = replicas.pick()!;
    replicas.failed(first);
    const picked = new Set(Array.from({ length: 50 }, () => replicas.pick()));
    expect(picked.size).toBe(1);
    expect(picked.has(first)).toBe(false);
    replicas.failed([...picked][0]!);
    expect(replicas.pick()).toBeDefined();
  });

  test('the less loaded of two is taken', async () => {
    const connectors = [new HoldingConnector(), new HoldingConnector()] as const;
    const served = [await serve(connectors[0]), await serve(connectors[1])] as const;
    const forwarder = forwarderTo(...served.map(addressOf));
    const sent = Array.from({ length: 40 }, (_, i) => forwarder.send('sql', operationOf(`${i}`), soon(), true));
    await expect.poll(() => connectors[0].held.length + connectors[1].held.length).toBe(40);
    expect(Math.min(...connectors.map(({ held }) => held.length))).toBeGreaterThan(10);
    for (const { held } of connectors) for (const each of held) each.answer();
    await Promise.all(sent);
  });
});

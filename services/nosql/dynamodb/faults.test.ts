/** What a real DynamoDB does when it has too much to do, said by a server that does nothing else. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import type { NoSqlSource, StoreTable, Write } from '../engine.ts';
import { engine } from './index.ts';

const TABLE: StoreTable = {
  name: 'things',
  key: [{ name: 'id', type: 'string', generated: false }],
  indexes: [],
  native: { AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }] },
};
type Body = Record<string, never> & { RequestItems: Record<string, unknown[] & { Keys: unknown[] }> };
type Answer = { readonly status?: number; readonly body: object };
const THROTTLED: Answer = { status: 400, body: { __type: 'com.amazonaws#ProvisionedThroughputExceededException' } };

let server: Server | undefined;
let source: NoSqlSource | undefined;
afterEach(async () => {
  await source?.close();
  server?.closeAllConnections();
  server?.close();
});

/** @param answer  by what is asked for the how manieth time; undefined: none ever */
async function open(
  answer: (operation: string, body: Body, count: number) => Answer | undefined,
): Promise<NoSqlSource> {
  let count = 0;
  server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const found = answer(operation, JSON.parse(Buffer.concat(pieces).toString()) as Body, ++count);
    if (!found) return;
    response.writeHead(found.status ?? 200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(found.body));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  source = engine.open(
    { region: 'us-east-1', key: 'k', secret: 's', endpoint },
    { dataDir: '', serviceName: 'dynamo', connectionsMax: 4 },
  );
  return source;
}

const puts = (count: number): Write[] =>
  Array.from({ length: count }, (_, n) => ({ kind: 'replace', key: [`${n}`], document: {}, upsert: true }));

describe('a store that throttles', () => {
  test('is asked again', async () => {
    const store = await open((_, __, count) => (count < 4 ? THROTTLED : { body: { Item: { id: { S: 'a' } } } }));
    const [found] = await store.get(TABLE, [['a']], undefined, Deadline.after(10_000));
    expect(found?.members()).toEqual({ id: 'a' });
  });

  test('until the deadline', async () => {
    const store = await open(() => THROTTLED);
    const [outcome] = await store.write(TABLE, puts(1), true, Deadline.after(300));
    expect(outcome).toMatchObject({ error: { code: 'overloaded', context: { retry_after_seconds: 1 } } });
    await expect(store.get(TABLE, [['a']], undefined, Deadline.after(200))).rejects.toMatchObject({
      code: 'overloaded',
    });
  });

  test('writes that were not processed are sent again, and no others', async () => {
    const sizes: number[] = [];
    const store = await open((_, { RequestItems: { things = [] } }) => {
      sizes.push(things.length);
      return { body: { UnprocessedItems: things.length > 1 ? { things: things.slice(0, things.length >> 1) } : {} } };
    });
    const outcomes = await store.write(TABLE, puts(20), false, Deadline.after(10_000));
    expect(outcomes.every((one) => 'key' in one)).toBe(true);
    expect(sizes).toEqual([20, 10, 5, 2, 1]);
  });

  test('keys that were not processed are asked for again', async () => {
    const store = await open((_, { RequestItems: { things } }) => {
      const [first, ...others] = things?.Keys ?? [];
      if (!things?.Keys) return { body: {} };
      return {
        body: {
          Responses: { things: [first] },
          UnprocessedKeys: others.length > 0 ? { things: { Keys: others } } : {},
        },
      };
    });
    const found = await store.get(TABLE, [['a'], ['b'], ['c']], undefined, Deadline.after(10_000));
    expect(found.map((one) => one?.members()['id'])).toEqual(['a', 'b', 'c']);
  });

  test('transactions that meet are sent again', async () => {
    const reasons = [{ Code: 'None' }, { Code: 'TransactionConflict' }];
    const store = await open((_, __, count) =>
      count < 3
        ? { status: 400, body: { __type: 'x#TransactionCanceledException', CancellationReasons: reasons } }
        : { body: {} },
    );
    expect(await store.writeTogether?.(TABLE, puts(2), Deadline.after(10_000))).toHaveLength(2);
  });
});

test('a caller who leaves is not kept waiting by a store that says nothing', async () => {
  const deadline = Deadline.after(60_000);
  const store = await open(() => {
    setImmediate(() => deadline.abort(callerGone()));
    return undefined;
  });
  await expect(store.get(TABLE, [['a']], undefined, deadline)).rejects.toMatchObject({ code: 'cancelled' });
});

test('what the store says stays with us', async () => {
  const store = await open(() => ({
    status: 400,
    body: { __type: 'x#AccessDeniedException', message: 'User arn:aws:iam::1:user/x is not authorized' },
  }));
  const failed = store.get(TABLE, [['a']], undefined, Deadline.after(10_000));
  await expect(failed).rejects.toMatchObject({ code: 'denied', message: expect.not.stringContaining('arn') });
});

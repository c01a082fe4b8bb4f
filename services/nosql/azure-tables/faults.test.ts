/** What a real Azure does when it has too much to do, said by a server that does nothing else. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { NoSqlSource, StoreTable } from '../engine.ts';
import { engine } from './index.ts';

const TABLE: StoreTable = { name: 'things', key: [], indexes: [], native: {} };
let server: Server | undefined;
let source: NoSqlSource | undefined;
afterEach(async () => {
  await source?.close();
  server?.closeAllConnections();
  server?.close();
});

async function open(statusOf: (count: number) => number): Promise<NoSqlSource> {
  let count = 0;
  server = createServer((request, response) => {
    request.resume();
    const status = statusOf(++count);
    const body =
      status === 200
        ? { PartitionKey: 'a', RowKey: 'b', n: 1 }
        : { 'odata.error': { code: 'ServerBusy', message: { value: 'at 10.0.0.1' } } };
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/acc`;
  const config = { account_name: 'acc', account_key: 'a2V5', protocol: 'http', endpoint };
  source = engine.open(config, { dataDir: '', serviceName: 'azure', connectionsMax: 4 });
  return source;
}

test.each([503, 429])('a store that throttles by %i is asked again', async (status) => {
  const store = await open((count) => (count < 4 ? status : 200));
  const [found] = await store.get(TABLE, [['a', 'b']], undefined, Deadline.after(10_000));
  expect(found?.members()).toMatchObject({ n: 1 });
});

test('until the deadline', async () => {
  const store = await open(() => 503);
  const got = store.get(TABLE, [['a', 'b']], undefined, Deadline.after(200));
  await expect(got).rejects.toMatchObject({ code: 'overloaded', context: { retry_after_seconds: 1 } });
  const [outcome] = await store.write(TABLE, [{ kind: 'delete', key: ['a', 'b'] }], true, Deadline.after(200));
  expect(outcome).toMatchObject({ error: { code: 'overloaded', message: expect.not.stringContaining('10.0') } });
});

/** Batches that are carried out in part, and failures: by a server that answers as it is told. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { NoSqlSource, StoreTable, Write } from '../engine.ts';
import { engine } from './index.ts';

interface Answer {
  readonly status?: number;
  readonly body: object;
}
type Keys = readonly object[];
interface Asked {
  readonly name: string;
  readonly body: { readonly RequestItems: Readonly<Record<string, unknown>> };
}

const refusal = (name: string, status = 400): Answer => ({
  status,
  body: { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'secret words' },
});

let server: Server;
let source: NoSqlSource;
let asked: Asked[];
/** undefined: it never answers. */
let answer: (request: Asked, place: number) => Answer | undefined;
const table: StoreTable = {
  ...{ name: 'things', indexes: [], native: {} },
  key: [{ name: 'id', type: 'string', generated: false }],
};
const soon = () => Deadline.after(10_000);

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece) => {
      text += piece;
    });
    request.on('end', () => {
      const one = { name: String(request.headers['x-amz-target']).split('.')[1] ?? '', body: JSON.parse(text) };
      asked.push(one);
      const found = answer(one, asked.length);
      if (!found) return;
      response.writeHead(found.status ?? 200, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(JSON.stringify(found.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = { region: 'us-east-1', key: 'k', secret: 's', endpoint: `http://127.0.0.1:${port}` };
  source = engine.open(config, { dataDir: '', serviceName: 'dynamo', connectionsMax: 4 });
});
afterEach(async () => {
  await source.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const get = (deadline = soon(), ...ids: string[]) =>
  source.get(table, ids.length > 0 ? ids.map((id) => [id]) : [['a']], undefined, deadline);
const put = (id: string): Write => ({ kind: 'replace', key: [id], document: { n: 1 }, upsert: true });

describe('what it has left undone', () => {
  const keysOf = ({ body }: Asked): Keys => (body.RequestItems['things'] as { Keys: Keys }).Keys;
  const putsOf = ({ body }: Asked): Keys => body.RequestItems['things'] as Keys;

  test('keys are asked for again, each once', async () => {
    answer = (one) => {
      const [first, ...others] = keysOf(one);
      const left = others.length > 0 ? { UnprocessedKeys: { things: { Keys: others } } } : {};
      return { body: { Responses: { things: [first] }, ...left } };
    };
    const found = await get(soon(), 'a', 'b', 'c');
    expect(found.map((one) => one?.members())).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    expect(asked.map((one) => keysOf(one).length)).toEqual([3, 2, 1]);
  });

  test('keys of which none is ever read', async () => {
    answer = (one) => ({ body: { Responses: {}, UnprocessedKeys: { things: { Keys: keysOf(one) } } } });
    await expect(get(Deadline.after(200), 'a', 'b')).rejects.toMatchObject({ code: 'overloaded' });
  });

  test('items are sent again, each once', async () => {
    answer = (one) => ({ body: { UnprocessedItems: putsOf(one).length > 1 ? { things: putsOf(one).slice(1) } : {} } });
    const outcomes = await source.write(table, ['a', 'b', 'c'].map(put), false, soon());
    expect(outcomes.every((one) => 'key' in one)).toBe(true);
    expect(asked.map((one) => putsOf(one).length)).toEqual([3, 2, 1]);
  });

  test('items that are never taken', async () => {
    answer = (one) => ({ body: { UnprocessedItems: { things: putsOf(one) } } });
    const outcomes = await source.write(table, ['a', 'b'].map(put), false, Deadline.after(200));
    expect(outcomes).toMatchObject([{ error: { code: 'overloaded' } }, { error: { code: 'overloaded' } }]);
  });

  test('those that were taken are done, whatever becomes of the others', async () => {
    answer = (one) => ({ body: { UnprocessedItems: { things: putsOf(one).slice(-1) } } });
    const outcomes = await source.write(table, ['a', 'b', 'c'].map(put), false, Deadline.after(200));
    expect(outcomes).toMatchObject([{ key: { id: 'a' } }, { key: { id: 'b' } }, { error: { code: 'overloaded' } }]);
  });
});

const FAILURES = [
  { why: 'it fails', answer: refusal('InternalServerError', 500), code: 'unavailable' },
  { why: 'wrong credentials', answer: refusal('UnrecognizedClientException'), code: 'unavailable' },
  { why: 'no permission', answer: refusal('AccessDeniedException'), code: 'denied' },
  { why: 'no table', answer: refusal('ResourceNotFoundException'), code: 'not_found' },
  { why: 'a bad request', answer: refusal('ValidationException'), code: 'invalid' },
];
test.each(FAILURES)('$why: asked once, and nothing of its words is told', async ({ answer: given, code }) => {
  answer = () => given;
  const failure = await get().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code });
  expect((failure as Error).message).not.toMatch(/secret|127\.0\.0\.1/);
  expect(asked).toHaveLength(1);
});

test('nobody is there', async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(get()).rejects.toMatchObject({ code: 'unavailable' });
});

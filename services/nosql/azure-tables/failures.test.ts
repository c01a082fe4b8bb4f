/** How failures are told: by a server that answers as it is told. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import type { NoSqlSource, StoreTable } from '../engine.ts';
import { engine } from './index.ts';

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly body?: object;
}

let server: Server;
let source: NoSqlSource;
let asked: string[];
/** undefined: it never answers. */
let answer: (request: IncomingMessage, place: number) => Answer | undefined;
const table: StoreTable = { name: 'things', key: [], indexes: [], native: {} };
const soon = () => Deadline.after(10_000);

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url?.split('?')[0]}`);
    request.resume();
    request.on('end', () => {
      const found = answer(request, asked.length);
      if (!found) return;
      const { status, code, body } = found;
      const headers = { 'content-type': 'application/json', ...(code !== undefined && { 'x-ms-error-code': code }) };
      response.writeHead(status, headers);
      response.end(JSON.stringify(body ?? (code && { 'odata.error': { code, message: { value: 'secret words' } } })));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = { account_name: 'acc', account_key: 'a2V5', endpoint: `http://127.0.0.1:${port}/acc` };
  source = engine.open(config, { dataDir: '', serviceName: 'tables', connectionsMax: 4 });
});
afterEach(async () => {
  await source.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const get = (deadline = soon()) => source.get(table, [['p', 'r']], undefined, deadline);

const FAILURES = [
  { why: 'it fails', answer: { status: 500, code: 'InternalError' }, code: 'unavailable' },
  { why: 'wrong credentials', answer: { status: 403, code: 'AuthenticationFailed' }, code: 'unavailable' },
  { why: 'no permission', answer: { status: 403, code: 'AuthorizationFailure' }, code: 'denied' },
  { why: 'no table', answer: { status: 404, code: 'TableNotFound' }, code: 'not_found' },
  { why: 'a bad request', answer: { status: 400, code: 'InvalidInput' }, code: 'invalid' },
  { why: 'an unknown word', answer: { status: 400, code: 'SomethingNew' }, code: 'invalid' },
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

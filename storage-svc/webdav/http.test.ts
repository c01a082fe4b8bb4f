import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readWebdavConfig } from './config.ts';
import { Http } from './http.ts';

/** Answers with these statuses, one after the other, and then with the last one. */
async function answering(...statuses: number[]): Promise<{ http: Http; asked: () => number }> {
  let asked = 0;
  const server = createServer((_, response) => {
    response.statusCode = statuses[Math.min(asked++, statuses.length - 1)] ?? 200;
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const http = new Http(readWebdavConfig({ base_uri, container: '/' }), 1);
  onTestFinished(() => {
    http.close();
    server.closeAllConnections();
    server.close();
  });
  return { http, asked: () => asked };
}

const GOOD = [200];

test.each([
  ['GET', 403],
  ['GET', 503],
  ['PROPFIND', 503],
] as const)('%s that was answered with %i is tried once more', async (method, status) => {
  const { http, asked } = await answering(status, 200);
  const { statusCode, body } = await http.send({ method, path: '/a' }, GOOD);
  await body.dump();
  expect([statusCode, asked()]).toEqual([200, 2]);
});

test.each([
  ['PUT', 403],
  ['PUT', 503],
  ['PROPFIND', 403],
  ['GET', 404],
] as const)('%s that was answered with %i is not', async (method, status) => {
  const { http, asked } = await answering(status, 200);
  await expect(http.send({ method, path: '/a' }, GOOD)).rejects.toMatchObject({ status });
  expect(asked()).toBe(1);
});

test('what stays forbidden is asked for twice', async () => {
  const { http, asked } = await answering(403);
  await expect(http.send({ method: 'GET', path: '/a' }, GOOD)).rejects.toMatchObject({ status: 403 });
  expect(asked()).toBe(2);
});

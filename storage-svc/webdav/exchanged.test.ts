/** A server whose file another one takes the place of between its look at the file and its opening of it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Bench } from '../conformance/bench.ts';
import { backend } from './index.ts';

const OLD = { etag: 'old', content: 'old!' };
const NEW = { etag: 'new', content: 'newer' };

/** @param exchanges  how many times the file is another one when it is opened */
async function serving(exchanges: number): Promise<Bench> {
  let [found, opened] = [OLD, OLD];
  let left = exchanges;
  const server = createServer((request, response) => {
    if (request.method === 'PROPFIND') {
      const size = `<getcontentlength>${found.content.length}</getcontentlength>`;
      const prop = `<resourcetype/>${size}<getetag>"${found.etag}"</getetag>`;
      const propstat = `<propstat><prop>${prop}</prop><status>HTTP/1.1 200 OK</status></propstat>`;
      response.writeHead(207, { 'content-type': 'application/xml' });
      response.end(
        `<multistatus xmlns="DAV:"><response><href>${request.url}</href>${propstat}</response></multistatus>`,
      );
      return;
    }
    if (left-- > 0) opened = found === OLD ? NEW : OLD;
    const sent = Buffer.from(opened.content).subarray(0, found.content.length);
    response.writeHead(200, { etag: `"${found.etag}"`, 'content-length': sent.length });
    response.end(sent);
    found = opened;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const context = { dataDir: '', serviceName: 'files', connectionsMax: 2 };
  const source = backend.open({ base_uri, container: '/' }, context);
  onTestFinished(async () => {
    await source.close();
    server.closeAllConnections();
    server.close();
  });
  return new Bench(source, { backend, lacks: {}, open: async () => source });
}

test.each([
  [0, OLD.content],
  [1, NEW.content],
  [2, OLD.content],
  [20, OLD.content],
])('after %i exchanges what is read is whole', async (exchanges, content) => {
  const bench = await serving(exchanges);
  expect(await bench.text('a')).toBe(content);
});

test('one that never rests is not read as something else', async () => {
  const bench = await serving(Number.POSITIVE_INFINITY);
  await expect(bench.text('a')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('replaced'),
  });
});

/** Zips over the tier's service, into a real folder and into a store of keys and values. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { bodyOf, SERVICES, soon, startTier, type Tier } from '../testing/tier.ts';
import { evilZip } from './testing/make-zip.ts';
import { zipEntries } from './testing/read-zip.ts';

const LARGE = Buffer.from(Array.from({ length: 200_000 }, (_, i) => `line ${i}\n`).join(''));
const ZIP = evilZip([
  { name: 'index.html', content: '<html>' },
  { name: 'data/large.log', content: LARGE },
  { name: 'data/日本 語+%#.txt', content: 'name' },
  { name: 'empty/' },
]);

let tier: Tier;
let server: Server;
let url = '';
beforeAll(async () => {
  tier = await startTier();
  server = createServer((request, response) => response.writeHead(request.url === '/z.zip' ? 200 : 404).end(ZIP));
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await tier.close();
});

describe.each(SERVICES)('%s', (service) => {
  test('in and out again', async () => {
    const head = { path: 'site', clean: true };
    const pieces = Array.from({ length: Math.ceil(ZIP.length / 10_000) }, (_, i) =>
      ZIP.subarray(i * 10_000, (i + 1) * 10_000),
    );
    const unpacked = await tier.client.unpack({ service }, head, bodyOf(...pieces), soon());
    expect(unpacked).toMatchObject({ files: 3, folder: { path: 'site', isFolder: true } });
    const { body } = await tier.client.pack({ service }, 'site', soon());
    const all: Uint8Array[] = [];
    for await (const piece of body) all.push(piece);
    const prefix = service === 'disk' ? 'site/' : '';
    const entries = await zipEntries(Buffer.concat(all));
    expect(entries.map(({ name }) => name)).toEqual(
      ['data/large.log', 'data/日本 語+%#.txt', 'empty/', 'index.html'].map((name) => prefix + name),
    );
    expect(entries[0]?.content.equals(LARGE)).toBe(true);
  });

  test('from an address', async () => {
    const source = { url: `${url}/z.zip`, unpack: true };
    const answer = await tier.client.fetch({ service }, { path: 'fetched' }, source, soon());
    expect(answer).toMatchObject({ unpacked: { files: 3 } });
    const file = { url: `${url}/z.zip`, unpack: false, intoFolder: true };
    expect(await tier.client.fetch({ service }, { path: 'fetched' }, file, soon())).toMatchObject({
      written: { entry: { path: 'fetched/z.zip', size: ZIP.length } },
    });
  });

  test('what is refused', async () => {
    const refused = (work: Promise<unknown>, code: string) => expect(work).rejects.toMatchObject({ code });
    await refused(tier.client.unpack({ service }, { path: 'x' }, bodyOf('no zip'), soon()), 'invalid');
    await refused(
      tier.client.unpack({ service }, { path: 'x' }, bodyOf(...Array(65).fill(Buffer.alloc(MIB))), soon()),
      'invalid',
    );
    await refused(tier.client.pack({ service }, 'x', soon()), 'not_found');
    for (const unpack of [true, false]) {
      await refused(tier.client.fetch({ service }, { path: 'x' }, { url: `${url}/`, unpack }, soon()), 'not_found');
      const inner = { url: 'http://10.0.0.1/', unpack };
      await refused(tier.client.fetch({ service }, { path: 'x' }, inner, soon()), 'invalid');
    }
    expect((await tier.client.stat({ service }, 'x', [], soon())).entry).toBeUndefined();
  });
});

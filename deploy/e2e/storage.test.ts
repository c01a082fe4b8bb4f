/** The storage tier as a process of its own: it is killed in the middle of an upload, drained in the middle of a read. */
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import { Deadline } from '#common/deadline.ts';
import { FileStoreClient } from '#common/files/client.ts';
import { until } from './process.ts';
import { signIn, Tiers } from './product.ts';

const CONTEXT = { service: 'depot' };
const soon = (): Deadline => Deadline.after(30_000);

async function* before(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('before');
}

let tiers: Tiers;
let client: FileStoreClient;

beforeAll(async () => {
  tiers = new Tiers();
  await tiers.start('system', 'storage');
  await tiers.start('router');
  const admin = await signIn(tiers.anyone);
  await until('the storage tier has said what it serves', async () => {
    const { status } = await admin.send('GET', 'system/service_type/local_file');
    return status === 200 || undefined;
  });
  const service = {
    name: 'depot',
    label: 'Depot',
    type: 'local_file',
    is_active: true,
    config: { container: 'depot' },
  };
  await admin.create('system/service', service);
  client = new FileStoreClient([{ address: tiers.storageAddress, token: tiers.token, peer: 'storage' }]);
  await client.write(CONTEXT, { path: 'kept' }, before(), soon());
});
afterAll(async () => {
  client?.close();
  await tiers?.stop();
});

const partsFolder = (): string => join(tiers.folder, 'storage', 'depot', '.millrace', 'parts');
const names = async (): Promise<string[]> => {
  const { entries } = await client.list(CONTEXT, {}, soon());
  const all: string[] = [];
  for await (const group of entries) all.push(...group.map(({ path }) => path));
  return all;
};

test('killed in the middle of an upload: the caller hears it, nothing is seen of it, and what is left goes later', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let piece = 0; ; piece++) {
      if (piece === 5) void tiers.of('storage').stop('SIGKILL');
      yield Buffer.alloc(MIB);
    }
  }
  const uploads = ['new', 'kept'].map((path) => client.write(CONTEXT, { path }, endless(), soon()));
  for (const upload of uploads) await expect(upload).rejects.toMatchObject({ code: 'unavailable' });
  const left = readdirSync(partsFolder());
  expect(left.length).toBeGreaterThan(0);
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
  for (const name of left) utimesSync(join(partsFolder(), name), twoDaysAgo, twoDaysAgo);

  await tiers.start('storage');
  expect(await until('it is back', () => names().catch(() => undefined))).toEqual(['kept']);
  const { entry } = await client.stat(CONTEXT, 'kept', [], soon());
  expect(entry?.size).toBe('before'.length);
  expect(readdirSync(partsFolder())).toEqual([]);
});

test('told to stop, it finishes what is being read', async () => {
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 20; n++) yield Buffer.alloc(MIB, n);
  }
  await client.write(CONTEXT, { path: 'large' }, content(), soon());
  const { body } = await client.read(CONTEXT, { path: 'large' }, soon());
  let bytes = (await body.next()).value?.length ?? 0;
  const stopped = tiers.of('storage').stop();
  for await (const piece of body) bytes += piece.length;
  expect(bytes).toBe(20 * MIB);
  expect(await stopped).toEqual({ code: 0, signal: null });
});

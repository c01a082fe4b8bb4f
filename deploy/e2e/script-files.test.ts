/** Scripts that are files of a storage: what stands in the file is run, and what stands in it later. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from './process.ts';
import { errorOf, ScriptedShop } from './scripted.ts';

/** A change of a file by the API is noticed at once: earlier than files are looked at anyway. */
const NOTICED_MS = 3_000;
const HELLO = 'vault/scripts/hello.js';
const SALE = 'shop/_table/sale';
const EVENT = 'shop._table.sale.get.post_process';

let scripted: ScriptedShop;
let vaultId: number;

beforeAll(async () => {
  scripted = await ScriptedShop.open();
  const config = { container: 'vault' };
  const vault = { name: 'vault', label: 'vault', type: 'local_file', is_active: true, config };
  vaultId = (await scripted.admin.create('system/service', vault)).id;
  await until('it is served', async () => (await scripted.admin.send('GET', 'vault/')).status === 200);
  await scripted.admin.json('POST', 'vault/scripts/');
});
afterAll(() => scripted?.close());
afterEach(() => scripted.clear());

const soon = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: NOTICED_MS, interval: 50 });

async function write(text: string): Promise<void> {
  const { status } = await scripted.admin.send('PUT', HELLO, text, { 'Content-Type': 'text/javascript' });
  expect(status).toBeLessThan(300);
}

const linked = () => ({ storage_service_id: vaultId, storage_path: '/scripts/hello.js' });

test('of a service', async () => {
  const { admin } = scripted;
  const answer = async () => (await admin.send('GET', 'hello')).text;
  await write('return { says: "one" };');
  await scripted.service('hello', 'return "of the service itself"', linked());
  await scripted.known();
  expect(await answer()).toBe('{"says":"one"}');
  await write('return { says: "another" };');
  await soon(answer).toBe('{"says":"another"}');
  await admin.json('DELETE', HELLO);
  await soon(async () => errorOf(await admin.send('GET', 'hello'))).toEqual([
    500,
    expect.stringMatching(/^The file vault\/scripts\/hello\.js of this script cannot be read: /),
  ]);
});

test('of an event, which is looked at when the script is stored', async () => {
  const { admin } = scripted;
  await write('event.response.content.resource = "one"');
  await scripted.bind(EVENT, '', linked());
  expect(await admin.json('GET', SALE)).toMatchObject({ resource: 'one' });
  const tried = await admin.send('POST', `system/event_script/${EVENT}/_test`, {});
  expect(errorOf(tried)).toEqual([400, expect.stringMatching(/in a file/)]);
  await admin.json('PATCH', `system/event_script/${EVENT}`, { storage_path: null, content: 'throw "its own"' });
  await scripted.known();
  expect(errorOf(await admin.send('GET', SALE))).toEqual([500, 'its own']);
});

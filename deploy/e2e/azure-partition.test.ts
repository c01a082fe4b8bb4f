/** Records of Azure Tables by their RowKey, with the PartitionKey beside it (database-api §9.3). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningAzurite, startAzurite } from '../testing/azurite.ts';
import { type Client, withKey } from './client.ts';
import { Shop } from './shop.ts';

const PETS = [
  { PartitionKey: 'p', RowKey: 'a', name: 'Ada' },
  { PartitionKey: 'p', RowKey: 'b,1', name: 'Bob' },
  { PartitionKey: 'q', RowKey: 'a', name: 'Cid' },
];

describe('a partition beside identifiers', () => {
  let azurite: RunningAzurite;
  let shop: Shop;
  let admin: Client;
  let serviceId: number;
  const ask = async (verb: string, path: string, body?: object, client = admin): Promise<unknown> => {
    const { status, text } = await client.send(verb, `cloud/_table/pet${path}`, body);
    return status < 400 ? JSON.parse(text, (name, value) => (name === 'Timestamp' ? undefined : value)) : status;
  };
  const names = async (query = ''): Promise<string[]> =>
    ((await ask('GET', query)) as { resource: { name: string }[] }).resource.map(({ name }) => name).toSorted();
  const key = (PartitionKey: string, RowKey: string) => ({ PartitionKey, RowKey });

  beforeAll(async () => {
    azurite = await startAzurite('table');
    shop = await Shop.open();
    admin = shop.admin;
    const { account, key: account_key, endpoint } = azurite;
    const config = { account_name: account, account_key, protocol: 'http', endpoint, allow_upsert: true };
    const service = { name: 'cloud', label: 'Cloud', type: 'azure_table', is_active: true, config };
    serviceId = (await admin.create('system/service', service)).id;
    await admin.json('POST', 'cloud/_schema', { resource: [{ name: 'pet' }] });
  });
  beforeEach(async () => {
    await ask('DELETE', '?force=true');
    await ask('POST', '', { resource: PETS });
  });
  afterAll(async () => {
    await shop?.product.stop();
    await azurite?.stop();
  });

  test('one by its RowKey', async () => {
    expect(await ask('GET', '/a?PartitionKey=p')).toEqual(PETS[0]);
    expect(await ask('GET', '/a?PartitionKey=q')).toEqual(PETS[2]);
    expect(await ask('GET', '/b,1?PartitionKey=p')).toEqual(PETS[1]);
    expect(await ask('GET', '/a?PartitionKey=r')).toBe(404);
    expect(await ask('GET', '/a')).toBe(400);
  });

  test('several by theirs', async () => {
    expect(await ask('GET', '?ids=a&PartitionKey=q&fields=name')).toEqual({ resource: [{ name: 'Cid' }] });
    const { text } = await admin.send('POST', 'cloud/_table/pet?method=GET&PartitionKey=p&fields=name', {
      resource: [{ RowKey: 'b,1' }, { RowKey: 'a' }],
    });
    expect(JSON.parse(text)).toEqual({ resource: [{ name: 'Bob' }, { name: 'Ada' }] });
  });

  test('a list is one of the partition', async () => {
    expect(await names('?PartitionKey=p')).toEqual(['Ada', 'Bob']);
    expect(await names(`?PartitionKey=p&filter=${encodeURIComponent("name = 'Cid' or name = 'Bob'")}`)).toEqual([
      'Bob',
    ]);
    expect(await ask('GET', '?PartitionKey=q&count_only=true')).toBe(1);
    expect(await ask('GET', `?PartitionKey=${encodeURIComponent("p' or 'a' eq 'a")}`)).toEqual({ resource: [] });
    const lines = { accept: 'application/x-ndjson' };
    const { text } = await admin.send('GET', 'cloud/_table/pet?PartitionKey=q&fields=name', undefined, lines);
    expect(text).toBe('{"name":"Cid"}\n');
  });

  test('new records need not name it', async () => {
    expect(await ask('POST', '?PartitionKey=r', { resource: [{ RowKey: '1', n: 1 }, { RowKey: '2' }] })).toEqual({
      resource: [key('r', '1'), key('r', '2')],
    });
    expect(await ask('GET', '/1?PartitionKey=r')).toEqual({ ...key('r', '1'), n: 1 });
    expect(await ask('POST', '?PartitionKey=r', { resource: [key('s', '1')] })).toBe(400);
    expect(await ask('POST', '?PartitionKey=r', { resource: [{ n: 1 }] })).toBe(400);
  });

  test('lines of an import name it themselves', async () => {
    const send = (path: string) =>
      admin.send('POST', `cloud/_table/pet${path}`, '{"PartitionKey":"r","RowKey":"1"}\n', {
        'content-type': 'application/x-ndjson',
      });
    expect((await send('?PartitionKey=r')).status).toBe(400);
    expect(JSON.parse((await send('')).text)).toEqual({ count: 1 });
  });

  test('changes', async () => {
    expect(await ask('PATCH', '/a?PartitionKey=q', { name: 'Cis' })).toEqual(key('q', 'a'));
    expect(await ask('PUT', '/new?PartitionKey=q', { name: 'New' })).toEqual(key('q', 'new'));
    expect(await ask('PATCH', '?ids=a&PartitionKey=p', { resource: [{ name: 'Adb' }] })).toMatchObject({
      resource: [{}],
    });
    await ask('PATCH', '?PartitionKey=p', { resource: [{ RowKey: 'b,1', name: 'Bib' }] });
    expect(await names()).toEqual(['Adb', 'Bib', 'Cis', 'New']);
    await ask('PATCH', `?PartitionKey=q&filter=${encodeURIComponent("name like '%'")}`, {
      resource: [{ name: 'All' }],
    });
    expect(await names()).toEqual(['Adb', 'All', 'All', 'Bib']);
  });

  test('deletions', async () => {
    expect(await ask('DELETE', '/a?PartitionKey=q')).toEqual(key('q', 'a'));
    expect(await names()).toEqual(['Ada', 'Bob']);
    await ask('POST', '', { resource: [PETS[2]] });
    expect(await ask('DELETE', '?PartitionKey=p&force=true')).toEqual({ success: true });
    expect(await names()).toEqual(['Cid']);
  });

  test('a role that sees one partition is not led into another', async () => {
    const filters = [{ name: 'PartitionKey', operator: '=', value: 'p' }];
    const role = await shop.role({ service_id: serviceId, component: '_table/pet/*', verb_mask: 31, filters });
    const client = shop.product.anyone.as(withKey((await shop.app(role)).api_key));
    const none = { resource: [] };
    expect(await ask('GET', '/a?PartitionKey=p', undefined, client)).toEqual(PETS[0]);
    expect(await ask('GET', '/a?PartitionKey=q', undefined, client)).toBe(404);
    expect(await ask('GET', '?PartitionKey=q', undefined, client)).toEqual(none);
    expect(await ask('PATCH', '/a?PartitionKey=q', { name: 'x' }, client)).toBe(404);
    const refused = await client.send('POST', 'cloud/_table/pet?PartitionKey=q', { resource: [{ RowKey: 'n' }] });
    expect([refused.status, refused.text.includes('"code":403')]).toEqual([400, true]);
    expect(await ask('POST', '?PartitionKey=q', { resource: [key('p', 'n')] }, client)).toBe(400);
    expect(await names()).toEqual(['Ada', 'Bob', 'Cid']);
  });

  test('other services pass it over; strict calls say so', async () => {
    const strict = { prefer: 'handling=strict' };
    expect((await admin.send('GET', 'shop/_table/customer?PartitionKey=p')).status).toBe(200);
    expect((await admin.send('GET', 'shop/_table/customer?PartitionKey=p', undefined, strict)).status).toBe(400);
    expect((await admin.send('GET', 'cloud/_table/pet?PartitionKey=p', undefined, strict)).status).toBe(200);
  });
});

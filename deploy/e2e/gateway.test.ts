/** The gRPC door of the product: the same as REST, in every way that a call can travel. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Deadline } from '#common/deadline.ts';
import { GatewayClient, type GatewayClientSettings } from '#common/gateway/client.ts';
import { Channel } from '#common/grpc/channel.ts';
import { ServerReflection, type ServerReflectionResponse } from '#grpc/reflection/v1/reflection_pb.ts';
import { type Chunk, Gateway, RequestSchema } from '#proto/gateway/v1/gateway_pb.ts';
import { Authority, type Certificate, noCertificates } from '../testing/certificates.ts';
import { ROOT } from './build.ts';
import { check } from './cases.ts';
import { type Answer, type Client, withKey, withToken } from './client.ts';
import { Door, WAYS } from './gateway-door.ts';
import { NEW_PEOPLE, PETS, TABLES } from './people.ts';
import { until } from './process.ts';
import { startProduct, Tiers, temporaryFolder } from './product.ts';
import { FILTER_CASES, MORE_READS, READS } from './read-cases.ts';
import { SCHEMA } from './schema-cases.ts';
import { Shop } from './shop.ts';
import { WRITES } from './write-cases.ts';

const ROWS = 25_000;
const NDJSON = { Accept: 'application/x-ndjson' };

let shop: Shop;
let door: Door;
/** May read customers, and no more. */
let reader: Client;
/** The same, signed in. */
let member: Client;
beforeAll(async () => {
  shop = await Shop.open();
  door = new Door(shop.product.gateways[0] ?? '');
  const config = { database: join(shop.product.folder, 'people.sqlite') };
  await shop.admin.create('system/service', { name: 'p', label: 'P', type: 'sqlite', is_active: true, config });
  await shop.admin.json('POST', 'shop/_table/customer', { resource: [{ name: 'A' }, { name: 'B' }] });
  const notes = Array.from({ length: ROWS }, (_, i) => ({ note: `note ${i}`, amount: i }));
  await shop.admin.json('POST', 'shop/_table/sale', { resource: notes });
  const role = await shop.role({ component: '_table/customer/*', verb_mask: 1 });
  const app = await shop.app(role);
  reader = shop.product.anyone.as(withKey(app.api_key));
  member = await shop.client(app.api_key, await shop.user(app.id, role));
});
afterAll(async () => {
  door?.close();
  await shop?.close();
});

describe.each(WAYS)('by %s', (way) => {
  const through = (client: Client): Client => door.client(way, client);

  describe('the suites of REST', () => {
    const refill = async (): Promise<void> => {
      const names = await shop.admin.json<{ resource: string[] }>('GET', 'p/_schema?as_list=true');
      for (const name of names.resource.toReversed()) await shop.admin.json('DELETE', `p/_schema/${name}`);
      await through(shop.admin).json('POST', 'p/_schema', { resource: TABLES });
      await through(shop.admin).json('POST', 'p/_table/person', NEW_PEOPLE);
      await through(shop.admin).json('POST', 'p/_table/pet', PETS);
    };
    const inP = (row: (typeof READS)[number]) => ({
      ...row,
      path: `p/${row.path}`,
      ...(row.after && { after: [`p/${row.after[0]}`, row.after[1]] as const }),
    });
    describe('reads', () => {
      beforeAll(refill);
      test.each([...READS, ...MORE_READS, ...FILTER_CASES])('$name', (row) => check(through(shop.admin), inP(row)));
    });
    describe('writes', () => {
      beforeEach(refill);
      test.each(WRITES)('$name', (row) => check(through(shop.admin), inP(row)));
    });
    describe('schemas', () => {
      beforeAll(refill);
      test.each(SCHEMA)('$name', (row) => check(through(shop.admin), inP(row)));
    });
  });

  const SAME: {
    name: string;
    path: string;
    method?: string;
    by?: 'reader' | 'member' | 'anyone' | 'admin';
    status: number;
  }[] = [
    { name: 'a record', path: 'shop/_table/customer/1', by: 'reader', status: 200 },
    { name: 'the root', path: '', status: 200 },
    { name: 'records of the system', path: 'system/role?fields=id,name', status: 200 },
    { name: 'the environment', path: 'system/environment', by: 'anyone', status: 200 },
    { name: 'an API document', path: 'api_docs/shop', status: 200 },
    { name: 'a filter that is none', path: 'shop/_table/customer?filter=nonsense', by: 'reader', status: 400 },
    { name: 'nobody', path: 'shop/_table/customer', by: 'anyone', status: 400 },
    { name: 'another table', path: 'shop/_table/sale', by: 'reader', status: 401 },
    { name: 'another table, signed in', path: 'shop/_table/sale', by: 'member', status: 403 },
    { name: 'a write', path: 'shop/_table/customer/1', method: 'DELETE', by: 'member', status: 403 },
    { name: 'a record that is not there', path: 'shop/_table/customer/99', by: 'reader', status: 404 },
    { name: 'a service that is not there', path: 'nothing/_table/x', status: 404 },
    { name: 'a verb that nobody knows', path: 'shop', method: 'BREW', status: 405 },
  ];
  test.each(SAME)('as REST: $name', async ({ path, method = 'GET', by = 'admin', status }) => {
    const client = { reader, member, anyone: shop.product.anyone, admin: shop.admin }[by];
    const headers = { 'X-Request-Id': 'same', Origin: 'https://app.example.com' };
    const rest = await client.send(method, path, undefined, headers);
    const answer = await through(client).send(method, path, undefined, headers);
    expect(rest.status).toBe(status);
    expect(comparable(answer)).toEqual(comparable(rest));
  });

  test('a session begins and ends', async () => {
    const account = { email: 'admin@example.com', password: 'Secret-Passw0rd-16' };
    const anyone = through(shop.product.anyone);
    const { session_token } = await anyone.json<{ session_token: string }>('POST', 'system/admin/session', account);
    const own = anyone.as(withToken(session_token));
    expect((await own.send('GET', 'system/admin/session')).status).toBe(200);
    expect((await own.send('DELETE', 'system/admin/session')).status).toBe(200);
    expect((await own.send('GET', 'system/admin/session')).status).toBe(403);
  });

  test('an import of lines', async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `{"note":"imported by ${way}","amount":${i}}\n`).join('');
    const type = { 'Content-Type': 'application/x-ndjson' };
    const { status } = await through(shop.admin).send('POST', 'shop/_table/sale', lines, type);
    expect(status).toBe(200);
    const filter = `filter=note='imported by ${way}'`;
    expect(await shop.admin.json('GET', `shop/_table/sale?${filter}&count_only=true`)).toBe(1000);
    await shop.admin.json('DELETE', `shop/_table/sale?${filter}`);
  });

  test('a list without an end is whole', async () => {
    const { status, text } = await through(shop.admin).send('GET', 'shop/_table/sale?fields=id', undefined, NDJSON);
    expect([status, text.split('\n').length]).toEqual([200, ROWS + 1]);
  });

  test('calls are counted together with those of REST', async () => {
    const { api_key } = await shop.app(await shop.role({ component: '*', verb_mask: 1 }));
    const rest = shop.product.anyone.as(withKey(api_key));
    const record = { name: 'l', type: 'instance', rate: 4, period: 'minute', is_active: true };
    const { id } = await shop.admin.create<{ id: number }>('system/limit', record);
    onTestFinished(() => shop.admin.json('DELETE', `system/limit/${id}`).then(() => {}));
    await until(
      'the limit is known',
      async () => (await shop.admin.send('GET', `system/limit_cache/${id}`)).status === 200,
    );
    const statuses: number[] = [];
    for (const client of [rest, through(rest), rest, through(rest), rest, through(rest)]) {
      statuses.push((await client.send('GET', 'shop/_table/customer/1')).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
  });
});

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => void rmSync(folder, { recursive: true, force: true })));

function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder;
}

/** Without what is of each answer alone, or of HTTP. */
function comparable({ status, headers, text }: Answer): object {
  const { date: _, 'content-length': __, connection: ___, 'transfer-encoding': ____, ...rest } = headers;
  return { status, headers: rest, text };
}

describe('many at once on one stream', () => {
  test('each has its own answer, and the bad ones fail alone', async () => {
    const client = door.client('exchange', reader);
    const paths = Array.from({ length: 2000 }, (_, i) => `shop/_table/customer/${(i % 3) + 1}`);
    const answers = await Promise.all(paths.map((path) => client.send('GET', path)));
    const expected = paths.map((path) => (path.endsWith('3') ? 404 : 200));
    expect(answers.map(({ status }) => status)).toEqual(expected);
    const names = answers.slice(0, 2).map(({ text }) => (JSON.parse(text) as { name: string }).name);
    expect(names).toEqual(['A', 'B']);
  });

  test('a slow one holds nobody back', async () => {
    const client = door.client('exchange', shop.admin);
    let isSlowOver = false;
    const slow = client.send('GET', 'shop/_table/sale?fields=id', undefined, NDJSON).then((answer) => {
      isSlowOver = true;
      return answer.status;
    });
    expect((await client.send('GET', 'shop/_table/customer/1')).status).toBe(200);
    expect(isSlowOver).toBe(false);
    expect(await slow).toBe(200);
  });
});

describe('who waits no longer', () => {
  const call = { path: 'shop/_table/sale', query: 'fields=id', headers: { ...NDJSON } };

  test('is told so by timeout_ms', async () => {
    const channel = new Channel(Gateway, {
      address: shop.product.gateways[0] ?? '',
      token: undefined,
      peer: 'gateway',
    });
    onTestFinished(() => channel.close());
    const headers = { ...call.headers, ...shop.admin.headers };
    const { status } = await channel.call('call', create(RequestSchema, { ...call, headers, timeoutMs: 1 }), 30_000);
    expect(status).toBe(503);
  });

  test('may cancel a stream in the middle, and all others go on', async () => {
    const channel = new Channel(Gateway, {
      address: shop.product.gateways[0] ?? '',
      token: undefined,
      peer: 'gateway',
    });
    onTestFinished(() => channel.close());
    const headers = { ...call.headers, ...shop.admin.headers };
    for (let i = 0; i < 20; i++) {
      const watch = channel.watch('stream', create(RequestSchema, { ...call, headers }));
      watch.on('error', () => {});
      await new Promise<Chunk>((resolve) => watch.once('data', resolve));
      watch.cancel();
    }
    expect((await door.client('call', reader).send('GET', 'shop/_table/customer/1')).status).toBe(200);
  });
});

test('reflection shows the service', async () => {
  const channel = new Channel(ServerReflection, {
    address: shop.product.gateways[0] ?? '',
    token: undefined,
    peer: 'x',
  });
  onTestFinished(() => channel.close());
  const stream = channel.duplex('serverReflectionInfo');
  stream.write({
    $typeName: 'grpc.reflection.v1.ServerReflectionRequest',
    host: '',
    messageRequest: { case: 'listServices', value: '' },
  });
  stream.end();
  const names: string[] = [];
  for await (const { messageResponse } of stream as AsyncIterable<ServerReflectionResponse>) {
    if (messageResponse.case === 'listServicesResponse')
      names.push(...messageResponse.value.service.map(({ name }) => name));
  }
  expect(names).toContain(Gateway.typeName);
});

test('several routers have a port each, and the same answers', async () => {
  const product = await startProduct({ MILLRACE_ROUTERS: '2', MILLRACE_HTTP_DOOR: 'uws' });
  onTestFinished(() => product.stop());
  expect(new Set(product.gateways).size).toBe(2);
  for (const address of product.gateways) {
    const one = new Door(address);
    onTestFinished(() => one.close());
    await until('this router is live', async () => {
      const { status } = await one.client('exchange', product.admin).send('GET', 'system/role');
      return status === 200;
    });
  }
});

test('the door can be closed', async () => {
  const product = await startProduct({ MILLRACE_GRPC_PORT: 'off' });
  onTestFinished(() => product.stop());
  expect(product.gateways).toEqual([]);
});

test('the internal address is for those who know the token', async () => {
  const address = `unix:${join(newFolder(), 'gateway')}`;
  const tiers = new Tiers({ MILLRACE_GATEWAY_ADDRESS: address });
  onTestFinished(() => tiers.stop());
  await tiers.start('system', 'sql', 'router');
  const ask = async (settings: Partial<GatewayClientSettings>): Promise<number> => {
    const client = new GatewayClient({ addresses: [address], ...settings });
    onTestFinished(() => client.close());
    return (await client.call({ path: 'system/environment' }, Deadline.after(10_000))).status;
  };
  expect(await ask({ token: tiers.token })).toBe(200);
  await expect(ask({})).rejects.toThrow();
  await expect(ask({ token: 'wrong' })).rejects.toThrow();
});

describe.skipIf(noCertificates())(`TLS${noCertificates() ? `: ${noCertificates()}` : ''}`, () => {
  let authority: Authority;
  let server: Certificate;
  let env: Record<string, string>;
  beforeAll(() => {
    authority = new Authority(newFolder(), 'authority');
    server = authority.issue('server');
    env = { MILLRACE_GRPC_TLS_CERT: server.certificate, MILLRACE_GRPC_TLS_KEY: server.key };
  });

  const ask = async (address: string, tls: GatewayClientSettings['tls']): Promise<number> => {
    const client = new GatewayClient({ addresses: [address], tls });
    onTestFinished(() => client.close());
    return (await client.call({ path: 'system/environment' }, Deadline.after(5000))).status;
  };
  const read = (file: string): Buffer => readFileSync(file);

  test('callers check who answers', async () => {
    const product = await startProduct(env);
    onTestFinished(() => product.stop());
    const [address = ''] = product.gateways;
    expect(await ask(address, { authorities: read(authority.certificate) })).toBe(200);
    await expect(
      ask(address, { authorities: read(new Authority(newFolder(), 'other').certificate) }),
    ).rejects.toThrow();
    await expect(ask(address, undefined)).rejects.toThrow();
  });

  test('mTLS: who answers checks who calls', async () => {
    const product = await startProduct({ ...env, MILLRACE_GRPC_TLS_CLIENT_CA: authority.certificate });
    onTestFinished(() => product.stop());
    const [address = ''] = product.gateways;
    const authorities = read(authority.certificate);
    const shown = ({ certificate, key }: Certificate) => ({
      authorities,
      certificate: read(certificate),
      key: read(key),
    });
    expect(await ask(address, shown(authority.issue('client')))).toBe(200);
    const stranger = new Authority(newFolder(), 'other').issue('stranger');
    await expect(ask(address, shown(stranger))).rejects.toThrow();
    await expect(ask(address, { authorities })).rejects.toThrow();
  });
});

test('the example runs', async () => {
  const product = await startProduct({ MILLRACE_SEED_SAMPLE: 'true' });
  onTestFinished(() => product.stop());
  const key = /X-DreamFactory-API-Key: (\w+)/.exec(product.running.output())?.[1] ?? '';
  const args = ['--import', 'tsx', 'examples/gateway-client/main.ts', product.gateways[0] ?? '', key];
  const output = execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  expect(output).toMatch(/^a page of \d\d+\neach of them by its id: true\nall of them: 3376\nrefused with 401\n$/);
});

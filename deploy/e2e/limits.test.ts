/** Limits: stored, counted by all routers together, refused with what the original says, and reset. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Client, withKey } from './client.ts';
import { until } from './process.ts';
import { PASSWORD, Shop } from './shop.ts';

interface LimitRecord {
  readonly id: number;
  readonly key_text: string;
}

function suites(env: Record<string, string>): void {
  let shop: Shop;
  let roleId: number;
  let appKey: string;
  let client: Client;
  let user: { id: number; email: string };
  beforeAll(async () => {
    shop = await Shop.open(env);
    roleId = await shop.role({ component: '*', verb_mask: 31 });
    const app = await shop.app(roleId);
    appKey = app.api_key;
    client = shop.product.anyone.as(withKey(appKey));
    user = await shop.user(app.id, roleId);
    await shop.admin.json('POST', 'shop/_table/customer', { resource: [{ name: 'A' }] });
  });
  afterAll(() => shop?.close());
  beforeEach(() => shop.admin.json('DELETE', 'system/limit?force=true'));

  const limit = (record: object): Promise<LimitRecord> =>
    shop.admin.create('system/limit?fields=*', { name: 'l', type: 'instance', rate: 3, period: 'minute', ...record });
  const call = async (by: Client = client, path = 'shop/_table/customer/1', method = 'GET', body?: object) =>
    (await by.send(method, path, body)).status;
  const calls = async (count: number, by?: Client, path?: string): Promise<number[]> => {
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) statuses.push(await call(by, path));
    return statuses;
  };
  /** The routers know the limit a moment after it is stored. */
  const known = (id: number) =>
    until('the limit is known', async () => {
      const answer = await shop.admin.send('GET', `system/limit_cache/${id}`);
      return answer.status === 200 || undefined;
    });

  test('many at once, over all routers: never many more than there may be', async () => {
    const rate = 40;
    const { id } = await limit({ type: 'instance.service', service_id: shop.serviceId, rate });
    await known(id);
    let passed = 0;
    // In waves, between which the routers tell each other.
    for (let wave = 0; wave < 6; wave++) {
      const statuses = await Promise.all(Array.from({ length: 12 }, () => call()));
      passed += statuses.filter((status) => status === 200).length;
      await until('they have told each other', async () => {
        const answers = await Promise.all(
          Array.from({ length: 8 }, () => shop.admin.json<{ attempts: number }>('GET', `system/limit_cache/${id}`)),
        );
        // Two that have let through as many each agree before either has told the other.
        return answers.every(({ attempts }) => attempts >= Math.min(passed, rate)) || undefined;
      });
    }
    expect(passed).toBeGreaterThanOrEqual(rate);
    expect(passed).toBeLessThanOrEqual(rate + 12);
    expect(await call()).toBe(429);
  });

  if (env['MILLRACE_ROUTERS']) return; // what follows asks for the count of the router that it happens to reach

  test('so many calls, and then 429 with what the original says', async () => {
    const { id } = await limit({ type: 'instance.service', service_id: shop.serviceId, description: 'd' });
    await known(id);
    expect(await calls(3)).toEqual([200, 200, 200]);
    const { status, text, headers } = await client.send('GET', 'shop/_table/customer/1');
    expect(status).toBe(429);
    expectPlainError(text);
    expect(JSON.parse(text)).toMatchObject({
      error: {
        ...{ code: 429, status_code: 429, message: 'API limit(s) exceeded. ' },
        context: [
          {
            id,
            name: 'l',
            object: { id, type: 'instance.service', rate: 3, period: 'minute', service_id: shop.serviceId, verb: null },
          },
        ],
      },
    });
    expect(headers).toMatchObject({ 'x-ratelimit-limit': '3', 'x-ratelimit-remaining': '0', 'ratelimit-limit': '3' });
    expect(Number(headers['retry-after'])).toBeGreaterThan(50);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    // Nobody else is disturbed.
    expect((await shop.admin.send('GET', 'shop/_table/customer/1')).status).toBe(200);
    const standing = { id, key: `instance.service:${shop.serviceId}.minute`, max: 3, attempts: 3, remaining: 0 };
    expect(await shop.admin.json('GET', 'system/limit_cache')).toEqual({ resource: [standing] });
    expect(await shop.admin.json('GET', `system/limit_cache/${id}`)).toEqual(standing);
    const related = `system/limit/${id}?related=limit_cache_by_limit_id,service_by_service_id`;
    expect(await shop.admin.json('GET', related)).toMatchObject({
      ...{ period: 'minute', limit_cache_by_limit_id: [standing] },
      service_by_service_id: { name: 'shop' },
    });
    expect(await shop.admin.json('DELETE', `system/limit_cache/${id}`)).toEqual({ id });
    expect(await call()).toBe(200);
  });

  test('each user by himself', async () => {
    const { id, key_text } = await limit({ type: 'instance.each_user', rate: 2 });
    expect(key_text).toBe('instance.each_user.minute');
    await known(id);
    const signedIn = await shop.client(appKey, { email: user.email, password: PASSWORD });
    expect(await calls(3, signedIn)).toEqual([200, 200, 429]);
    // Nobody in particular is not counted.
    expect(await calls(3)).toEqual([200, 200, 200]);
    const { resource } = await shop.admin.json<{ resource: { key: string; attempts: number }[] }>(
      'GET',
      'system/limit_cache',
    );
    expect(resource).toContainEqual(
      expect.objectContaining({ key: `instance.each_user:${user.id}.minute`, attempts: 2 }),
    );
  });

  test('an endpoint and a verb', async () => {
    const about = { service_id: shop.serviceId, endpoint: '/_table/sale/*', verb: 'post' };
    const { id } = await limit({ type: 'instance.service.endpoint', rate: 1, ...about });
    await known(id);
    const post = () => call(client, 'shop/_table/sale/', 'POST', { resource: [{ amount: 1 }] });
    expect(await calls(2)).toEqual([200, 200]);
    const star = await shop.admin.json('GET', `system/limit/${id}`);
    expect(star).toMatchObject({ endpoint: '_table/sale/*', verb: 'POST' });
    expect([await post(), await post()]).toEqual([200, 200]); // `_table/sale` is not below it
    await shop.admin.json('PATCH', `system/limit/${id}`, { endpoint: '_table/sale*' });
    await until('it counts', async () => (await post()) === 429 || undefined);
  });

  test('refused calls do not count', async () => {
    const { id } = await limit({ type: 'instance.service', service_id: shop.serviceId, rate: 1 });
    await known(id);
    const stranger = shop.product.anyone.as(withKey('0'.repeat(64)));
    await calls(3, stranger);
    expect(await calls(2)).toEqual([200, 429]);
  });

  test('a limit that is switched off or gone limits nothing', async () => {
    const { id } = await limit({ rate: 1 });
    await known(id);
    await until('it limits', async () => (await call()) === 429 || undefined);
    await shop.admin.json('PATCH', `system/limit/${id}`, { is_active: false });
    await until('it is off', async () => (await call()) === 200 || undefined);
  });

  const REFUSED: readonly [why: string, record: object, part: string][] = [
    ['no type', { type: undefined }, 'type'],
    ['an unknown type', { type: 'instance.moon' }, 'type'],
    ['no rate', { rate: undefined }, 'rate'],
    ['no number', { rate: 'many' }, 'rate'],
    ['nothing at all', { rate: 0 }, 'rate'],
    ['an unknown period', { period: 'year' }, 'period'],
    ['no user', { type: 'instance.user' }, 'user_id'],
    ['a user that there is not', { type: 'instance.user', user_id: 9999 }, 'user'],
    ['no service', { type: 'instance.service' }, 'service_id'],
    ['an unknown verb', { verb: 'LOOK' }, 'erb'],
  ];
  test.each(REFUSED)('not: %s', async (_, record, part) => {
    const whole = { name: 'bad', type: 'instance', rate: 1, period: 'minute', ...record };
    const { status, text } = await shop.admin.send('POST', 'system/limit', { resource: [whole] });
    expect(status).toBe(400);
    expect(text).toContain(part);
  });

  test('not two that count the same', async () => {
    const { id } = await limit({ period: 1, rate: 1000 });
    const again = { name: 'other', type: 'instance', rate: 5, period: 'hour' };
    const { status, text } = await shop.admin.send('POST', 'system/limit', { resource: [again] });
    expect([status, text]).toEqual([400, expect.stringContaining(`"id":${id}`)]);
  });
}

describe('one router', () => suites({}));
describe('two routers', () => suites({ MILLRACE_ROUTERS: '2', MILLRACE_HTTP_DOOR: 'uws' }));

/** What is taken away is refused by every one of three routers in under a second, and what has expired by one alone. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectPlainError } from './cases.ts';
import { type Client, login, withKey, withToken } from './client.ts';
import { until } from './process.ts';
import { signIn, Tiers, untilServing } from './product.ts';
import { PASSWORD, Shop } from './shop.ts';

const SOON_MS = 1000;
const POLL_MS = 2;
const GET = 1;
const SALE = 'shop/_table/sale';

/** The tiers with a shop in them. */
async function openShop(tiers: Tiers): Promise<Shop> {
  await tiers.start('system', 'sql');
  await tiers.start('router');
  const { origin, gateways, folder, anyone } = tiers;
  const admin = await signIn(anyone);
  await untilServing(admin);
  const config = { database: join(folder, 'shop.sqlite') };
  const service = { name: 'shop', label: 'Shop', type: 'sqlite', is_active: true, config };
  const { id } = await admin.create('system/service', service);
  const field = [
    { name: 'id', type: 'id' },
    { name: 'note', type: 'string' },
  ];
  await admin.json('POST', 'shop/_schema', { resource: [{ name: 'sale', field }] });
  return new Shop(
    { origin, gateways, folder, anyone, admin, running: tiers.of('router'), stop: () => tiers.stop() },
    id,
  );
}

describe('over three routers', () => {
  const tiers = new Tiers();
  const times: string[] = [];
  let shop: Shop;
  /** Nobody yet, in front of each router. */
  let routers: Client[];
  let roleId: number;
  let app: { id: number; api_key: string };
  let user: { id: number; email: string; password: string };
  let token: string;

  beforeAll(async () => {
    shop = await openShop(tiers);
    routers = [tiers.anyone, ...(await Promise.all([tiers.addRouter(), tiers.addRouter()]))];
  });
  afterAll(async () => {
    await tiers.stop();
    console.info(`revocation over ${routers?.length} routers, until the slowest refused:\n${times.join('\n')}`);
  });

  beforeEach(async () => {
    roleId = await shop.role({ component: '*', verb_mask: GET });
    app = await shop.app(roleId);
    user = await shop.user(app.id, roleId);
    token = await login(shop.product.anyone, user, 'user/session');
  });

  const patch = (path: string, record: object) => shop.admin.json('PATCH', `system/${path}`, record);
  const remove = (path: string) => shop.admin.json('DELETE', `system/${path}`);
  const asUser = (at: Client): Client => at.as({ ...withKey(app.api_key), ...withToken(token) });
  const asApp = (at: Client): Client => at.as(withKey(app.api_key));

  interface Case {
    readonly what: string;
    readonly who: (at: Client) => Client;
    readonly change: () => Promise<unknown>;
    readonly status: number;
  }
  const CASES: Case[] = [
    { what: 'app deactivated', who: asApp, change: () => patch(`app/${app.id}`, { is_active: false }), status: 403 },
    {
      what: 'app deactivated, its user',
      who: asUser,
      change: () => patch(`app/${app.id}`, { is_active: false }),
      status: 403,
    },
    { what: 'app deleted', who: asApp, change: () => remove(`app/${app.id}`), status: 400 },
    {
      what: 'key replaced',
      who: asApp,
      change: () => patch(`app/${app.id}?regenerate=true`, { description: 'x' }),
      status: 400,
    },
    { what: 'app without its role', who: asApp, change: () => patch(`app/${app.id}`, { role_id: null }), status: 400 },
    {
      what: 'user deactivated',
      who: asUser,
      change: () => patch(`user/${user.id}`, { is_active: false }),
      status: 403,
    },
    { what: 'user deleted', who: asUser, change: () => remove(`user/${user.id}`), status: 404 },
    {
      what: 'role deactivated, its app',
      who: asApp,
      change: () => patch(`role/${roleId}`, { is_active: false }),
      status: 403,
    },
    {
      what: 'role deactivated, its user',
      who: asUser,
      change: () => patch(`role/${roleId}`, { is_active: false }),
      status: 403,
    },
    { what: 'role deleted, its app', who: asApp, change: () => remove(`role/${roleId}`), status: 400 },
    { what: 'role deleted, its user', who: asUser, change: () => remove(`role/${roleId}`), status: 403 },
    { what: 'logout', who: asUser, change: () => asUser(tiers.anyone).json('DELETE', 'user/session'), status: 403 },
    {
      what: 'session refreshed, the old token',
      who: asUser,
      change: () => asUser(tiers.anyone).json('PUT', 'user/session'),
      status: 403,
    },
    {
      what: 'password changed',
      who: asUser,
      change: () => patch(`user/${user.id}`, { password: `${PASSWORD}!` }),
      status: 403,
    },
    {
      what: 'e-mail changed',
      who: asUser,
      change: () => patch(`user/${user.id}`, { email: `x${user.email}` }),
      status: 401,
    },
    {
      what: 'service deactivated',
      who: asApp,
      change: () => patch(`service/${shop.serviceId}`, { is_active: false }),
      status: 403,
    },
  ];
  test.each(CASES)('$what', async ({ what, who, change, status }) => {
    const clients = routers.map(who);
    const statusOf = async (client: Client): Promise<number> => (await client.send('GET', SALE)).status;
    for (const client of clients) {
      await until('it is allowed before', async () => (await statusOf(client)) === 200 || undefined);
      expect(await statusOf(client)).toBe(200);
    }
    await change();
    const since = performance.now();
    const took = await Promise.all(
      clients.map(async (client) => {
        while ((await statusOf(client)) < 400 && performance.now() - since < SOON_MS) await sleep(POLL_MS);
        const ms = performance.now() - since;
        const { status: after, text } = await client.send('GET', SALE);
        expect(`${after} ${text}`).toMatch(new RegExp(`^${status} `));
        expectPlainError(text);
        return ms;
      }),
    );
    expect(Math.max(...took)).toBeLessThan(SOON_MS);
    times.push(`  ${what}: ${Math.max(...took).toFixed(0)} ms`);
    if (what.startsWith('service')) await patch(`service/${shop.serviceId}`, { is_active: true });
  });
});

/** A way to a socket that can be cut. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string, to: string) {
    this.#server = createServer((near) => {
      const far = connect(to);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket
          .on('error', () => {})
          .once('close', () => {
            this.#sockets.delete(socket);
            near.destroy();
            far.destroy();
          });
      }
      near.pipe(far).pipe(near);
    }).listen(path);
  }

  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

describe('a router that is cut off from the system service', () => {
  const TTL_SECONDS = 8;
  const tiers = new Tiers({ MILLRACE_TOKEN_TTL_SECONDS: String(TTL_SECONDS) });
  const path = join(tiers.folder, 'wire.sock');
  let wire: Wire | undefined;
  afterAll(async () => {
    wire?.cut();
    await tiers.stop();
  });

  test('takes tokens no longer than they last', async () => {
    const shop = await openShop(tiers);
    wire = new Wire(path, tiers.systemAddress.slice('unix:'.length));
    const there = await tiers.addRouter({ MILLRACE_SYSTEM_ADDRESS: `unix:${path}` });
    const admin = await signIn(tiers.anyone);
    const inTime = new Shop({ ...shop.product, admin }, shop.serviceId);
    const roleId = await inTime.role({ component: '*', verb_mask: GET });
    const app = await inTime.app(roleId);
    const user = await inTime.user(app.id, roleId);
    const token = await login(tiers.anyone, user, 'user/session');
    const expires = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp * 1000;
    const byKey = there.as(withKey(app.api_key));
    const byUser = byKey.as({ ...byKey.headers, ...withToken(token) });
    await until('the user is known there', async () => (await byUser.send('GET', SALE)).status === 200);

    wire.cut();
    const isCut = async () => !(await there.json<{ access: { live: boolean } }>('GET', '/status')).access.live;
    await until('it is cut off', isCut);
    const still = await byUser.send('GET', SALE);
    expect(Date.now()).toBeLessThan(expires);
    expect(still.status).toBe(200);

    await sleep(expires - Date.now());
    const { status, text } = await byUser.send('GET', SALE);
    expect(`${status} ${text}`).toMatch(/^401 .*expired/);
    // It serves others all the while, and nobody gets a new token there.
    expect((await byKey.send('GET', SALE)).status).toBe(200);
    expect((await byUser.send('PUT', 'user/session')).status).toBe(503);
    expect(await isCut()).toBe(true);
  });
});

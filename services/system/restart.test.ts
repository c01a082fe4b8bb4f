/** What outlives a process, and what processes on one database tell each other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { Scope } from '#proto/access/v1/access_pb.ts';
import { Selection_Kind, Target } from '#proto/data/v1/data_pb.ts';
import { UserKind } from '#proto/system/v1/system_pb.ts';
import { type Action, ADMIN, SQL_TYPES, sessionOf, TestSystem } from './testing/system.ts';

const folder = await mkdtemp(join(tmpdir(), 'millrace-restart-'));
afterAll(() => rm(folder, { recursive: true }));

const KEY = Buffer.alloc(32, 7).toString('base64');
let databases = 0;
function shared() {
  databases += 1;
  return { MILLRACE_SYSTEM_DB: `sqlite:${join(folder, `${databases}.sqlite`)}`, MILLRACE_ENCRYPTION_KEY: KEY };
}

const ROLE: Action = { case: 'create', value: { table: 'role' } };
const SERVICES: Action = {
  case: 'read',
  value: { table: 'service', target: Target.FILTER, selection: { kind: Selection_Kind.LISTED, names: ['name'] } },
};

async function versionOf(system: TestSystem): Promise<number> {
  const watch = system.watch(Scope.ROUTER);
  const { version } = await watch.until((update) => update.full);
  watch.cancel();
  return Number(version);
}

test('a second start finds what the first one made', async () => {
  const env = shared();
  const first = await TestSystem.start({ ...env, MILLRACE_ADMIN_PASSWORD: '' });
  const { firstAdmin } = first.service;
  expect(firstAdmin?.password).toMatch(/^\w{20,}$/);
  const connector = first.watch(Scope.CONNECTOR, SQL_TYPES);
  await connector.until((update) => update.full);
  const token = sessionOf(await first.login(UserKind.ADMIN, ADMIN.email, firstAdmin!.password!)).session_token;
  const version = await versionOf(first);
  connector.cancel();
  await first.stop();

  const second = await TestSystem.start(env);
  expect(second.service.firstAdmin).toBeUndefined();
  expect(await versionOf(second)).toBe(version);
  const types = second.watch(Scope.ROUTER);
  const full = await types.until((update) => update.full);
  expect(full.serviceTypes.map(({ name, tier }) => `${name}@${tier}`)).toContain('pgsql@sql');
  types.cancel();
  const request = { $typeName: 'millrace.system.v1.TokenRequest' as const, kind: UserKind.ADMIN, token, appId: 0 };
  expect(sessionOf(await second.sessions.call('refresh', request, 5000)).email).toBe(ADMIN.email);
  await second.stop();
});

test('an installation that was made without API documents gets them', async () => {
  const env = shared();
  await (await TestSystem.start(env)).stop();
  const database = new Database(env.MILLRACE_SYSTEM_DB.slice('sqlite:'.length));
  database.exec("UPDATE service SET id = 2, name = 'taken', type = 'sqlite' WHERE name = 'api_docs'");
  database.close();
  const again = await TestSystem.start(env);
  const names = (await again.json(SERVICES)).map(({ name }: { name: string }) => name);
  expect(names).toEqual(['system', 'taken', 'files', 'logs', 'email', 'user', 'api_docs']);
  await again.stop();
});

test('another encryption key is refused at the start', async () => {
  const env = shared();
  await (await TestSystem.start(env)).stop();
  const other = { ...env, MILLRACE_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString('base64') };
  await expect(TestSystem.start(other)).rejects.toMatchObject({ code: 'internal' });
});

test.each(['postgres://nobody:secret@127.0.0.1:1/x', 'mysql://nobody:secret@127.0.0.1:1/x', `sqlite:${folder}`])(
  'a database that cannot be opened is named without its address (%#)',
  async (url) => {
    await expect(TestSystem.start({ MILLRACE_SYSTEM_DB: url })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The system database cannot be opened.',
    });
  },
);

test('a change made through one process reaches the watchers of another', async () => {
  const env = shared();
  const here = await TestSystem.start(env);
  const there = await TestSystem.start(env);
  const watch = there.watch(Scope.ROUTER);
  await watch.until((update) => update.full);
  const begun = Date.now();
  await here.execute(ROLE, { records: [{ name: 'from elsewhere' }] });
  await watch.until(({ roles }) => roles.some(({ name }) => name === 'from elsewhere'));
  expect(Date.now() - begun).toBeLessThan(1000);
  await Promise.all(
    Array.from({ length: 20 }, (_item, index) =>
      (index % 2 ? here : there).execute(ROLE, { records: [{ name: `at once ${index}` }] }),
    ),
  );
  watch.cancel();
  await there.stop();
  await here.stop();
});

test('draining ends the watches', async () => {
  const system = await TestSystem.start();
  const watch = system.watch(Scope.ROUTER);
  await watch.until((update) => update.full);
  const signal = AbortSignal.timeout(5000);
  await system.service.drain(signal);
  expect(signal.aborted).toBe(false);
  await system.stop();
});

test('the sample waits for SQLite, and is made once', async () => {
  const env = { ...shared(), MILLRACE_SEED_SAMPLE: 'true' };
  const system = await TestSystem.start(env);
  expect(system.service.sampleApiKey).toBeUndefined();
  const router = system.watch(Scope.ROUTER);
  const connector = system.watch(Scope.CONNECTOR, SQL_TYPES);
  const pushed = await router.until(({ apps }) => apps.some(({ name }) => name === 'sample'));
  const { sampleApiKey } = system.service;
  expect(pushed.apps[0]).toMatchObject({ apiKey: sampleApiKey, isActive: true, roleId: pushed.roles[0]!.id });
  expect(pushed.roles[0]!.access).toMatchObject([{ serviceId: 5, component: '*', verbMask: 1, requestorMask: 1 }]);
  const served = await connector.until(({ services }) => services.some(({ name }) => name === 'db'));
  expect(JSON.parse(Buffer.from(served.services[0]!.configJson).toString())).toEqual({ database: 'db.sqlite' });
  await system.execute({ case: 'delete', value: { table: 'service', target: Target.ONE } }, { keys: [5] });
  router.cancel();
  connector.cancel();
  await system.stop();

  const again = await TestSystem.start(env);
  expect(again.service.sampleApiKey).toBeUndefined();
  const names = ['system', 'api_docs', 'files', 'logs', 'email', 'user'];
  expect(await again.json(SERVICES)).toEqual(names.map((name) => ({ name })));
  await again.stop();
});

test('without the token of the tiers nothing is answered', async () => {
  const system = await TestSystem.start();
  const stranger = TestSystem.connect(system.service, 'wrong');
  await expect(stranger.execute(SERVICES)).rejects.toMatchObject({ code: 'internal' });
  stranger.leave();
  await system.stop();
});

/** Jobs are carried out, over the database and over NATS: queued scripts, script services that answer at once, tasks at their times; also by whoever is left. */
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningNats, startNats } from '../testing/nats.ts';
import { suiteWith } from '../testing/suite.ts';
import type { Client } from './client.ts';
import { until } from './process.ts';
import { type Env, type Product, startProduct } from './product.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
type Json = any;

/** @param env  asked once the suite begins */
function runCases(env: () => Env | Promise<Env>): void {
  let product: Product;
  let admin: Client;

  beforeAll(async () => {
    product = await startProduct(await env());
    admin = product.admin;
    const config = { database: `${product.folder}/db.sqlite` };
    await admin.create('system/service', { name: 'db', label: 'db', type: 'sqlite', is_active: true, config });
    const field = [
      { name: 'id', type: 'id' },
      { name: 'note', type: 'string' },
    ];
    await until(
      'the service is served',
      async () => (await admin.send('GET', 'db/_table')).status === 200 || undefined,
    );
    await admin.json('POST', 'db/_schema', {
      resource: [
        { name: 'sale', field },
        { name: 'trail', field },
      ],
    });
  });
  afterAll(() => product?.stop());

  const soon = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 15_000, interval: 50 });
  const notes = async (table: string): Promise<string[]> =>
    (await admin.json<Json>('GET', `db/_table/${table}?order=id`)).resource.map(({ note }: Json) => note);
  const job = async (name: string): Promise<Json> =>
    (await admin.json<Json>('GET', `system/job?filter=name = ${name}&order=id desc&limit=1`)).resource[0];
  const bind = (name: string, content: string): Promise<unknown> =>
    admin.json('POST', `system/event_script/${name}`, { type: 'v8js', content, is_active: true });

  test('a queued script runs behind the answer, as the caller, and is seen as a job', async () => {
    const name = 'db._table.sale.post.queued';
    await bind(
      name,
      `console.log('for', platform.session.user.email);
       platform.api.post('db/_table/trail', { resource: event.request.payload.resource.map(({ note }) => ({ note: 'sold ' + note })) });`,
    );
    await soon(async () => {
      await admin.json('POST', 'db/_table/sale', { resource: [{ note: 'a' }] });
      return (await notes('trail')).length > 0;
    }).toBe(true);
    expect(await notes('trail')).toContain('sold a');
    await soon(async () => (await job(name))?.state).toBe('done');
    expect(await job(name)).toMatchObject({ kind: 'event', attempts: 1, last_error: null });
    expect((await job(name)).logs).toContain('for admin@example.com');
  });

  test('each of several runs once', async () => {
    const name = 'db._table.sale.patch.queued';
    await bind(
      name,
      "platform.api.post('db/_table/trail', { resource: [{ note: 'once ' + event.request.parameters.n }] });",
    );
    await soon(async () => {
      await admin.json('PATCH', 'db/_table/sale?filter=note = nobody&n=0', { resource: [{ note: 'x' }] });
      return (await notes('trail')).includes('once 0');
    }).toBe(true);
    const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
    const patch = (n: number) =>
      admin.json('PATCH', `db/_table/sale?filter=note = nobody&n=${n}`, { resource: [{ note: 'x' }] });
    await Promise.all(numbers.map(patch));
    const states = async (): Promise<string[]> =>
      (await admin.json<Json>('GET', `system/job?filter=name = ${name}&fields=state`)).resource.map(
        ({ state }: Json) => state,
      );
    await soon(async () => new Set(await states())).toEqual(new Set(['done']));
    const ran = (await notes('trail')).filter((note) => /^once [1-9]/.test(note));
    expect(ran.toSorted()).toEqual(numbers.map((n) => `once ${n}`).toSorted());
  });

  test('one that throws is tried again, and says why', async () => {
    const name = 'db._table.trail.delete.queued';
    await bind(name, 'throw new Error("not today");');
    await soon(async () => {
      const made = await job(name);
      if (!made) await admin.json('DELETE', 'db/_table/trail?filter=note = nobody');
      return made?.last_error ?? '';
    }).toContain('not today');
    await soon(async () => (await job(name)).attempts).toBeGreaterThan(1);
    expect((await job(name)).state).toMatch(/^(failed|running)$/);
  });

  test('one that has failed is tried again at once when somebody says so', async () => {
    const name = 'db._table.trail.patch.queued';
    await bind(name, 'throw new Error("not yet");');
    const last = async (): Promise<Json> => (await job(name)) ?? {};
    await soon(async () => {
      if ((await last()).id === undefined)
        await admin.json('PATCH', 'db/_table/trail?filter=note = nobody', { resource: [{ note: 'x' }] });
      const { attempts, state } = await last();
      return [attempts, state];
    }).toEqual([4, 'failed']);
    await bind(name, 'return 1;');
    const { id } = await last();
    // The fifth attempt is four seconds away at least.
    await admin.json('PATCH', `system/job/${id}`, { state: 'waiting' });
    const begun = Date.now();
    await soon(async () => (await admin.json<Json>('GET', `system/job/${id}`)).state).toBe('done');
    expect(Date.now() - begun).toBeLessThan(3_900);
    expect((await admin.json<Json>('GET', `system/job/${id}`)).attempts).toBe(1);
  }, 30_000);

  test('a script service that is queued answers with 202, and its script runs', async () => {
    const content =
      "platform.api.post('db/_table/trail', { resource: [{ note: 'later ' + event.request.payload.what }] });";
    const config = { content, queued: true };
    await admin.create('system/service', { name: 'later', label: 'later', type: 'v8js', is_active: true, config });
    await soon(async () => (await admin.send('POST', 'later', { what: 'x' })).status).toBe(202);
    await soon(() => notes('trail')).toContain('later x');
  });

  test('a task calls the API at its times', async () => {
    const services = await admin.json<Json>('GET', 'system/service?filter=name = db');
    const { id } = await admin.create('system/scheduler', {
      ...{ name: 'ticking', service_id: services.resource[0].id, component: '_table/sale?fields=id', verb_mask: 2 },
      ...{ cron: '* * * * * *', payload: '{"resource":[{"note":"tick"}]}', is_active: true },
    });
    await soon(async () => (await notes('sale')).filter((note) => note === 'tick').length).toBeGreaterThan(1);
    await admin.json('DELETE', `system/scheduler/${id}`);
  });
}

describe('over the database', () => runCases(() => ({})));

suiteWith('nats', 'over NATS', () => {
  let nats: RunningNats;
  let connection: NatsConnection;
  afterAll(async () => {
    await connection?.close();
    await nats?.stop();
  });

  runCases(async () => {
    nats = await startNats();
    return { MILLRACE_NATS_URL: nats.url };
  });

  test('JetStream had a part in it', async () => {
    const { host, port, user, password: pass } = nats;
    connection = await connect({ servers: `${host}:${port}`, user, pass });
    const { state } = await (await connection.jetstreamManager()).streams.info('millrace_jobs');
    expect(state.last_seq).toBeGreaterThan(20);
  });
});

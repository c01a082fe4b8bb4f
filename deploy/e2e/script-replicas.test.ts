/** A script that is bound, changed or taken away counts at every one of three routers in under a second. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from './client.ts';
import { until } from './process.ts';
import { signIn, Tiers, untilServing } from './product.ts';

const SOON_MS = 1000;
const POLL_MS = 2;
const NOTE = 'notes/_table/note/1';
const NAME = 'notes._table.note.{id}.get.post_process';
const NO_SCRIPT = '{"id":1}';

const tiers = new Tiers();
const times: string[] = [];
let admin: Client;
let routers: Client[];

beforeAll(async () => {
  await tiers.start('system', 'sql', 'scripting');
  await tiers.start('router');
  admin = await signIn(tiers.anyone);
  await untilServing(admin);
  const config = { database: join(tiers.folder, 'notes.sqlite') };
  await admin.create('system/service', { name: 'notes', label: 'Notes', type: 'sqlite', is_active: true, config });
  await until('it is served', async () => (await admin.send('GET', 'notes/_table')).status === 200);
  await admin.json('POST', 'notes/_schema', { resource: [{ name: 'note', field: [{ name: 'id', type: 'id' }] }] });
  await admin.json('POST', 'notes/_table/note', { resource: [{ id: 1 }] });
  const others = await Promise.all([tiers.addRouter(), tiers.addRouter()]);
  routers = [admin, ...others.map((router) => router.as(admin.headers))];
  // The workers are started by the first script of an installation, which takes longer than a push.
  await bind('event.response.content.n = 0');
  await until('scripts run', async () => (await admin.send('GET', NOTE)).text !== NO_SCRIPT);
});
afterAll(async () => {
  await tiers.stop();
  console.info(`scripts over ${routers?.length} routers, until the slowest knew:\n${times.join('\n')}`);
});

const bind = (content: string): Promise<unknown> =>
  admin.json('POST', `system/event_script/${NAME}`, {
    ...{ type: 'nodejs', content, is_active: true, allow_event_modification: true },
  });
const patch = (record: object): Promise<unknown> => admin.json('PATCH', `system/event_script/${NAME}`, record);

/** One after the other: each begins where the one before it has ended. */
const CASES: [what: string, change: () => Promise<unknown>, text: string][] = [
  ['changed', () => patch({ content: 'event.response.content.n = 2' }), '{"id":1,"n":2}'],
  ['may not modify', () => patch({ allow_event_modification: false }), NO_SCRIPT],
  ['may again', () => patch({ allow_event_modification: true }), '{"id":1,"n":2}'],
  ['deactivated', () => patch({ is_active: false }), NO_SCRIPT],
  ['activated', () => patch({ is_active: true }), '{"id":1,"n":2}'],
  ['deleted', () => admin.json('DELETE', `system/event_script/${NAME}`), NO_SCRIPT],
  ['made again', () => bind('event.response.content.n = 3'), '{"id":1,"n":3}'],
  ['deleted again', () => admin.json('DELETE', `system/event_script/${NAME}`), NO_SCRIPT],
];
test.each(CASES)('%s', async (what, change, text) => {
  await change();
  const since = performance.now();
  const took = await Promise.all(
    routers.map(async (router) => {
      while ((await router.send('GET', NOTE)).text !== text && performance.now() - since < 2 * SOON_MS) {
        await sleep(POLL_MS);
      }
      const ms = performance.now() - since;
      // From then on it is always so.
      for (let i = 0; i < 5; i++) expect((await router.send('GET', NOTE)).text).toBe(text);
      return ms;
    }),
  );
  expect(Math.max(...took)).toBeLessThan(SOON_MS);
  times.push(`  ${what}: ${Math.max(...took).toFixed(0)} ms`);
});

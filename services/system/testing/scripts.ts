/** What workers and routers are told about scripts. */
import { describe, expect, test } from 'vitest';
import { Removal_Kind, Scope } from '#proto/access/v1/access_pb.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import { patch, post, remove } from './actions.ts';
import type { Suite } from './suite.ts';

const NAME = 'db._table.contact.get.post_process';
const TEXT = 'event.response.content.secret = 1;';

const shown = (updates: unknown): string =>
  JSON.stringify(updates, (_key, value) => {
    if (typeof value === 'bigint') return String(value);
    return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
  });

export function scriptCases(suite: Suite): void {
  describe('scripts', () => {
    test('of events: workers get their texts, routers the fact that they are there', async () => {
      const workers = suite.system.watch(Scope.SCRIPTS);
      await workers.until(({ full }) => full);
      const record = { name: NAME, type: 'nodejs', content: TEXT, config: '{"optional":true,"limits":{"cpu_ms":7}}' };
      const [created] = await suite.system.json(post('event_script'), { records: [{ ...record, is_active: true }] });
      const known = await suite.router.until(({ eventScripts }) => eventScripts.length > 0);
      const told = await workers.until(({ eventScripts }) => eventScripts.length > 0);
      expect(known.eventScripts).toMatchObject([
        { name: NAME, optional: true, allowEventModification: false, script: { type: 'nodejs', content: '' } },
      ]);
      expect(told.eventScripts[0]?.script?.content).toBe(TEXT);
      expect(told.eventScripts[0]?.script?.hash).toBe(known.eventScripts[0]?.script?.hash);
      expect(shown(suite.router.updates)).not.toContain('event.response');

      const change = { keys: [created.name], records: { content: `${TEXT}\n` } };
      await suite.system.json(patch('event_script', Target.ONE), change);
      const newer = await suite.router.until(({ eventScripts }) =>
        eventScripts.some(({ script }) => script?.hash !== known.eventScripts[0]?.script?.hash),
      );
      expect(newer.eventScripts).toHaveLength(1);
      await suite.system.json(patch('event_script', Target.ONE), {
        keys: [created.name],
        records: { is_active: false },
      });
      for (const watch of [suite.router, workers]) {
        await watch.until(({ removals }) => removals.some(({ kind }) => kind === Removal_Kind.EVENT_SCRIPT));
      }
      await suite.system.execute(remove('event_script', Target.ONE), { keys: [created.name] });
      workers.cancel();
    });

    test('of services: the same; private lookups are for workers alone', async () => {
      const workers = suite.system.watch(Scope.SCRIPTS);
      await workers.until(({ full }) => full);
      await suite.system.execute(post('lookup'), {
        records: [{ name: 'script.secret', value: 'for-workers-only', private: true }],
      });
      await suite.system.execute(post('service'), {
        records: [
          { name: 'answering', type: 'v8js', is_active: true, config: { content: 'return "{script.secret}"' } },
        ],
      });
      const told = await workers.until(({ services }) => services.length > 0);
      expect(told.services).toMatchObject([
        { name: 'answering', tier: 'scripting', script: { content: 'return "{script.secret}"', type: 'v8js' } },
      ]);
      const known = await suite.router.until(({ services }) => services.some(({ name }) => name === 'answering'));
      expect(known.services.find(({ name }) => name === 'answering')?.script).toMatchObject({
        hash: told.services[0]?.script?.hash,
        content: '',
      });
      expect(shown(workers.updates)).toContain('for-workers-only');
      expect(shown(suite.router.updates)).not.toContain('for-workers-only');
      expect(shown(suite.connector.updates)).not.toContain('for-workers-only');
      for (const update of workers.updates) expect([update.users, update.roles, update.apps]).toEqual([[], [], []]);
      workers.cancel();
    });

    test.each([
      ['a type that is not run here', { type: 'php' }, 'type'],
      ['settings that are no object', { config: '[1]' }, 'config'],
    ])('%s is refused', async (_why, wrong, field) => {
      const record = { name: `refused.${field}.get.pre_process`, type: 'nodejs', content: '', ...wrong };
      await expect(suite.system.execute(post('event_script'), { records: [record] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { [field]: [expect.any(String)] } } }] },
      });
    });
  });
}

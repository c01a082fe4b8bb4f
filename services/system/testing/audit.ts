/** Who changed what: written with the change, readable, without any value. */
import { describe, expect, test } from 'vitest';
import { Comparator, Target } from '#proto/data/v1/data_pb.ts';
import { ALL, compare, list, patch, post, remove } from './actions.ts';
import type { Suite } from './suite.ts';
import { text } from './system.ts';

interface Entry {
  readonly action: string;
  readonly resource: string;
  readonly record_id: string;
  readonly fields: readonly string[];
  readonly user_id: number;
  readonly created_date: string;
}

export function auditCases(suite: Suite): void {
  describe('the trail of changes', () => {
    const trail = async (resource: string): Promise<Entry[]> => {
      const filter = compare('resource', Comparator.EQ, 0);
      const action = list('audit', { filter, selection: ALL, order: [{ field: 'id' }] });
      return suite.system.json(action, { parameters: [text(resource)] });
    };

    test('what was made, changed and taken away, nested records too', async () => {
      const before = { lookup: (await trail('role_lookup')).length, role: (await trail('role')).length };
      const record = { name: 'audited', lookup_by_role_id: [{ name: 'a', value: 'very secret', private: true }] };
      const [{ id }] = await suite.system.json(post('role'), { records: [record] });
      await suite.system.json(patch('role', Target.ONE), { keys: [id], records: { description: 'd' } });
      await suite.system.json(remove('role', Target.ONE), { keys: [id] });
      const entries = (await trail('role')).slice(before.role);
      expect(entries.map(({ action, record_id, fields, user_id }) => [action, record_id, fields, user_id])).toEqual([
        ['create', String(id), ['name'], 1],
        ['update', String(id), ['description'], 1],
        ['delete', String(id), [], 1],
      ]);
      const nested = (await trail('role_lookup')).slice(before.lookup);
      expect(nested.map(({ action, fields }) => [action, fields])).toEqual([['create', ['name', 'value', 'private']]]);
      expect(JSON.stringify([entries, nested])).not.toContain('secret');
      expect(entries[0]?.created_date).toMatch(/^\d{4}-\d\d-\d\dT/);
    });

    test('a change that failed left no trace', async () => {
      const before = (await trail('role')).length;
      await expect(suite.system.json(post('role'), { records: [{ description: 'without a name' }] })).rejects.toThrow();
      expect((await trail('role')).length).toBe(before);
    });

    test('nobody writes in it', async () => {
      await expect(suite.system.json(post('audit'), { records: [{ action: 'none' }] })).rejects.toMatchObject({
        code: 'unsupported',
      });
      await expect(suite.system.json(remove('audit', Target.ONE), { keys: [1] })).rejects.toMatchObject({
        code: 'unsupported',
      });
    });
  });
}

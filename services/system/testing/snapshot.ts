/** What routers and connectors are told, and the environment. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Removal_Kind, Scope, ServiceTypeSchema } from '#proto/access/v1/access_pb.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import { EnvironmentRequestSchema } from '#proto/system/v1/system_pb.ts';
import { list, post, remove } from './actions.ts';
import type { Suite } from './suite.ts';
import { ADMIN } from './system.ts';

export function snapshotCases(suite: Suite): void {
  describe('the access snapshot', () => {
    test('a full state comes first, without connection secrets', async () => {
      const full = suite.router.updates[0]!;
      expect(full.full).toBe(true);
      expect(full.settings).toMatchObject({
        maxRecordsReturned: 100_000,
        tokenTtlSeconds: 86_400,
        tokenSecrets: { length: 1 },
      });
      expect(full.settings!.tokenSecrets[0]).toHaveLength(32);
      expect(full.users).toMatchObject([{ email: ADMIN.email, isSysAdmin: true, isActive: true }]);
      expect(full.users[0]!.passwordVersion).not.toBe('');
    });

    test('a connector learns nothing but its services', () => {
      for (const update of suite.connector.updates) {
        expect([update.users, update.roles, update.apps, update.settings]).toEqual([[], [], [], undefined]);
        expect(update.services.every(({ type }) => type === 'pgsql' || type === 'sqlite')).toBe(true);
      }
    });

    test('changes of roles and apps arrive as deltas with rising versions; cascades too', async () => {
      const access = [
        {
          service_id: 1,
          component: 'role/*',
          verb_mask: 1,
          requestor_mask: 1,
          filters: [
            { name: 'a', operator: 'Start  With', value: 'x' },
            { name: 'b', operator: 'in', value: [1, 2] },
          ],
          filter_op: 'or',
        },
      ];
      const [{ id }] = await suite.system.json(post('role'), {
        records: [{ name: 'pushed', is_active: true, role_service_access_by_role_id: access }],
      });
      const pushed = await suite.router.until(({ roles }) => roles.some((role) => role.id === id));
      expect(pushed.full).toBe(false);
      expect(pushed.roles[0]!.access).toMatchObject([
        {
          serviceId: 1,
          component: 'role/*',
          filterOp: 'OR',
          filters: [
            { operator: 'start with', value: 'x' },
            { operator: 'in', value: '(1,2)' },
          ],
        },
      ]);
      const app = await suite.makeApp('pushed app', id);
      await suite.router.until(({ apps }) =>
        apps.some((entity) => entity.apiKey === app.api_key && entity.roleId === id),
      );
      await suite.system.execute(remove('role', Target.ONE), { keys: [id] });
      const gone = await suite.router.until(({ removals }) =>
        removals.some((removal) => removal.kind === Removal_Kind.ROLE && removal.id === id),
      );
      const cleared = await suite.router.until(({ apps }) =>
        apps.some((entity) => entity.id === app.id && entity.roleId === undefined),
      );
      expect(Number(cleared.version)).toBeGreaterThanOrEqual(Number(gone.version));
      const versions = suite.router.updates.map(({ version }) => Number(version));
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    });

    test('a type whose settings are no JSON ends the stream of its connector', async () => {
      const broken = create(ServiceTypeSchema, { name: 'broken', configSchemaJson: Buffer.from('{') });
      const watch = suite.system.watch(Scope.CONNECTOR, [broken]);
      expect(await watch.failed).toBeInstanceOf(Error);
      expect(watch.updates).toEqual([]);
    });

    test('a private lookup is announced without its value', async () => {
      await suite.system.execute(post('lookup'), { records: [{ name: 'quiet', value: 'whisper', private: true }] });
      const { lookups } = await suite.router.until((update) => update.lookups.some(({ name }) => name === 'quiet'));
      expect(lookups[0]).toMatchObject({ isPrivate: true, value: '' });
    });
  });

  test('the environment says more to those who are known', async () => {
    const environment = async (more: object) =>
      JSON.parse(
        Buffer.from(
          (await suite.system.environments.call('getEnvironment', create(EnvironmentRequestSchema, more), 5000)).json,
        ).toString(),
      );
    expect(Object.keys(await environment({}))).toEqual(['authentication', 'apps']);
    const known = await environment({ userId: 1, isAdmin: true, userAgent: 'x', clientAddress: '127.0.0.1' });
    expect(known.platform).toMatchObject({ license: 'OPEN SOURCE', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(known.config.db.max_records_returned).toBe(100_000);
    expect(known.client).toEqual({ user_agent: 'x', ip_address: '127.0.0.1', locale: 'en' });
  });

  test('what tables have that we lack is refused', async () => {
    await expect(suite.system.execute(list('nosuch'))).rejects.toMatchObject({
      code: 'not_found',
      message: "Resource 'nosuch' not found for service 'system'.",
    });
    await expect(suite.system.execute(list('role_service_access'))).rejects.toMatchObject({ code: 'not_found' });
    await expect(suite.system.execute({ case: 'dropTables', value: { tables: ['role'] } })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });
}

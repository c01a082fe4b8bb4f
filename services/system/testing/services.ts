/** What is particular to services, apps, lookups and CORS rules. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Removal_Kind } from '#proto/access/v1/access_pb.ts';
import { Comparator, ResourceKind, Target } from '#proto/data/v1/data_pb.ts';
import { SaveExtrasRequestSchema } from '#proto/system/v1/system_pb.ts';
import { ALL, compare, fields, list, one, patch, post, remove } from './actions.ts';
import type { Suite } from './suite.ts';
import { type Action, ADMIN, text } from './system.ts';

export function serviceCases(suite: Suite): void {
  describe('a fresh installation', () => {
    test('has the services that programs know, an administrator and a CORS rule', async () => {
      const services = await suite.system.json(
        list('service', { selection: fields('id', 'name', 'type', 'deletable') }),
      );
      expect(services).toEqual([
        { id: 1, name: 'system', type: 'system', deletable: false },
        { id: 2, name: 'api_docs', type: 'swagger', deletable: false },
        { id: 3, name: 'files', type: 'local_file', deletable: true },
        { id: 4, name: 'logs', type: 'local_file', deletable: true },
        { id: 6, name: 'email', type: 'local_email', deletable: true },
        { id: 7, name: 'user', type: 'user', deletable: false },
      ]);
      expect(await suite.system.json(list('admin', { selection: fields('email') }))).toEqual([
        { email: ADMIN.email, confirmed: true, expired: false },
      ]);
      expect(await suite.system.json(list('cors', { selection: fields('path', 'origin', 'method') }))).toEqual([
        { path: '*', origin: '*', method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] },
      ]);
      expect(suite.system.service.firstAdmin).toEqual({ email: ADMIN.email, password: undefined });
    });

    test('lists its resources', async () => {
      const action: Action = { case: 'listResources', value: { kind: ResourceKind.ROOT } };
      const names = (await suite.system.json(action)).map(({ name }: { name: string }) => name);
      expect(names).toEqual([
        'admin',
        'admin/password',
        'admin/profile',
        'admin/session',
        'app',
        'audit',
        'cache',
        'config_package',
        'constant',
        'cors',
        'custom',
        'email_template',
        'environment',
        'event',
        'event_script',
        'job',
        'limit',
        'limit_cache',
        'lookup',
        'package',
        'role',
        'scheduler',
        'script_type',
        'service',
        'service_type',
        'token_issuer',
        'user',
      ]);
      expect((await suite.system.json(action, {}, 'user')).map(({ name }: { name: string }) => name)).toEqual([
        'custom',
        'password',
        'profile',
        'register',
        'session',
      ]);
    });

    test('describes them for API documents', async () => {
      const of = (...tables: string[]): Action => ({ case: 'describeTables', value: { tables } });
      const [admin, access] = await suite.system.json(of('admin', 'role_service_access'));
      expect(admin).toMatchObject({ name: 'admin', plural: 'Admins', primary_key: ['id'], is_resource: true });
      const fieldOf = (name: string) => admin.field.find((field: { name: string }) => field.name === name);
      expect(fieldOf('id')).toMatchObject({ type: 'id', access: 'read_only' });
      expect(fieldOf('password')).toMatchObject({ type: 'string', access: 'write_only' });
      expect(fieldOf('confirmed')).toMatchObject({ type: 'boolean', access: 'read_only' });
      expect(fieldOf('is_sys_admin')).toBeUndefined();
      expect(access).toMatchObject({ is_resource: false });
      expect(access.field.find(({ name }: { name: string }) => name === 'filters')).toMatchObject({ type: 'json' });
      const all = (await suite.system.json(of())).map(({ name }: { name: string }) => name);
      expect(all).toEqual(expect.arrayContaining(['app', 'role', 'service_doc', 'user_lookup']));
      expect(await suite.system.json(of(), {}, 'user')).toEqual([]);
      await expect(suite.system.execute(of('nosuch'))).rejects.toMatchObject({ code: 'not_found' });
    });
  });

  describe('services', () => {
    const config = { host: 'db.example', port: '5432', database: 'x', username: 'u', password: 'pg-secret', nosuch: 1 };

    test('settings are checked, merged and masked, and reach their connector alone', async () => {
      const result = await suite.system.execute(post('service', { selection: ALL }), {
        records: [{ name: 'store', type: 'pgsql', is_active: true, config }],
      });
      const [service] = JSON.parse(Buffer.from(result.json).toString());
      expect(result.dropped).toEqual(['config.nosuch']);
      expect(service).toMatchObject({ label: 'store', mutable: true, deletable: true });
      expect(service.config).toEqual({
        service_id: service.id,
        host: 'db.example',
        port: 5432,
        database: 'x',
        username: 'u',
        password: '**********',
        options: null,
        allow_upsert: false,
      });
      const pushed = await suite.connector.until((update) => update.services.some(({ name }) => name === 'store'));
      const settings = JSON.parse(Buffer.from(pushed.services[0]!.configJson).toString());
      expect(settings).toEqual({ host: 'db.example', port: 5432, database: 'x', username: 'u', password: 'pg-secret' });
      const seen = await suite.router.until((update) => update.services.some(({ name }) => name === 'store'));
      expect(seen.services[0]).toMatchObject({ tier: 'sql', isActive: true, configJson: new Uint8Array() });

      await suite.system.execute(patch('service', Target.ONE), {
        keys: [service.id],
        records: { config: { host: 'other.example', password: '**********' } },
      });
      const changed = await suite.connector.until((update) =>
        update.services.some((entity) => Buffer.from(entity.configJson).includes('other.example')),
      );
      expect(JSON.parse(Buffer.from(changed.services[0]!.configJson).toString())).toMatchObject({
        host: 'other.example',
        port: 5432,
        password: 'pg-secret',
      });

      await suite.system.execute(remove('service', Target.ONE), { keys: [service.id] });
      await suite.connector.until(({ removals }) =>
        removals.some(({ kind, id }) => kind === Removal_Kind.SERVICE && id === service.id),
      );
    });

    test('lookups in settings are resolved for the connector only', async () => {
      await suite.system.execute(post('lookup'), {
        records: [
          { name: 'db.secret', value: 'from-lookup', private: true },
          { name: 'db.host', value: 'HOST' },
        ],
      });
      const [{ id }] = await suite.system.json(post('service'), {
        records: [
          {
            name: 'lookups',
            type: 'pgsql',
            config: { host: '{strtolower(db.host)}', database: '{nosuch}', password: '{db.secret}' },
          },
        ],
      });
      const pushed = await suite.connector.until((update) => update.services.some(({ name }) => name === 'lookups'));
      expect(JSON.parse(Buffer.from(pushed.services[0]!.configJson).toString())).toEqual({
        host: 'host',
        database: '{nosuch}',
        password: 'from-lookup',
      });
      expect((await suite.system.json(one('service'), { keys: [id] })).config.host).toBe('{strtolower(db.host)}');
      expect(
        JSON.stringify(suite.router.updates, (_key, value) => (typeof value === 'bigint' ? 0 : value)),
      ).not.toContain('from-lookup');
    });

    test.each([
      ['no name', { type: 'sqlite', config: { database: 'x' } }, 'name'],
      ['a name with a blank', { name: 'bad name', type: 'sqlite', config: { database: 'x' } }, 'name'],
      ['an unknown type', { name: 'bad', type: 'nosuch' }, 'type'],
      ['no database', { name: 'bad', type: 'pgsql', config: { host: 'x' } }, 'database'],
      [
        'a port that is no number',
        { name: 'bad', type: 'pgsql', config: { host: 'x', database: 'x', port: 'y' } },
        'port',
      ],
      ['a second service of a singleton type', { name: 'bad', type: 'user' }, 'type'],
    ])('%s is invalid', async (_why, record, field) => {
      await expect(suite.system.execute(post('service'), { records: [record] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { [field]: [expect.any(String)] } } }] },
      });
    });

    test('system and user stay', async () => {
      await expect(suite.system.execute(remove('service', Target.ONE), { keys: [1] })).rejects.toMatchObject({
        code: 'denied',
      });
      await expect(
        suite.system.execute(patch('service', Target.ONE), { keys: [7], records: { name: 'mine' } }),
      ).rejects.toMatchObject({ code: 'invalid' });
      await suite.system.execute(patch('service', Target.ONE), {
        keys: [7],
        records: { config: { allow_open_registration: true } },
      });
      expect((await suite.system.json(one('service'), { keys: [7] })).config).toMatchObject({
        service_id: 7,
        allow_open_registration: true,
        open_reg_role_id: null,
      });
      await suite.system.execute(patch('service', Target.ONE), {
        keys: [7],
        records: { config: { allow_open_registration: false } },
      });
    });

    test('service types are those announced and our own', async () => {
      expect(
        (await suite.system.json(list('service_type', { selection: fields('name', 'group') }))).map(
          ({ name }: { name: string }) => name,
        ),
      ).toEqual(['local_email', 'nodejs', 'pgsql', 'smtp_email', 'sqlite', 'swagger', 'system', 'user', 'v8js']);
      expect(await suite.system.json(one('service_type'), { keys: ['sqlite'] })).toMatchObject({
        label: 'SQLite',
        group: 'Database',
        singleton: false,
        subscription_required: null,
        config_schema: [{ name: 'database' }, { name: 'max_records' }],
      });
      await expect(suite.system.execute(one('service_type'), { keys: ['nosuch'] })).rejects.toMatchObject({
        code: 'not_found',
        message: "Service type 'nosuch' not found.",
      });
      await expect(suite.system.execute(post('service_type'), { records: [{ name: 'x' }] })).rejects.toMatchObject({
        code: 'unsupported',
      });
    });

    test('schema extras are merged, pushed and forgotten', async () => {
      const [{ id }] = await suite.system.json(post('service'), {
        records: [{ name: 'extras', type: 'sqlite', config: { database: 'x' } }],
      });
      const save = (field: string, properties: object | undefined) =>
        suite.system.extras.call(
          'save',
          create(SaveExtrasRequestSchema, {
            service: 'extras',
            changes: [{ table: 't', field, propertiesJson: Buffer.from(properties ? JSON.stringify(properties) : '') }],
          }),
          5000,
        );
      await save('f', { label: 'F', alias: 'g' });
      await save('f', { alias: null, description: 'd' });
      const pushed = await suite.connector.until((update) =>
        update.schemaExtras.some((extra) => Buffer.from(extra.propertiesJson).includes('description')),
      );
      const [extra] = pushed.schemaExtras;
      expect(extra).toMatchObject({ serviceId: id, table: 't', field: 'f' });
      expect(JSON.parse(Buffer.from(extra!.propertiesJson).toString())).toEqual({ label: 'F', description: 'd' });
      await save('', undefined);
      await suite.connector.until(({ removals }) => removals.some(({ kind }) => kind === Removal_Kind.SCHEMA_EXTRA));
      const { failure } = await suite.system.extras.call(
        'save',
        create(SaveExtrasRequestSchema, { service: 'nosuch' }),
        5000,
      );
      expect(failure?.code).toBe('not_found');
    });
  });

  describe('apps, lookups and CORS rules', () => {
    test('keys are generated, kept when strong, changed on demand', async () => {
      const app = await suite.makeApp('keys');
      expect(app.api_key).toMatch(/^[0-9a-f]{64}$/);
      const strong = 'a1'.repeat(40);
      const [given] = await suite.system.json(post('app', { selection: ALL }), {
        records: [{ name: 'given', api_key: strong, type: 2, url: 'http://localhost:3000' }],
      });
      expect(given).toMatchObject({
        api_key: strong,
        is_active: false,
        launch_url: 'http://localhost:3000',
        toggle_location: 'top',
      });
      const set = async (api_key: unknown) =>
        (
          await suite.system.json(patch('app', Target.ONE, { selection: fields('api_key') }), {
            keys: [app.id],
            records: { api_key },
          })
        ).api_key;
      expect(await set('')).toBe(app.api_key);
      expect(await set('weak')).toBe(app.api_key);
      expect(await set(null)).not.toBe(app.api_key);
    });

    test('private lookups never come back', async () => {
      const [lookup] = await suite.system.json(post('lookup', { selection: ALL }), {
        records: [{ name: 'hidden', value: 'topsecret', private: true }],
      });
      expect(lookup).toMatchObject({ value: '**********', private: true, description: null });
      await suite.system.execute(patch('lookup', Target.ONE), {
        keys: [lookup.id],
        records: { value: '**********', description: 'kept' },
      });
      await expect(
        suite.system.execute(patch('lookup', Target.ONE), { keys: [lookup.id], records: { private: false } }),
      ).rejects.toMatchObject({ code: 'invalid' });
      const guess = list('lookup', { filter: compare('value', Comparator.LIKE, 0) });
      expect(await suite.system.json(guess, { parameters: [text('%topsecret%')] })).toEqual([]);
      const taken = suite.system.execute(post('lookup'), { records: [{ name: 'hidden', value: 'x' }] });
      await expect(taken).rejects.toMatchObject({
        batch: { outcomes: [{ error: { message: 'Lookup name can not be modified to one that already exists.' } }] },
      });
    });

    test.each([
      [
        ['GET', 'patch'],
        ['GET', 'PATCH'],
      ],
      [31, ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']],
      ['GET,PUT', ['GET', 'PUT']],
      [null, []],
    ])('verbs of a CORS rule: %j', async (method, expected) => {
      const path = `api/${JSON.stringify(method)}`;
      const [rule] = await suite.system.json(post('cors', { selection: ALL }), {
        records: [{ path, origin: '*', method }],
      });
      expect(rule).toMatchObject({ method: expected, enabled: true, max_age: 0, supports_credentials: false });
    });

    test('a CORS rule needs its path and verbs that exist', async () => {
      await expect(suite.system.execute(post('cors'), { records: [{ origin: '*' }] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { context: { path: [expect.any(String)] } } }] },
      });
      await expect(
        suite.system.execute(post('cors'), { records: [{ path: 'x', origin: '*', method: ['FETCH'] }] }),
      ).rejects.toMatchObject({ code: 'invalid' });
    });
  });
}

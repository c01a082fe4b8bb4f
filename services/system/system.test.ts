/** The system service over its real port, the same cases on every engine. */
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Removal_Kind, Scope } from '#proto/access/v1/access_pb.ts';
import {
  BatchMode,
  Comparator,
  type Filter,
  FilterSchema,
  ResourceKind,
  Selection_Kind,
  Target,
} from '#proto/data/v1/data_pb.ts';
import {
  DescribeRequestSchema,
  EnvironmentRequestSchema,
  LoginRequestSchema,
  SaveExtrasRequestSchema,
  TokenRequestSchema,
  UserKind,
} from '#proto/system/v1/system_pb.ts';
import { type RunningPostgres, startPostgres } from '../../deploy/testing/postgres.ts';
import { suiteWith } from '../../deploy/testing/suite.ts';
import {
  type Action,
  ADMIN,
  number,
  type Sent,
  SQL_TYPES,
  sessionOf,
  TestSystem,
  text,
  type Watch,
} from './testing.ts';

const ALL = { kind: Selection_Kind.ALL };
const fields = (...names: string[]) => ({ kind: Selection_Kind.LISTED, names });
const related = (...names: string[]) => names.map((name) => ({ name }));

const compare = (field: string, comparator: Comparator, ...parameters: number[]): Filter =>
  create(FilterSchema, {
    node: {
      case: 'comparison',
      value: {
        field,
        comparator,
        operands: parameters.map((parameter) => ({ kind: { case: 'parameter' as const, value: parameter } })),
      },
    },
  });

type ReadInit = Extract<Action, { case: 'read' }>['value'];
const list = (table: string, more: ReadInit = {}): Action => ({
  case: 'read',
  value: { table, target: Target.FILTER, ...more },
});
const one = (table: string, more: ReadInit = {}): Action => ({
  case: 'read',
  value: { table, target: Target.ONE, ...more },
});
const byIds = (table: string, more: ReadInit = {}): Action => ({
  case: 'read',
  value: { table, target: Target.KEYS, ...more },
});
type CreateInit = Extract<Action, { case: 'create' }>['value'];
const post = (table: string, more: CreateInit = {}): Action => ({ case: 'create', value: { table, ...more } });
type UpdateInit = Extract<Action, { case: 'update' }>['value'];
const patch = (table: string, target: Target, more: UpdateInit = {}): Action => ({
  case: 'update',
  value: { table, target, ...more },
});
type DeleteInit = Extract<Action, { case: 'delete' }>['value'];
const remove = (table: string, target: Target, more: DeleteInit = {}): Action => ({
  case: 'delete',
  value: { table, target, ...more },
});

function suite(databaseUrl: () => string | undefined): void {
  let system: TestSystem;
  let connector: Watch;
  let router: Watch;

  beforeAll(async () => {
    const url = databaseUrl();
    system = await TestSystem.start(url ? { MILLRACE_SYSTEM_DB: url } : {});
    connector = system.watch(Scope.CONNECTOR, SQL_TYPES);
    await connector.until((update) => update.full);
    router = system.watch(Scope.ROUTER);
    await router.until((update) => update.full);
  });
  afterAll(async () => {
    connector?.cancel();
    router?.cancel();
    await system?.stop();
  });

  const makeRole = async (name: string): Promise<number> =>
    (await system.json(post('role'), { records: [{ name, is_active: true }] }))[0].id;
  const makeApp = async (name: string, roleId: number | null = null): Promise<{ id: number; api_key: string }> =>
    (await system.json(post('app', { selection: ALL }), { records: [{ name, is_active: true, role_id: roleId }] }))[0];
  const makeUser = async (email: string, more: object = {}): Promise<number> =>
    (
      await system.json(post('user'), { records: [{ first_name: 'U', email, password: 'Long-enough-pw-16', ...more }] })
    )[0].id;
  const tokenOf = async (email: string): Promise<string> =>
    sessionOf(await system.login(UserKind.USER, email, 'Long-enough-pw-16')).session_token;
  const refresh = async (token: string) =>
    sessionOf(await system.sessions.call('refresh', create(TokenRequestSchema, { kind: UserKind.USER, token }), 5000));

  describe('a fresh installation', () => {
    test('has the services that programs know, an administrator and a CORS rule', async () => {
      const services = await system.json(list('service', { selection: fields('id', 'name', 'type', 'deletable') }));
      expect(services).toEqual([
        { id: 1, name: 'system', type: 'system', deletable: false },
        { id: 7, name: 'user', type: 'user', deletable: false },
      ]);
      expect(await system.json(list('admin', { selection: fields('email') }))).toEqual([
        { email: ADMIN.email, confirmed: true, expired: false },
      ]);
      expect(await system.json(list('cors', { selection: fields('path', 'origin', 'method') }))).toEqual([
        { path: '*', origin: '*', method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] },
      ]);
      expect(system.service.firstAdmin).toEqual({ email: ADMIN.email, password: undefined });
    });

    test('lists its resources', async () => {
      const action: Action = { case: 'listResources', value: { kind: ResourceKind.ROOT } };
      const names = (await system.json(action)).map(({ name }: { name: string }) => name);
      expect(names).toEqual([
        'admin',
        'admin/session',
        'app',
        'cors',
        'environment',
        'lookup',
        'role',
        'service',
        'service_type',
        'user',
      ]);
      expect(await system.json(action, {}, 'user')).toMatchObject([{ name: 'session' }]);
    });
  });

  describe('records', () => {
    let ids: number[];

    beforeAll(async () => {
      const records = ['alpha', 'beta', 'gamma', 'delta'].map((name, index) => ({
        name: `rec ${name}`,
        description: index % 2 ? null : 'even',
      }));
      ids = (await system.json(post('role'), { records })).map(({ id }: { id: number }) => id);
    });

    test('POST answers the key alone, or what was asked for, and that it created', async () => {
      const result = await system.execute(post('role', { selection: ALL }), {
        records: [{ name: 'rec full', nosuch: 1, created_date: 'x' }],
      });
      expect(result.created).toBe(true);
      expect(result.dropped.toSorted()).toEqual(['created_date', 'nosuch']);
      const [record] = JSON.parse(Buffer.from(result.json).toString());
      expect(Object.keys(record)).toEqual([
        'id',
        'name',
        'description',
        'is_active',
        'created_date',
        'last_modified_date',
        'created_by_id',
        'last_modified_by_id',
      ]);
      expect(record).toMatchObject({
        name: 'rec full',
        description: null,
        is_active: false,
        created_by_id: 1,
        last_modified_by_id: null,
      });
      expect(record.created_date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    });

    const named: [why: string, filter: Filter, parameters: Sent['parameters'], expected: string[]][] = [
      ['=', compare('name', Comparator.EQ, 0), [text('rec beta')], ['beta']],
      ['= null', compare('description', Comparator.IS_NULL), [], ['beta', 'delta']],
      [
        'like, regardless of case',
        compare('name', Comparator.LIKE, 0),
        [text('REC %A')],
        ['alpha', 'beta', 'delta', 'gamma'],
      ],
      ['contains', compare('name', Comparator.CONTAINS, 0), [text('ELT')], ['delta']],
      ['contains a wildcard as a letter', compare('name', Comparator.CONTAINS, 0), [text('%')], []],
      ['starts with', compare('name', Comparator.STARTS_WITH, 0), [text('rec g')], ['gamma']],
      ['ends with', compare('name', Comparator.ENDS_WITH, 0), [text('ta')], ['beta', 'delta']],
      ['in', compare('name', Comparator.IN, 0, 1), [text('rec beta'), text('rec gamma')], ['beta', 'gamma']],
      ['between', compare('name', Comparator.BETWEEN, 0, 1), [text('rec b'), text('rec e')], ['beta', 'delta']],
      ['a flag as a number', compare('is_active', Comparator.EQ, 0), [number(0)], ['alpha', 'beta', 'delta', 'gamma']],
      ['a quote is a letter', compare('name', Comparator.EQ, 0), [text("x' or '1'='1")], []],
    ];
    test.each(named)('filter: %s', async (_why, filter, parameters, expected) => {
      const mine = compare('id', Comparator.IN, ...ids.map((_id, index) => index + 2));
      const all = create(FilterSchema, { node: { case: 'all', value: { filters: [filter, mine] } } });
      const padded = [parameters?.[0] ?? text(''), parameters?.[1] ?? text(''), ...ids.map(number)];
      const found = await system.json(
        list('role', { filter: all, selection: fields('name'), order: [{ field: 'name' }] }),
        { parameters: padded },
      );
      expect(found.map(({ name }: { name: string }) => name.slice(4))).toEqual(expected);
    });

    test('not and any', async () => {
      const beta = compare('name', Comparator.EQ, 0);
      const gamma = compare('name', Comparator.EQ, 1);
      const any = create(FilterSchema, { node: { case: 'any', value: { filters: [beta, gamma] } } });
      const not = create(FilterSchema, { node: { case: 'not', value: any } });
      const parameters = [text('rec beta'), text('rec gamma')];
      expect(await system.json(list('role', { filter: any, countOnly: true }), { parameters })).toBe(2);
      const all = await system.json(list('role', { countOnly: true }));
      expect(await system.json(list('role', { filter: not, countOnly: true }), { parameters })).toBe(all - 2);
    });

    test('a row filter always holds', async () => {
      const action = list('role', {
        filter: compare('name', Comparator.EQ, 0),
        rowFilter: compare('name', Comparator.EQ, 1),
      });
      expect(await system.json(action, { parameters: [text('rec beta'), text('rec gamma')] })).toEqual([]);
    });

    test.each<[string, Action, Sent]>([
      ['an unknown field', list('role', { filter: compare('nosuch', Comparator.EQ, 0) }), { parameters: [text('x')] }],
      ['a hash', list('user', { filter: compare('password_hash', Comparator.LIKE, 0) }), { parameters: [text('%')] }],
      ['a password', list('user', { filter: compare('password', Comparator.EQ, 0) }), { parameters: [text('x')] }],
      [
        'a confirm code',
        list('user', { filter: compare('confirm_code', Comparator.EQ, 0) }),
        { parameters: [text('x')] },
      ],
      [
        'sealed settings',
        list('service', { filter: compare('config', Comparator.LIKE, 0) }),
        { parameters: [text('%')] },
      ],
      [
        'a text for an integer',
        list('app', { filter: compare('role_id', Comparator.EQ, 0) }),
        { parameters: [text('x')] },
      ],
      ['order by a hash', list('user', { order: [{ field: 'password_hash' }] }), {}],
      ['an unknown field asked for', list('role', { selection: fields('id', 'nosuch') }), {}],
      ['a hash asked for', list('user', { selection: fields('password_hash') }), {}],
      ['an unknown relation', list('role', { related: related('nosuch') }), {}],
      ['no records', post('role'), { records: [] }],
      ['a delete of nothing', remove('role', Target.FILTER), {}],
    ])('%s is invalid', async (_why, action, sent) => {
      await expect(system.execute(action, sent)).rejects.toMatchObject({ code: 'invalid' });
    });

    test('pages, counts and order', async () => {
      const parameters = ids.map(number);
      const filter = compare('id', Comparator.IN, ...ids.keys());
      const result = await system.execute(
        list('role', {
          filter,
          order: [{ field: 'name', descending: true }],
          limit: 2,
          offset: 1,
          includeCount: true,
          selection: fields('name'),
        }),
        { parameters },
      );
      expect(JSON.parse(Buffer.from(result.json).toString())).toEqual([{ name: 'rec delta' }, { name: 'rec beta' }]);
      expect([Number(result.count), Number(result.next)]).toEqual([4, 3]);
    });

    test('groups', async () => {
      const filter = compare('id', Comparator.IN, ...ids.keys());
      const groups = await system.json(list('role', { filter, group: ['description'] }), {
        parameters: ids.map(number),
      });
      expect(groups.length).toBe(2);
      expect(groups).toContainEqual({ description: 'even' });
      expect(groups).toContainEqual({ description: null });
    });

    test('ids come in order of the key; a missing one fails with what was found', async () => {
      const [a, b] = ids as [number, number];
      expect(await system.json(byIds('role', { selection: fields('id') }), { keys: [b, a] })).toEqual([
        { id: a },
        { id: b },
      ]);
      const failure = system.execute(byIds('role', { selection: fields('id') }), { keys: [a, 999_999, b] });
      await expect(failure).rejects.toMatchObject({
        code: 'invalid',
        batch: {
          rolledBack: false,
          outcomes: [{ json: Buffer.from(`{"id":${a}}`) }, { error: { code: 'not_found' } }],
        },
      });
      const going = system.execute(byIds('role', { selection: fields('id'), mode: BatchMode.CONTINUE }), {
        keys: [a, 999_999, b],
      });
      await expect(going).rejects.toMatchObject({ batch: { outcomes: { length: 3 } } });
    });

    test.each(['999999', 'abc', '', '1 or 1=1', '99999999999999999999'])('id %j is not found', async (key) => {
      await expect(system.execute(one('role'), { keys: [key] })).rejects.toMatchObject({ code: 'not_found' });
    });

    test.each<[string, BatchMode, string[], boolean]>([
      ['stop keeps what came before', BatchMode.STOP, ['x1'], false],
      ['continue goes on', BatchMode.CONTINUE, ['x1', 'x3'], false],
      ['rollback keeps nothing', BatchMode.ROLLBACK, [], true],
    ])('a failing record: %s', async (why, mode, kept, rolledBack) => {
      const records = ['x1', '', 'x3'].map((name) => ({ name: name && `${why} ${name}` }));
      await expect(system.execute(post('role', { mode }), { records })).rejects.toMatchObject({
        code: 'invalid',
        batch: {
          rolledBack,
          outcomes: {
            length: mode === BatchMode.CONTINUE ? 3 : 2,
            1: { error: { context: { name: ['The name field is required.'] } } },
          },
        },
      });
      const left = await system.json(
        list('role', { filter: compare('name', Comparator.STARTS_WITH, 0), selection: fields('name') }),
        { parameters: [text(why)] },
      );
      expect(left.map(({ name }: { name: string }) => name.slice(why.length + 1))).toEqual(kept);
    });

    test('a name taken is invalid, also in other letters', async () => {
      const failure = system.execute(post('role'), { records: [{ name: 'REC Alpha' }] });
      await expect(failure).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { name: ['The name has already been taken.'] } } }] },
      });
    });

    test('PATCH by id, by ids, by records and by filter', async () => {
      const [a, b, c] = ids as [number, number, number];
      expect(await system.json(patch('role', Target.ONE), { keys: [a], records: { description: 'one' } })).toEqual({
        id: a,
      });
      const many = await system.json(patch('role', Target.KEYS, { selection: fields('id', 'description') }), {
        keys: [a, b],
        records: [{ description: 'both' }],
      });
      expect(many).toEqual([
        { id: a, description: 'both' },
        { id: b, description: 'both' },
      ]);
      expect(await system.json(patch('role', Target.RECORDS), { records: [{ id: c, description: 'rec' }] })).toEqual([
        { id: c },
      ]);
      const filtered = patch('role', Target.FILTER, {
        filter: compare('description', Comparator.EQ, 0),
        selection: fields('description', 'last_modified_by_id'),
      });
      expect(
        await system.json(filtered, { parameters: [text('rec')], records: [{ description: 'filtered' }] }),
      ).toEqual([{ description: 'filtered', last_modified_by_id: 1 }]);
    });

    test('PATCH failures: plain with the id in the path, a batch otherwise', async () => {
      const [a] = ids as [number];
      await expect(
        system.execute(patch('role', Target.ONE), { keys: [a], records: { name: '' } }),
      ).rejects.toMatchObject({
        code: 'invalid',
        batch: undefined,
        context: { name: ['The name field is required.'] },
      });
      await expect(
        system.execute(patch('role', Target.ONE), { keys: [999_999], records: { name: 'x' } }),
      ).rejects.toMatchObject({ code: 'not_found' });
      const batch = system.execute(patch('role', Target.RECORDS, { mode: BatchMode.ROLLBACK }), {
        records: [{ id: a, description: 'gone' }, { id: 999_999 }],
      });
      await expect(batch).rejects.toMatchObject({ batch: { rolledBack: true } });
      expect(await system.json(one('role', { selection: fields('description') }), { keys: [a] })).toEqual({
        description: 'both',
      });
    });

    test('DELETE answers what was there', async () => {
      const [id] = (await system.json(post('role'), { records: [{ name: 'short life' }] })).map(
        (record: { id: number }) => record.id,
      );
      expect(await system.json(remove('role', Target.ONE, { selection: fields('name') }), { keys: [id] })).toEqual({
        name: 'short life',
      });
      await expect(system.execute(remove('role', Target.ONE), { keys: [id] })).rejects.toMatchObject({
        code: 'not_found',
      });
    });

    test('a description of the resource', async () => {
      const { schemaJson } = await system.execute(list('role', { includeSchema: true, limit: 1 }));
      const schema = JSON.parse(Buffer.from(schemaJson).toString());
      expect(schema).toMatchObject({
        name: 'role',
        primary_key: ['id'],
        field: { 0: { name: 'id', type: 'id', is_primary_key: true }, 1: { name: 'name', required: true } },
      });
    });
  });

  describe('nested records', () => {
    test('are created, changed, kept, matched by name, deleted and moved', async () => {
      const lookup_by_role_id = [
        { name: 'a', value: '1' },
        { name: 'b', value: '2', private: true },
      ];
      const [role] = await system.json(
        post('role', { selection: ALL, related: related('lookup_by_role_id', 'app_by_role_id') }),
        { records: [{ name: 'nested', lookup_by_role_id }] },
      );
      expect(role.app_by_role_id).toEqual([]);
      expect(role.lookup_by_role_id).toMatchObject([
        { role_id: role.id, name: 'a', value: '1', private: false, created_by_id: null },
        { name: 'b', value: '**********', private: true },
      ]);
      const [a, b] = role.lookup_by_role_id;
      const change = (records: object[]) =>
        system.json(patch('role', Target.ONE, { selection: fields('id'), related: related('lookup_by_role_id') }), {
          keys: [role.id],
          records: { lookup_by_role_id: records },
        });
      const values = (answer: { lookup_by_role_id: { name: string; value: string }[] }) =>
        answer.lookup_by_role_id.map(({ name, value }) => `${name}=${value}`);
      expect(
        values(
          await change([
            { id: a.id, value: '10' },
            { name: 'c', value: '3' },
          ]),
        ),
      ).toEqual(['a=10', 'b=**********', 'c=3']);
      expect(values(await change([{ name: 'c', value: '30' }]))).toEqual(['a=10', 'b=**********', 'c=30']);
      expect(values(await change([{ id: b.id, role_id: null }]))).toEqual(['a=10', 'c=30']);
      const other = await makeRole('nested other');
      expect(values(await change([{ id: a.id, role_id: other }]))).toEqual(['c=30']);
      await expect(change([{ id: a.id, value: 'stolen' }])).rejects.toMatchObject({ code: 'not_found' });
    });

    test('a failing child takes the parent along', async () => {
      const records = [{ name: 'half', role_service_access_by_role_id: [{ service_id: 999_999, component: '*' }] }];
      await expect(system.execute(post('role'), { records })).rejects.toMatchObject({ code: 'invalid' });
      expect(
        await system.json(list('role', { filter: compare('name', Comparator.EQ, 0) }), { parameters: [text('half')] }),
      ).toEqual([]);
    });

    test.each([
      ['an object instead of a list', { role_service_access_by_role_id: { component: '*' } }],
      [
        'an unknown operator',
        { role_service_access_by_role_id: [{ filters: [{ name: 'a', operator: 'drop', value: 1 }] }] },
      ],
      ['filters that are no list', { role_service_access_by_role_id: [{ filters: 'a = 1' }] }],
      ['an unknown filter_op', { role_service_access_by_role_id: [{ filter_op: 'XOR' }] }],
    ])('%s is invalid', async (_why, nested) => {
      const id = await makeRole(`bad nested ${_why}`);
      await expect(system.execute(patch('role', Target.ONE), { keys: [id], records: nested })).rejects.toMatchObject({
        code: 'invalid',
      });
    });

    test('relations of all kinds are read', async () => {
      const roleId = await makeRole('relations');
      const app = await makeApp('relations app', roleId);
      const userId = await makeUser('relations@example.com', {
        user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: roleId }],
      });
      const role = await system.json(
        one('role', {
          selection: fields('id'),
          related: related('user_by_user_to_app_to_role', 'app_by_role_id', 'user_by_created_by_id'),
        }),
        { keys: [roleId] },
      );
      expect(role.user_by_user_to_app_to_role).toMatchObject([{ id: userId }]);
      expect(role.app_by_role_id).toMatchObject([{ id: app.id }]);
      expect(role.user_by_created_by_id).toMatchObject({ email: ADMIN.email });
      expect(JSON.stringify(role)).not.toContain('password');
      const again = system.execute(patch('user', Target.ONE), {
        keys: [userId],
        records: { user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: roleId }] },
      });
      await expect(again).rejects.toMatchObject({ code: 'invalid' });
    });
  });

  describe('services', () => {
    const config = { host: 'db.example', port: '5432', database: 'x', username: 'u', password: 'pg-secret', nosuch: 1 };

    test('settings are checked, merged and masked, and reach their connector alone', async () => {
      const result = await system.execute(post('service', { selection: ALL }), {
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
      const pushed = await connector.until((update) => update.services.some(({ name }) => name === 'store'));
      const settings = JSON.parse(Buffer.from(pushed.services[0]!.configJson).toString());
      expect(settings).toEqual({ host: 'db.example', port: 5432, database: 'x', username: 'u', password: 'pg-secret' });
      const seen = await router.until((update) => update.services.some(({ name }) => name === 'store'));
      expect(seen.services[0]).toMatchObject({ tier: 'sql', isActive: true, configJson: new Uint8Array() });

      await system.execute(patch('service', Target.ONE), {
        keys: [service.id],
        records: { config: { host: 'other.example', password: '**********' } },
      });
      const changed = await connector.until((update) =>
        update.services.some((entity) => Buffer.from(entity.configJson).includes('other.example')),
      );
      expect(JSON.parse(Buffer.from(changed.services[0]!.configJson).toString())).toMatchObject({
        host: 'other.example',
        port: 5432,
        password: 'pg-secret',
      });

      await system.execute(remove('service', Target.ONE), { keys: [service.id] });
      await connector.until(({ removals }) =>
        removals.some(({ kind, id }) => kind === Removal_Kind.SERVICE && id === service.id),
      );
    });

    test('lookups in settings are resolved for the connector only', async () => {
      await system.execute(post('lookup'), {
        records: [
          { name: 'db.secret', value: 'from-lookup', private: true },
          { name: 'db.host', value: 'HOST' },
        ],
      });
      const [{ id }] = await system.json(post('service'), {
        records: [
          {
            name: 'lookups',
            type: 'pgsql',
            config: { host: '{strtolower(db.host)}', database: '{nosuch}', password: '{db.secret}' },
          },
        ],
      });
      const pushed = await connector.until((update) => update.services.some(({ name }) => name === 'lookups'));
      expect(JSON.parse(Buffer.from(pushed.services[0]!.configJson).toString())).toEqual({
        host: 'host',
        database: '{nosuch}',
        password: 'from-lookup',
      });
      expect((await system.json(one('service'), { keys: [id] })).config.host).toBe('{strtolower(db.host)}');
      expect(JSON.stringify(router.updates, (_key, value) => (typeof value === 'bigint' ? 0 : value))).not.toContain(
        'from-lookup',
      );
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
      await expect(system.execute(post('service'), { records: [record] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { [field]: [expect.any(String)] } } }] },
      });
    });

    test('system and user stay', async () => {
      await expect(system.execute(remove('service', Target.ONE), { keys: [1] })).rejects.toMatchObject({
        code: 'denied',
      });
      await expect(
        system.execute(patch('service', Target.ONE), { keys: [7], records: { name: 'mine' } }),
      ).rejects.toMatchObject({ code: 'invalid' });
      await system.execute(patch('service', Target.ONE), {
        keys: [7],
        records: { config: { allow_open_registration: true } },
      });
      expect((await system.json(one('service'), { keys: [7] })).config).toMatchObject({
        service_id: 7,
        allow_open_registration: true,
        open_reg_role_id: null,
      });
      await system.execute(patch('service', Target.ONE), {
        keys: [7],
        records: { config: { allow_open_registration: false } },
      });
    });

    test('service types are those announced and our own', async () => {
      expect(
        (await system.json(list('service_type', { selection: fields('name', 'group') }))).map(
          ({ name }: { name: string }) => name,
        ),
      ).toEqual(['pgsql', 'sqlite', 'system', 'user']);
      expect(await system.json(one('service_type'), { keys: ['sqlite'] })).toMatchObject({
        label: 'SQLite',
        group: 'Database',
        singleton: false,
        subscription_required: null,
        config_schema: [{ name: 'database' }, { name: 'max_records' }],
      });
      await expect(system.execute(one('service_type'), { keys: ['nosuch'] })).rejects.toMatchObject({
        code: 'not_found',
        message: "Service type 'nosuch' not found.",
      });
      await expect(system.execute(post('service_type'), { records: [{ name: 'x' }] })).rejects.toMatchObject({
        code: 'unsupported',
      });
    });

    test('schema extras are merged, pushed and forgotten', async () => {
      const [{ id }] = await system.json(post('service'), {
        records: [{ name: 'extras', type: 'sqlite', config: { database: 'x' } }],
      });
      const save = (field: string, properties: object | undefined) =>
        system.extras.call(
          'save',
          create(SaveExtrasRequestSchema, {
            service: 'extras',
            changes: [{ table: 't', field, propertiesJson: Buffer.from(properties ? JSON.stringify(properties) : '') }],
          }),
          5000,
        );
      await save('f', { label: 'F', alias: 'g' });
      await save('f', { alias: null, description: 'd' });
      const pushed = await connector.until((update) =>
        update.schemaExtras.some((extra) => Buffer.from(extra.propertiesJson).includes('description')),
      );
      const [extra] = pushed.schemaExtras;
      expect(extra).toMatchObject({ serviceId: id, table: 't', field: 'f' });
      expect(JSON.parse(Buffer.from(extra!.propertiesJson).toString())).toEqual({ label: 'F', description: 'd' });
      await save('', undefined);
      await connector.until(({ removals }) => removals.some(({ kind }) => kind === Removal_Kind.SCHEMA_EXTRA));
      const { failure } = await system.extras.call(
        'save',
        create(SaveExtrasRequestSchema, { service: 'nosuch' }),
        5000,
      );
      expect(failure?.code).toBe('not_found');
    });
  });

  describe('users', () => {
    test('what is created comes back without secrets', async () => {
      const [user] = await system.json(post('user', { selection: ALL }), {
        records: [
          {
            first_name: 'Uma',
            last_name: 'User',
            email: 'uma@example.com',
            password: 'Long-enough-pw-16',
            security_answer: 'bar',
            is_active: false,
            phone: '',
          },
        ],
      });
      expect(Object.keys(user)).toEqual([
        'id',
        'name',
        'first_name',
        'last_name',
        'last_login_date',
        'email',
        'is_active',
        'phone',
        'security_question',
        'default_app_id',
        'created_date',
        'last_modified_date',
        'created_by_id',
        'last_modified_by_id',
        'oauth_provider',
        'username',
        'confirmed',
        'expired',
      ]);
      expect(user).toMatchObject({
        name: 'Uma User',
        username: 'uma@example.com',
        is_active: true,
        confirmed: true,
        expired: false,
      });
    });

    test.each([
      ['a short password', { email: 'a@example.com', password: 'short' }, 'password'],
      ['no address', { first_name: 'x', password: 'Long-enough-pw-16' }, 'email'],
      ['an address that is none', { email: 'noaddress', password: 'Long-enough-pw-16' }, 'email'],
      ['an address in use, in other letters', { email: 'ADMIN@example.com' }, 'email'],
      ['a username with blanks', { email: 'b@example.com', username: 'with blank' }, 'username'],
      ['a NUL', { email: 'c@example.com', first_name: 'a\0b' }, 'first_name'],
    ])('%s is invalid', async (_why, record, field) => {
      await expect(system.execute(post('user'), { records: [record] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { [field]: expect.any(Array) } } }] },
      });
    });

    test('users and administrators are apart', async () => {
      const id = await makeUser('apart@example.com');
      await expect(system.execute(one('user'), { keys: [1] })).rejects.toMatchObject({ code: 'not_found' });
      await expect(
        system.execute(patch('user', Target.ONE), { keys: [1], records: { name: 'x' } }),
      ).rejects.toMatchObject({ code: 'denied' });
      await expect(system.execute(remove('admin', Target.ONE), { keys: [id] })).rejects.toMatchObject({
        code: 'invalid',
      });
      await expect(system.execute(remove('admin', Target.ONE), { keys: [1] })).rejects.toMatchObject({
        code: 'denied',
        message: 'Cannot delete your account.',
      });
      const [sneaky] = await system.json(post('user'), {
        records: [{ email: 'sneaky@example.com', is_sys_admin: true }],
      });
      await expect(system.execute(one('admin'), { keys: [sneaky.id] })).rejects.toMatchObject({ code: 'not_found' });
    });
  });

  describe('apps, lookups and CORS rules', () => {
    test('keys are generated, kept when strong, changed on demand', async () => {
      const app = await makeApp('keys');
      expect(app.api_key).toMatch(/^[0-9a-f]{64}$/);
      const strong = 'a1'.repeat(40);
      const [given] = await system.json(post('app', { selection: ALL }), {
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
          await system.json(patch('app', Target.ONE, { selection: fields('api_key') }), {
            keys: [app.id],
            records: { api_key },
          })
        ).api_key;
      expect(await set('')).toBe(app.api_key);
      expect(await set('weak')).toBe(app.api_key);
      expect(await set(null)).not.toBe(app.api_key);
    });

    test('private lookups never come back', async () => {
      const [lookup] = await system.json(post('lookup', { selection: ALL }), {
        records: [{ name: 'hidden', value: 'topsecret', private: true }],
      });
      expect(lookup).toMatchObject({ value: '**********', private: true, description: null });
      await system.execute(patch('lookup', Target.ONE), {
        keys: [lookup.id],
        records: { value: '**********', description: 'kept' },
      });
      await expect(
        system.execute(patch('lookup', Target.ONE), { keys: [lookup.id], records: { private: false } }),
      ).rejects.toMatchObject({ code: 'invalid' });
      const guess = list('lookup', { filter: compare('value', Comparator.LIKE, 0) });
      expect(await system.json(guess, { parameters: [text('%topsecret%')] })).toEqual([]);
      const taken = system.execute(post('lookup'), { records: [{ name: 'hidden', value: 'x' }] });
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
      const [rule] = await system.json(post('cors', { selection: ALL }), { records: [{ path, origin: '*', method }] });
      expect(rule).toMatchObject({ method: expected, enabled: true, max_age: 0, supports_credentials: false });
    });

    test('a CORS rule needs its path and verbs that exist', async () => {
      await expect(system.execute(post('cors'), { records: [{ origin: '*' }] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { context: { path: [expect.any(String)] } } }] },
      });
      await expect(
        system.execute(post('cors'), { records: [{ path: 'x', origin: '*', method: ['FETCH'] }] }),
      ).rejects.toMatchObject({ code: 'invalid' });
    });
  });

  describe('sessions', () => {
    test('an administrator signs in, is described, refreshes and signs out', async () => {
      const session = sessionOf(await system.login(UserKind.ADMIN, ADMIN.email, ADMIN.password));
      expect(Object.keys(session)).toEqual([
        'session_token',
        'session_id',
        'id',
        'name',
        'first_name',
        'last_name',
        'email',
        'is_sys_admin',
        'last_login_date',
        'host',
        'token_expiry_date',
      ]);
      expect(session).toMatchObject({
        id: 1,
        email: ADMIN.email,
        is_sys_admin: true,
        session_id: session.session_token,
      });
      expect(session.token_expiry_date).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
      const token = session.session_token;
      const described = await system.sessions.call(
        'describe',
        create(DescribeRequestSchema, { kind: UserKind.ADMIN, userId: 1, token }),
        5000,
      );
      expect(sessionOf(described)).toMatchObject({ session_token: token, email: ADMIN.email });
      const again = await system.sessions.call(
        'refresh',
        create(TokenRequestSchema, { kind: UserKind.ADMIN, token }),
        5000,
      );
      const fresh = sessionOf(again).session_token;
      expect(fresh).not.toBe(token);
      const jti = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()).jti;
      await router.until(({ revocations }) => revocations.some((revocation) => revocation.jti === jti(token)));
      const twice = await system.sessions.call(
        'refresh',
        create(TokenRequestSchema, { kind: UserKind.ADMIN, token }),
        5000,
      );
      expect(() => sessionOf(twice)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
      const { failure } = await system.sessions.call(
        'logout',
        create(TokenRequestSchema, { kind: UserKind.ADMIN, token: fresh }),
        5000,
      );
      expect(failure).toBeUndefined();
      await router.until(({ revocations }) => revocations.some((revocation) => revocation.jti === jti(fresh)));
    });

    test.each([
      ['no address', UserKind.ADMIN, '', 'x', 'invalid'],
      ['no password', UserKind.ADMIN, ADMIN.email, '', 'invalid'],
      ['a wrong password', UserKind.ADMIN, ADMIN.email, 'wrong', 'unauthenticated'],
      ['a NUL behind the password', UserKind.ADMIN, ADMIN.email, `${ADMIN.password}\0`, 'unauthenticated'],
      ['a NUL behind the address', UserKind.ADMIN, `${ADMIN.email}\0`, ADMIN.password, 'unauthenticated'],
      ['an unknown address', UserKind.ADMIN, 'nobody@example.com', 'wrong', 'unauthenticated'],
      ['an administrator as a user', UserKind.USER, ADMIN.email, ADMIN.password, 'unauthenticated'],
    ])('%s', async (why, kind, email, password, code) => {
      const reply = await system.login(kind, email, password, { clientAddress: why });
      expect(() => sessionOf(reply)).toThrow(expect.objectContaining({ code }));
    });

    test('guessing is slowed down, for that address only', async () => {
      const attempt = async (clientAddress: string) => {
        const { outcome } = await system.login(UserKind.ADMIN, ADMIN.email, 'guess', { clientAddress });
        return outcome.case === 'failure' ? outcome.value.code : outcome.case;
      };
      const codes: unknown[] = [];
      for (let n = 0; n < 7; n++) codes.push(await attempt('10.0.0.1'));
      expect(codes.slice(0, 5)).toEqual(Array(5).fill('unauthenticated'));
      expect(codes.at(-1)).toBe('limited');
      expect(await attempt('10.0.0.2')).toBe('unauthenticated');
      expect(
        sessionOf(await system.login(UserKind.ADMIN, ADMIN.email, ADMIN.password, { clientAddress: '10.0.0.3' })).id,
      ).toBe(1);
    });

    test('the role of a session is that of the app', async () => {
      const own = await makeRole('session own');
      const fallback = await makeRole('session fallback');
      const app = await makeApp('session app');
      const open = await makeApp('session open', fallback);
      const id = await makeUser('roles@example.com', {
        user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: own }],
      });
      const roleFor = async (appId: number) =>
        sessionOf(await system.login(UserKind.USER, 'roles@example.com', 'Long-enough-pw-16', { appId })).role_id;
      expect([await roleFor(0), await roleFor(app.id), await roleFor(open.id)]).toEqual([undefined, own, fallback]);
      await system.execute(patch('role', Target.ONE), { keys: [own], records: { is_active: false } });
      const refused = await system.login(UserKind.USER, 'roles@example.com', 'Long-enough-pw-16', { appId: app.id });
      expect(() => sessionOf(refused)).toThrow(
        expect.objectContaining({ code: 'denied', message: 'Role is not active.' }),
      );
      expect(id).toBeGreaterThan(1);
    });

    test('a changed password, a deactivation and a changed address end all tokens; a new sign-in works at once', async () => {
      const id = await makeUser('tokens@example.com');
      const first = await tokenOf('tokens@example.com');
      await system.execute(patch('user', Target.ONE), { keys: [id], records: { password: 'Long-enough-pw-16' } });
      await expect(refresh(first)).rejects.toMatchObject({ code: 'unauthenticated' });
      const second = await tokenOf('tokens@example.com');
      expect((await refresh(second)).id).toBe(id);
      const third = await tokenOf('tokens@example.com');
      await system.execute(patch('user', Target.ONE), { keys: [id], records: { is_active: false } });
      await expect(refresh(third)).rejects.toMatchObject({ code: 'unauthenticated' });
      await expect(tokenOf('tokens@example.com')).rejects.toMatchObject({ code: 'unauthenticated' });
      await system.execute(patch('user', Target.ONE), { keys: [id], records: { is_active: true } });
      await expect(refresh(third)).rejects.toMatchObject({ code: 'unauthenticated' });
      const fourth = await tokenOf('tokens@example.com');
      await system.execute(patch('user', Target.ONE), { keys: [id], records: { email: 'tokens2@example.com' } });
      await expect(refresh(fourth)).rejects.toMatchObject({ code: 'unauthenticated' });
    });

    test('a token is refreshed once, however many try', async () => {
      await makeUser('race@example.com');
      const token = await tokenOf('race@example.com');
      const results = await Promise.allSettled(Array.from({ length: 4 }, () => refresh(token)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('anonymous descriptions', async () => {
      const describeAs = async (kind: UserKind, userId = 0) =>
        sessionOf(await system.sessions.call('describe', create(DescribeRequestSchema, { kind, userId }), 5000));
      await expect(describeAs(UserKind.USER)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: 'There is no valid session for the current request.',
      });
      await expect(describeAs(UserKind.ADMIN)).rejects.toMatchObject({
        code: 'not_found',
        message: 'No user session found.',
      });
      const id = await makeUser('describe@example.com');
      await expect(describeAs(UserKind.ADMIN, id)).rejects.toMatchObject({ code: 'unauthenticated' });
    });

    test('HTTP Basic checks a password', async () => {
      const verify = (password: string) =>
        system.sessions.call(
          'verifyPassword',
          create(LoginRequestSchema, { kind: UserKind.ANY, email: ADMIN.email, password, clientAddress: 'basic' }),
          5000,
        );
      expect((await verify(ADMIN.password)).outcome).toMatchObject({ case: 'userId', value: 1 });
      expect((await verify('nope')).outcome).toMatchObject({ case: 'failure', value: { code: 'unauthenticated' } });
    });
  });

  describe('nobody hands out what he does not hold', () => {
    test('a role with access to system records cannot widen itself', async () => {
      const roleId = await makeRole('limited manager');
      const strong = await makeRole('strong');
      const app = await makeApp('manager app', roleId);
      const victim = await makeUser('victim@example.com', {
        user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: strong }],
      });
      const caller = { userId: 0, roleId, appId: app.id, isAdmin: false };
      const refused: [Action, Sent][] = [
        [
          patch('role', Target.ONE),
          {
            keys: [roleId],
            records: { role_service_access_by_role_id: [{ component: '*', verb_mask: 31, requestor_mask: 3 }] },
          },
        ],
        [patch('app', Target.ONE), { keys: [app.id], records: { role_id: strong } }],
        [patch('user', Target.ONE), { keys: [victim], records: { password: 'Long-enough-pw-17' } }],
        [patch('user', Target.ONE), { keys: [victim], records: { email: 'mine@example.com' } }],
        [patch('admin', Target.ONE), { keys: [1], records: { password: 'Long-enough-pw-17' } }],
        [remove('admin', Target.ONE), { keys: [1] }],
      ];
      for (const [action, sent] of refused) {
        await expect(system.execute(action, { ...sent, caller })).rejects.toMatchObject({ code: 'denied' });
      }
      const created = system.execute(post('admin'), {
        caller,
        records: [{ email: 'own-admin@example.com', password: 'Long-enough-pw-16' }],
      });
      await expect(created).rejects.toMatchObject({ batch: { outcomes: [{ error: { code: 'denied' } }] } });
      await system.execute(patch('user', Target.ONE), { caller, keys: [victim], records: { phone: '1' } });
    });

    test('an administrator who is bound by a role cannot free himself', async () => {
      const roleId = await makeRole('binding');
      const app = await makeApp('binding app');
      const [{ id }] = await system.json(post('admin'), {
        records: [
          {
            email: 'bound@example.com',
            password: 'Long-enough-pw-16',
            user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: roleId }],
          },
        ],
      });
      const caller = { userId: id, roleId, appId: app.id, isAdmin: false };
      await expect(system.execute(remove('role', Target.ONE), { caller, keys: [roleId] })).rejects.toMatchObject({
        code: 'denied',
      });
      await expect(system.execute(remove('app', Target.ONE), { caller, keys: [app.id] })).rejects.toMatchObject({
        code: 'denied',
      });
      const assignment = (
        await system.json(one('app', { related: related('user_to_app_to_role_by_app_id') }), { keys: [app.id] })
      ).user_to_app_to_role_by_app_id[0];
      const freeing = { user_to_app_to_role_by_app_id: [{ id: assignment.id, app_id: null }] };
      await expect(
        system.execute(patch('app', Target.ONE), { caller, keys: [app.id], records: freeing }),
      ).rejects.toMatchObject({ code: 'denied' });
    });
  });

  describe('the access snapshot', () => {
    test('a full state comes first, without connection secrets', async () => {
      const full = router.updates[0]!;
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
      for (const update of connector.updates) {
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
      const [{ id }] = await system.json(post('role'), {
        records: [{ name: 'pushed', is_active: true, role_service_access_by_role_id: access }],
      });
      const pushed = await router.until(({ roles }) => roles.some((role) => role.id === id));
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
      const app = await makeApp('pushed app', id);
      await router.until(({ apps }) => apps.some((entity) => entity.apiKey === app.api_key && entity.roleId === id));
      await system.execute(remove('role', Target.ONE), { keys: [id] });
      const gone = await router.until(({ removals }) =>
        removals.some((removal) => removal.kind === Removal_Kind.ROLE && removal.id === id),
      );
      const cleared = await router.until(({ apps }) =>
        apps.some((entity) => entity.id === app.id && entity.roleId === undefined),
      );
      expect(Number(cleared.version)).toBeGreaterThanOrEqual(Number(gone.version));
      const versions = router.updates.map(({ version }) => Number(version));
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    });

    test('a private lookup is announced without its value', async () => {
      await system.execute(post('lookup'), { records: [{ name: 'quiet', value: 'whisper', private: true }] });
      const { lookups } = await router.until((update) => update.lookups.some(({ name }) => name === 'quiet'));
      expect(lookups[0]).toMatchObject({ isPrivate: true, value: '' });
    });
  });

  test('the environment says more to those who are known', async () => {
    const environment = async (more: object) =>
      JSON.parse(
        Buffer.from(
          (await system.environments.call('getEnvironment', create(EnvironmentRequestSchema, more), 5000)).json,
        ).toString(),
      );
    expect(Object.keys(await environment({}))).toEqual(['authentication', 'apps']);
    const known = await environment({ userId: 1, isAdmin: true, userAgent: 'x', clientAddress: '127.0.0.1' });
    expect(known.platform).toMatchObject({ license: 'OPEN SOURCE', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(known.config.db.max_records_returned).toBe(100_000);
    expect(known.client).toEqual({ user_agent: 'x', ip_address: '127.0.0.1', locale: 'en' });
  });

  test('what tables have that we lack is refused', async () => {
    await expect(system.execute(list('nosuch'))).rejects.toMatchObject({
      code: 'not_found',
      message: "Resource 'nosuch' not found for service 'system'.",
    });
    await expect(system.execute(list('role_service_access'))).rejects.toMatchObject({ code: 'not_found' });
    await expect(system.execute({ case: 'dropTables', value: { tables: ['role'] } })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });
}

describe('on SQLite', () => suite(() => undefined));

suiteWith('postgres', 'on PostgreSQL', () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres?.stop());
  suite(() => postgres.url);
});

/** An empty database of a MySQL or MariaDB server, where there is one. */
const mysqlUrl = process.env['MILLRACE_TEST_MYSQL_URL'];
if (mysqlUrl) describe('on MySQL', () => suite(() => mysqlUrl));

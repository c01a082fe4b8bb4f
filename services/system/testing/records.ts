/** Reading and writing records, whatever the resource. */
import { create } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, test } from 'vitest';
import { BatchMode, Comparator, type Filter, FilterSchema, Target } from '#proto/data/v1/data_pb.ts';
import { ALL, byIds, compare, fields, list, one, patch, post, related, remove } from './actions.ts';
import type { Suite } from './suite.ts';
import { type Action, ADMIN, number, type Sent, text } from './system.ts';

export function recordCases(suite: Suite): void {
  describe('records', () => {
    let ids: number[];

    beforeAll(async () => {
      const records = ['alpha', 'beta', 'gamma', 'delta'].map((name, index) => ({
        name: `rec ${name}`,
        description: index % 2 ? null : 'even',
      }));
      ids = (await suite.system.json(post('role'), { records })).map(({ id }: { id: number }) => id);
    });

    test('POST answers the key alone, or what was asked for, and that it created', async () => {
      const result = await suite.system.execute(post('role', { selection: ALL }), {
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
      const found = await suite.system.json(
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
      expect(await suite.system.json(list('role', { filter: any, countOnly: true }), { parameters })).toBe(2);
      const all = await suite.system.json(list('role', { countOnly: true }));
      expect(await suite.system.json(list('role', { filter: not, countOnly: true }), { parameters })).toBe(all - 2);
    });

    test('a row filter always holds', async () => {
      const action = list('role', {
        filter: compare('name', Comparator.EQ, 0),
        rowFilter: compare('name', Comparator.EQ, 1),
      });
      expect(await suite.system.json(action, { parameters: [text('rec beta'), text('rec gamma')] })).toEqual([]);
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
      await expect(suite.system.execute(action, sent)).rejects.toMatchObject({ code: 'invalid' });
    });

    test('pages, counts and order', async () => {
      const parameters = ids.map(number);
      const filter = compare('id', Comparator.IN, ...ids.keys());
      const result = await suite.system.execute(
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
      const groups = await suite.system.json(list('role', { filter, group: ['description'] }), {
        parameters: ids.map(number),
      });
      expect(groups.length).toBe(2);
      expect(groups).toContainEqual({ description: 'even' });
      expect(groups).toContainEqual({ description: null });
    });

    test('ids come in order of the key; a missing one fails with what was found', async () => {
      const [a, b] = ids as [number, number];
      expect(await suite.system.json(byIds('role', { selection: fields('id') }), { keys: [b, a] })).toEqual([
        { id: a },
        { id: b },
      ]);
      const failure = suite.system.execute(byIds('role', { selection: fields('id') }), { keys: [a, 999_999, b] });
      await expect(failure).rejects.toMatchObject({
        code: 'invalid',
        batch: {
          rolledBack: false,
          outcomes: [{ json: Buffer.from(`{"id":${a}}`) }, { error: { code: 'not_found' } }],
        },
      });
      const going = suite.system.execute(byIds('role', { selection: fields('id'), mode: BatchMode.CONTINUE }), {
        keys: [a, 999_999, b],
      });
      await expect(going).rejects.toMatchObject({ batch: { outcomes: { length: 3 } } });
    });

    test.each(['999999', 'abc', '', '1 or 1=1', '99999999999999999999'])('id %j is not found', async (key) => {
      await expect(suite.system.execute(one('role'), { keys: [key] })).rejects.toMatchObject({ code: 'not_found' });
    });

    test.each<[string, BatchMode, string[], boolean]>([
      ['stop keeps what came before', BatchMode.STOP, ['x1'], false],
      ['continue goes on', BatchMode.CONTINUE, ['x1', 'x3'], false],
      ['rollback keeps nothing', BatchMode.ROLLBACK, [], true],
    ])('a failing record: %s', async (why, mode, kept, rolledBack) => {
      const records = ['x1', '', 'x3'].map((name) => ({ name: name && `${why} ${name}` }));
      await expect(suite.system.execute(post('role', { mode }), { records })).rejects.toMatchObject({
        code: 'invalid',
        batch: {
          rolledBack,
          outcomes: {
            length: mode === BatchMode.CONTINUE ? 3 : 2,
            1: { error: { context: { name: ['The name field is required.'] } } },
          },
        },
      });
      const left = await suite.system.json(
        list('role', { filter: compare('name', Comparator.STARTS_WITH, 0), selection: fields('name') }),
        { parameters: [text(why)] },
      );
      expect(left.map(({ name }: { name: string }) => name.slice(why.length + 1))).toEqual(kept);
    });

    test('a name taken is invalid, also in other letters', async () => {
      const failure = suite.system.execute(post('role'), { records: [{ name: 'REC Alpha' }] });
      await expect(failure).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { name: ['The name has already been taken.'] } } }] },
      });
    });

    test('PATCH by id, by ids, by records and by filter', async () => {
      const [a, b, c] = ids as [number, number, number];
      expect(
        await suite.system.json(patch('role', Target.ONE), { keys: [a], records: { description: 'one' } }),
      ).toEqual({
        id: a,
      });
      const many = await suite.system.json(patch('role', Target.KEYS, { selection: fields('id', 'description') }), {
        keys: [a, b],
        records: [{ description: 'both' }],
      });
      expect(many).toEqual([
        { id: a, description: 'both' },
        { id: b, description: 'both' },
      ]);
      expect(
        await suite.system.json(patch('role', Target.RECORDS), { records: [{ id: c, description: 'rec' }] }),
      ).toEqual([{ id: c }]);
      const filtered = patch('role', Target.FILTER, {
        filter: compare('description', Comparator.EQ, 0),
        selection: fields('description', 'last_modified_by_id'),
      });
      expect(
        await suite.system.json(filtered, { parameters: [text('rec')], records: [{ description: 'filtered' }] }),
      ).toEqual([{ description: 'filtered', last_modified_by_id: 1 }]);
    });

    test('PATCH failures: plain with the id in the path, a batch otherwise', async () => {
      const [a] = ids as [number];
      await expect(
        suite.system.execute(patch('role', Target.ONE), { keys: [a], records: { name: '' } }),
      ).rejects.toMatchObject({
        code: 'invalid',
        batch: undefined,
        context: { name: ['The name field is required.'] },
      });
      await expect(
        suite.system.execute(patch('role', Target.ONE), { keys: [999_999], records: { name: 'x' } }),
      ).rejects.toMatchObject({ code: 'not_found' });
      const batch = suite.system.execute(patch('role', Target.RECORDS, { mode: BatchMode.ROLLBACK }), {
        records: [{ id: a, description: 'gone' }, { id: 999_999 }],
      });
      await expect(batch).rejects.toMatchObject({ batch: { rolledBack: true } });
      expect(await suite.system.json(one('role', { selection: fields('description') }), { keys: [a] })).toEqual({
        description: 'both',
      });
    });

    test('DELETE answers what was there', async () => {
      const [id] = (await suite.system.json(post('role'), { records: [{ name: 'short life' }] })).map(
        (record: { id: number }) => record.id,
      );
      expect(
        await suite.system.json(remove('role', Target.ONE, { selection: fields('name') }), { keys: [id] }),
      ).toEqual({
        name: 'short life',
      });
      await expect(suite.system.execute(remove('role', Target.ONE), { keys: [id] })).rejects.toMatchObject({
        code: 'not_found',
      });
    });

    test('a description of the resource', async () => {
      const { schemaJson } = await suite.system.execute(list('role', { includeSchema: true, limit: 1 }));
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
      const [role] = await suite.system.json(
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
        suite.system.json(
          patch('role', Target.ONE, { selection: fields('id'), related: related('lookup_by_role_id') }),
          {
            keys: [role.id],
            records: { lookup_by_role_id: records },
          },
        );
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
      const other = await suite.makeRole('nested other');
      expect(values(await change([{ id: a.id, role_id: other }]))).toEqual(['c=30']);
      await expect(change([{ id: a.id, value: 'stolen' }])).rejects.toMatchObject({ code: 'not_found' });
    });

    test('a failing child takes the parent along', async () => {
      const records = [{ name: 'half', role_service_access_by_role_id: [{ service_id: 999_999, component: '*' }] }];
      await expect(suite.system.execute(post('role'), { records })).rejects.toMatchObject({ code: 'invalid' });
      expect(
        await suite.system.json(list('role', { filter: compare('name', Comparator.EQ, 0) }), {
          parameters: [text('half')],
        }),
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
      const id = await suite.makeRole(`bad nested ${_why}`);
      await expect(
        suite.system.execute(patch('role', Target.ONE), { keys: [id], records: nested }),
      ).rejects.toMatchObject({
        code: 'invalid',
      });
    });

    test('relations of all kinds are read', async () => {
      const roleId = await suite.makeRole('relations');
      const app = await suite.makeApp('relations app', roleId);
      const userId = await suite.makeUser('relations@example.com', {
        user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: roleId }],
      });
      const role = await suite.system.json(
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
      const again = suite.system.execute(patch('user', Target.ONE), {
        keys: [userId],
        records: { user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: roleId }] },
      });
      await expect(again).rejects.toMatchObject({ code: 'invalid' });
    });
  });
}

/** Values that programs keep: of the installation, and of each user. */
import { describe, expect, test } from 'vitest';
import { Comparator, Target } from '#proto/data/v1/data_pb.ts';
import { byIds, compare, fields, list, one, patch, post, remove } from './actions.ts';
import type { Suite } from './suite.ts';
import { type Sent, text } from './system.ts';

export function customCases(suite: Suite): void {
  const jsonText = async (name: string): Promise<string> =>
    Buffer.from((await suite.system.execute(one('custom'), { keys: [name] })).json).toString();

  describe('custom values', () => {
    test.each<[string, string]>([
      ['an object', '{"a":[1,2,{"b":null}]}'],
      ['a list', '[]'],
      ['a text', '"dark"'],
      ['a number', '0'],
      ['a number of many digits', '12345678901234567890.5'],
      ['a flag', 'false'],
      ['nothing', 'null'],
      ['other letters', '"ünïcode 🎉"'],
    ])('%s is kept as it is', async (why, value) => {
      await suite.system.execute(post('custom'), { body: Buffer.from(`[{"name":"${why}","value":${value}}]`) });
      expect(await jsonText(why)).toBe(value);
    });

    test('a text that is JSON comes back as what it says', async () => {
      const records = [{ name: 'json text', value: '{"a":1}' }];
      expect(await suite.system.json(post('custom'), { records })).toEqual([{ name: 'json text' }]);
      expect(await jsonText('json text')).toBe('{"a":1}');
    });

    test('a name stays, and is taken once', async () => {
      await suite.system.execute(post('custom'), { records: [{ name: 'theme', value: 1 }] });
      await expect(
        suite.system.execute(post('custom'), { records: [{ name: 'theme', value: 2 }] }),
      ).rejects.toMatchObject({ batch: { outcomes: [{ error: { code: 'invalid' } }] } });
      await suite.system.execute(patch('custom', Target.ONE), { keys: ['theme'], records: { name: 'x', value: 3 } });
      expect(await jsonText('theme')).toBe('3');
      await suite.system.execute(post('custom'), { records: [{ name: 'Theme', value: 4 }] });
      expect([await jsonText('theme'), await jsonText('Theme')]).toEqual(['3', '4']);
    });

    test('are listed, chosen and deleted by their names', async () => {
      await suite.system.execute(post('custom'), {
        records: [
          { name: 'list.a', value: 1 },
          { name: 'list.b', value: 2 },
        ],
      });
      const found = await suite.system.json(
        list('custom', { selection: fields('name', 'value'), filter: compare('name', Comparator.STARTS_WITH, 0) }),
        { parameters: [text('list.')] },
      );
      expect(found).toEqual([
        { name: 'list.a', value: 1 },
        { name: 'list.b', value: 2 },
      ]);
      const [whole] = await suite.system.json(byIds('custom'), { keys: ['list.a'] });
      expect(Object.keys(whole)).toEqual([
        ...['name', 'value', 'created_date', 'last_modified_date', 'created_by_id', 'last_modified_by_id'],
      ]);
      expect(await suite.system.json(remove('custom', Target.KEYS), { keys: ['list.a', 'list.b'] })).toEqual([
        { name: 'list.a' },
        { name: 'list.b' },
      ]);
    });

    test.each<[string, ReturnType<typeof one>, Sent]>([
      ['read', one('custom'), { keys: ['nosuch'] }],
      ['changed', patch('custom', Target.ONE), { keys: ['nosuch'], records: { value: 1 } }],
      ['deleted', remove('custom', Target.ONE), { keys: ['nosuch'] }],
      ['found by a name with a NUL', one('custom'), { keys: ['a\0'] }],
    ])('one that is not there is not %s', async (_why, action, sent) => {
      await expect(suite.system.execute(action, sent)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('needs a name', async () => {
      await expect(suite.system.execute(post('custom'), { records: [{ value: 1 }] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { name: expect.any(Array) } } }] },
      });
    });
  });

  describe('custom values of users', () => {
    test('are apart from those of others, and of the installation', async () => {
      const users = [await suite.makeUser('own.a@example.com'), await suite.makeUser('own.b@example.com')];
      const callers = users.map((userId) => ({ userId, isAdmin: false }));
      for (const [n, caller] of callers.entries()) {
        const records = [{ name: 'shared name', value: n }];
        expect(await suite.system.json(post('custom'), { caller, records }, 'user')).toEqual([{ name: 'shared name' }]);
      }
      const [a, b] = callers;
      const shared = (caller: typeof a) =>
        suite.system.json(one('custom'), { caller: caller!, keys: ['shared name'] }, 'user');
      expect([await shared(a), await shared(b)]).toEqual([0, 1]);

      // A second one of the same name takes the place of the first.
      await suite.system.json(post('custom'), { caller: a!, records: [{ name: 'shared name', value: 'new' }] }, 'user');
      await suite.system.json(
        patch('custom', Target.ONE),
        { caller: b!, keys: ['shared name'], records: { value: 'patched', user_id: users[0] } },
        'user',
      );
      expect([await shared(a), await shared(b)]).toEqual(['new', 'patched']);

      await suite.system.json(remove('custom', Target.ONE), { caller: a!, keys: ['shared name'] }, 'user');
      await expect(shared(a)).rejects.toMatchObject({ code: 'not_found' });
      expect(await shared(b)).toBe('patched');
      await expect(suite.system.json(one('custom'), { keys: ['shared name'] })).rejects.toMatchObject({
        code: 'not_found',
      });
      await suite.system.json(remove('custom', Target.FILTER, { everything: true }), { caller: a! }, 'user');
      expect(await shared(b)).toBe('patched');

      await suite.system.execute(remove('user', Target.ONE), { keys: [users[1]!] });
      expect(await suite.system.json(list('custom'), { caller: b! }, 'user')).toEqual([]);
    });

    test('are for those who are signed in, and nothing else is there', async () => {
      const caller = { userId: 0, roleId: 1, isAdmin: false };
      await expect(suite.system.execute(list('custom'), { caller }, 'user')).rejects.toMatchObject({
        code: 'unauthenticated',
      });
      await expect(suite.system.execute(list('user'), {}, 'user')).rejects.toMatchObject({ code: 'not_found' });
    });
  });
}

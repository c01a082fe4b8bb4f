/** Users, sessions, and who may hand out what. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Target } from '#proto/data/v1/data_pb.ts';
import { DescribeRequestSchema, LoginRequestSchema, TokenRequestSchema, UserKind } from '#proto/system/v1/system_pb.ts';
import { ALL, one, patch, post, related, remove } from './actions.ts';
import type { Suite } from './suite.ts';
import { type Action, ADMIN, type Sent, sessionOf } from './system.ts';

export function userCases(suite: Suite): void {
  describe('users', () => {
    test('what is created comes back without secrets', async () => {
      const [user] = await suite.system.json(post('user', { selection: ALL }), {
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
      await expect(suite.system.execute(post('user'), { records: [record] })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { code: 'invalid', context: { [field]: expect.any(Array) } } }] },
      });
    });

    test('users and administrators are apart', async () => {
      const id = await suite.makeUser('apart@example.com');
      await expect(suite.system.execute(one('user'), { keys: [1] })).rejects.toMatchObject({ code: 'not_found' });
      await expect(
        suite.system.execute(patch('user', Target.ONE), { keys: [1], records: { name: 'x' } }),
      ).rejects.toMatchObject({ code: 'denied' });
      await expect(suite.system.execute(remove('admin', Target.ONE), { keys: [id] })).rejects.toMatchObject({
        code: 'invalid',
      });
      await expect(suite.system.execute(remove('admin', Target.ONE), { keys: [1] })).rejects.toMatchObject({
        code: 'denied',
        message: 'Cannot delete your account.',
      });
      const [sneaky] = await suite.system.json(post('user'), {
        records: [{ email: 'sneaky@example.com', is_sys_admin: true }],
      });
      await expect(suite.system.execute(one('admin'), { keys: [sneaky.id] })).rejects.toMatchObject({
        code: 'not_found',
      });
    });
  });

  describe('sessions', () => {
    test('an administrator signs in, is described, refreshes and signs out', async () => {
      const session = sessionOf(await suite.system.login(UserKind.ADMIN, ADMIN.email, ADMIN.password));
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
      const described = await suite.system.sessions.call(
        'describe',
        create(DescribeRequestSchema, { kind: UserKind.ADMIN, userId: 1, token }),
        5000,
      );
      expect(sessionOf(described)).toMatchObject({ session_token: token, email: ADMIN.email });
      const again = await suite.system.sessions.call(
        'refresh',
        create(TokenRequestSchema, { kind: UserKind.ADMIN, token }),
        5000,
      );
      const fresh = sessionOf(again).session_token;
      expect(fresh).not.toBe(token);
      const jti = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()).jti;
      await suite.router.until(({ revocations }) => revocations.some((revocation) => revocation.jti === jti(token)));
      const twice = await suite.system.sessions.call(
        'refresh',
        create(TokenRequestSchema, { kind: UserKind.ADMIN, token }),
        5000,
      );
      expect(() => sessionOf(twice)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
      const { failure } = await suite.system.sessions.call(
        'logout',
        create(TokenRequestSchema, { kind: UserKind.ADMIN, token: fresh }),
        5000,
      );
      expect(failure).toBeUndefined();
      await suite.router.until(({ revocations }) => revocations.some((revocation) => revocation.jti === jti(fresh)));
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
      const reply = await suite.system.login(kind, email, password, { clientAddress: why });
      expect(() => sessionOf(reply)).toThrow(expect.objectContaining({ code }));
    });

    test('guessing is slowed down, for that address only', async () => {
      const attempt = async (clientAddress: string) => {
        const { outcome } = await suite.system.login(UserKind.ADMIN, ADMIN.email, 'guess', { clientAddress });
        return outcome.case === 'failure' ? outcome.value.code : outcome.case;
      };
      const codes: unknown[] = [];
      for (let n = 0; n < 7; n++) codes.push(await attempt('10.0.0.1'));
      expect(codes.slice(0, 5)).toEqual(Array(5).fill('unauthenticated'));
      expect(codes.at(-1)).toBe('limited');
      expect(await attempt('10.0.0.2')).toBe('unauthenticated');
      expect(
        sessionOf(await suite.system.login(UserKind.ADMIN, ADMIN.email, ADMIN.password, { clientAddress: '10.0.0.3' }))
          .id,
      ).toBe(1);
    });

    test('the role of a session is that of the app', async () => {
      const own = await suite.makeRole('session own');
      const fallback = await suite.makeRole('session fallback');
      const app = await suite.makeApp('session app');
      const open = await suite.makeApp('session open', fallback);
      const id = await suite.makeUser('roles@example.com', {
        user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: own }],
      });
      const roleFor = async (appId: number) =>
        sessionOf(await suite.system.login(UserKind.USER, 'roles@example.com', 'Long-enough-pw-16', { appId })).role_id;
      expect([await roleFor(0), await roleFor(app.id), await roleFor(open.id)]).toEqual([undefined, own, fallback]);
      await suite.system.execute(patch('role', Target.ONE), { keys: [own], records: { is_active: false } });
      const refused = await suite.system.login(UserKind.USER, 'roles@example.com', 'Long-enough-pw-16', {
        appId: app.id,
      });
      expect(() => sessionOf(refused)).toThrow(
        expect.objectContaining({ code: 'denied', message: 'Role is not active.' }),
      );
      expect(id).toBeGreaterThan(1);
    });

    test('a changed password, a deactivation and a changed address end all tokens; a new sign-in works at once', async () => {
      const id = await suite.makeUser('tokens@example.com');
      const first = await suite.tokenOf('tokens@example.com');
      await suite.system.execute(patch('user', Target.ONE), { keys: [id], records: { password: 'Long-enough-pw-16' } });
      await expect(suite.refresh(first)).rejects.toMatchObject({ code: 'unauthenticated' });
      const second = await suite.tokenOf('tokens@example.com');
      expect((await suite.refresh(second)).id).toBe(id);
      const third = await suite.tokenOf('tokens@example.com');
      await suite.system.execute(patch('user', Target.ONE), { keys: [id], records: { is_active: false } });
      await expect(suite.refresh(third)).rejects.toMatchObject({ code: 'unauthenticated' });
      await expect(suite.tokenOf('tokens@example.com')).rejects.toMatchObject({ code: 'unauthenticated' });
      await suite.system.execute(patch('user', Target.ONE), { keys: [id], records: { is_active: true } });
      await expect(suite.refresh(third)).rejects.toMatchObject({ code: 'unauthenticated' });
      const fourth = await suite.tokenOf('tokens@example.com');
      await suite.system.execute(patch('user', Target.ONE), { keys: [id], records: { email: 'tokens2@example.com' } });
      await expect(suite.refresh(fourth)).rejects.toMatchObject({ code: 'unauthenticated' });
    });

    test('a token is refreshed once, however many try', async () => {
      await suite.makeUser('race@example.com');
      const token = await suite.tokenOf('race@example.com');
      const results = await Promise.allSettled(Array.from({ length: 4 }, () => suite.refresh(token)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('anonymous descriptions', async () => {
      const describeAs = async (kind: UserKind, userId = 0) =>
        sessionOf(await suite.system.sessions.call('describe', create(DescribeRequestSchema, { kind, userId }), 5000));
      await expect(describeAs(UserKind.USER)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: 'There is no valid session for the current request.',
      });
      await expect(describeAs(UserKind.ADMIN)).rejects.toMatchObject({
        code: 'not_found',
        message: 'No user session found.',
      });
      const id = await suite.makeUser('describe@example.com');
      await expect(describeAs(UserKind.ADMIN, id)).rejects.toMatchObject({ code: 'unauthenticated' });
    });

    test('HTTP Basic checks a password', async () => {
      const verify = (password: string) =>
        suite.system.sessions.call(
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
      const roleId = await suite.makeRole('limited manager');
      const strong = await suite.makeRole('strong');
      const app = await suite.makeApp('manager app', roleId);
      const victim = await suite.makeUser('victim@example.com', {
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
        await expect(suite.system.execute(action, { ...sent, caller })).rejects.toMatchObject({ code: 'denied' });
      }
      const created = suite.system.execute(post('admin'), {
        caller,
        records: [{ email: 'own-admin@example.com', password: 'Long-enough-pw-16' }],
      });
      await expect(created).rejects.toMatchObject({ batch: { outcomes: [{ error: { code: 'denied' } }] } });
      await suite.system.execute(patch('user', Target.ONE), { caller, keys: [victim], records: { phone: '1' } });
    });

    test('an administrator who is bound by a role cannot free himself', async () => {
      const roleId = await suite.makeRole('binding');
      const app = await suite.makeApp('binding app');
      const [{ id }] = await suite.system.json(post('admin'), {
        records: [
          {
            email: 'bound@example.com',
            password: 'Long-enough-pw-16',
            user_to_app_to_role_by_user_id: [{ app_id: app.id, role_id: roleId }],
          },
        ],
      });
      const caller = { userId: id, roleId, appId: app.id, isAdmin: false };
      await expect(suite.system.execute(remove('role', Target.ONE), { caller, keys: [roleId] })).rejects.toMatchObject({
        code: 'denied',
      });
      await expect(suite.system.execute(remove('app', Target.ONE), { caller, keys: [app.id] })).rejects.toMatchObject({
        code: 'denied',
      });
      const assignment = (
        await suite.system.json(one('app', { related: related('user_to_app_to_role_by_app_id') }), { keys: [app.id] })
      ).user_to_app_to_role_by_app_id[0];
      const freeing = { user_to_app_to_role_by_app_id: [{ id: assignment.id, app_id: null }] };
      await expect(
        suite.system.execute(patch('app', Target.ONE), { caller, keys: [app.id], records: freeing }),
      ).rejects.toMatchObject({ code: 'denied' });
    });
  });
}

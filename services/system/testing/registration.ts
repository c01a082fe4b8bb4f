/** Accounts that people make for themselves, and that nobody learns from it who has one already. */
import { describe, expect, test } from 'vitest';
import { Target } from '#proto/data/v1/data_pb.ts';
import { UserKind } from '#proto/system/v1/system_pb.ts';
import { accountCalls, OTHER, PASSWORD, USER_SERVICE } from './account-calls.ts';
import { fields, list, patch } from './actions.ts';
import type { Suite } from './suite.ts';
import { ADMIN } from './system.ts';

const withoutConfirmation = { allow_open_registration: true, open_reg_email_service_id: null };
const withConfirmation = { allow_open_registration: true, open_reg_email_service_id: 6 };

export function registrationCases(suite: Suite): void {
  const { register, password, configure, signIn, userNamed } = accountCalls(suite);

  describe('registration', () => {
    test('is closed unless it is opened, which is said behind what is wrong with the call', async () => {
      await configure(USER_SERVICE, { allow_open_registration: false });
      await expect(register({ email: 'closed@example.com', password: PASSWORD })).rejects.toMatchObject({
        code: 'denied',
        message: 'Open Registration is not enabled.',
      });
      await expect(register({ email: 'bad' })).rejects.toMatchObject({ code: 'invalid', message: 'Validation failed' });
    });

    test('without confirmation the account is good at once', async () => {
      await configure(USER_SERVICE, withoutConfirmation);
      expect(await register({ email: 'ada.lovelace@example.com', new_password: PASSWORD })).toEqual({ success: true });
      expect(await userNamed('ada.lovelace@example.com')).toMatchObject({
        name: 'ada lovelace',
        first_name: 'ada',
        last_name: 'lovelace',
        username: 'ada.lovelace@example.com',
        confirmed: true,
        created_by_id: null,
      });
      expect((await signIn('ada.lovelace@example.com', PASSWORD)).is_sys_admin).toBe(false);
      const { session_token: token } = await register(
        { email: 'at.once@example.com', password: PASSWORD },
        { login: true },
      );
      expect((await suite.refresh(token)).email).toBe('at.once@example.com');
    });

    test.each<[string, object, string]>([
      ['no address', { password: PASSWORD }, 'email'],
      ['an address that is none', { email: 'a@b@c', password: PASSWORD }, 'email'],
      ['a line break in it', { email: 'a@b.cd\r\nBcc: x@y.z', password: PASSWORD }, 'email'],
      ['no password', { email: 'r1@example.com' }, 'password'],
      ['a short password', { email: 'r1@example.com', new_password: 'short' }, 'password'],
      ['a password that is no text', { email: 'r1@example.com', password: { $ne: 1 } }, 'password'],
      ['a NUL in the password', { email: 'r1@example.com', password: `${PASSWORD}\0` }, 'password'],
      ['another confirmation', { email: 'r1@example.com', password: PASSWORD, password_confirmation: 'x' }, 'password'],
      ['a short user name', { email: 'r1@example.com', password: PASSWORD, username: 'me' }, 'username'],
      [
        'the address of another as a user name',
        { email: 'r1@example.com', password: PASSWORD, username: ADMIN.email },
        'username',
      ],
      ['a first name that is no text', { email: 'r1@example.com', password: PASSWORD, first_name: [] }, 'first_name'],
    ])('%s is invalid', async (_why, record, field) => {
      await configure(USER_SERVICE, withoutConfirmation);
      await expect(register(record)).rejects.toMatchObject({
        code: 'invalid',
        message: 'Validation failed',
        context: { [field]: expect.any(Array) },
      });
    });

    test('nobody makes himself more than a user', async () => {
      await configure(USER_SERVICE, withoutConfirmation);
      const answer = await register({
        email: 'sly@example.com',
        password: PASSWORD,
        id: 1,
        is_sys_admin: true,
        is_active: false,
        confirm_code: 'x',
        is_confirmed: 1,
        password_hash: 'x',
        created_by_id: 1,
        send_invite: true,
        user_to_app_to_role_by_user_id: [{ app_id: 1, role_id: 1 }],
        lookup_by_user_id: [{ name: 'x', value: 'y' }],
      });
      expect(answer.success).toBe(true);
      expect(answer.dropped).toEqual([
        ...['id', 'is_sys_admin', 'is_active', 'confirm_code', 'is_confirmed', 'password_hash', 'created_by_id'],
        ...['send_invite', 'user_to_app_to_role_by_user_id', 'lookup_by_user_id'],
      ]);
      const user = await userNamed('sly@example.com', 'user_to_app_to_role_by_user_id', 'lookup_by_user_id');
      expect(user).toMatchObject({ is_active: true, user_to_app_to_role_by_user_id: [], lookup_by_user_id: [] });
      await expect(signIn('sly@example.com', PASSWORD, UserKind.ADMIN)).rejects.toMatchObject({
        code: 'unauthenticated',
      });
    });

    test('gives the roles that the service names', async () => {
      const everywhere = await suite.makeRole('registered');
      const special = await suite.makeRole('registered elsewhere');
      const first = await suite.makeApp('registered app');
      const second = await suite.makeApp('registered special app');
      await configure(USER_SERVICE, {
        ...withoutConfirmation,
        open_reg_role_id: everywhere,
        app_role_map: [
          { app_id: second.id, role_id: special },
          { app_id: 999_999, role_id: special },
        ],
      });
      await register({ email: 'roles.of@example.com', password: PASSWORD });
      const { user_to_app_to_role_by_user_id: assigned } = await userNamed(
        'roles.of@example.com',
        'user_to_app_to_role_by_user_id',
      );
      const byApp = new Map(assigned.map((row: { app_id: number; role_id: number }) => [row.app_id, row.role_id]));
      expect([byApp.get(first.id), byApp.get(second.id)]).toEqual([everywhere, special]);
      await configure(USER_SERVICE, { open_reg_role_id: 999_999, app_role_map: null });
      await register({ email: 'no.role@example.com', password: PASSWORD });
      const other = await userNamed('no.role@example.com', 'user_to_app_to_role_by_user_id');
      expect(other.user_to_app_to_role_by_user_id).toEqual([]);
      await configure(USER_SERVICE, { open_reg_role_id: null });
    });

    test('an address or a name that is taken is answered like any other, and changes nothing', async () => {
      await configure(USER_SERVICE, withoutConfirmation);
      await suite.makeUser('there@example.com', { username: 'there-already' });
      expect(await register({ email: 'There@Example.com', password: OTHER })).toEqual({ success: true });
      expect((await signIn('there@example.com', PASSWORD)).name).toBe('U');
      await expect(signIn('there@example.com', OTHER)).rejects.toMatchObject({ code: 'unauthenticated' });
      await expect(register({ email: 'there@example.com', password: OTHER }, { login: true })).rejects.toMatchObject({
        code: 'unauthenticated',
        message: 'Invalid credentials supplied.',
      });
      expect(await register({ email: 'new@example.com', password: OTHER, username: 'There-Already' })).toEqual({
        success: true,
      });
      expect(await userNamed('new@example.com')).toMatchObject({ username: 'new@example.com' });
      expect(await register({ email: ADMIN.email, password: OTHER })).toEqual({ success: true });
      expect((await signIn(ADMIN.email, ADMIN.password, UserKind.ADMIN)).id).toBe(1);
    });

    test('one address is registered once, however many try', async () => {
      await configure(USER_SERVICE, withoutConfirmation);
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => register({ email: 'race.to@example.com', password: PASSWORD })),
      );
      expect(answers).toEqual(Array(4).fill({ success: true }));
      const users = await suite.system.json(list('user', { selection: fields('email') }));
      expect(users.filter(({ email }: { email: string }) => email === 'race.to@example.com')).toHaveLength(1);
    });

    test('with confirmation nobody signs in before the code from the e-mail', async () => {
      await configure(USER_SERVICE, withConfirmation);
      const email = 'confirm@example.com';
      const sent = { email, first_name: 'C', password: PASSWORD, security_question: 'Q?', security_answer: 'A' };
      expect(await register(sent, { login: true })).toEqual({
        success: true,
        confirmation_required: true,
        // Whoever registers the address of another must not leave a way in for himself.
        dropped: ['security_question', 'security_answer'],
      });
      expect(await userNamed(email)).toMatchObject({ confirmed: false, expired: false, security_question: null });
      await expect(signIn(email, PASSWORD)).rejects.toMatchObject({ code: 'unauthenticated' });
      const code = await suite.system.codeTo(email);
      const wrong = code.split('').reverse().join('');
      await expect(password({ email, code: wrong, newPassword: OTHER })).rejects.toMatchObject({
        code: 'invalid',
        message: 'Invalid confirmation code.',
      });
      await expect(password({ email, code: code.toLowerCase(), newPassword: OTHER })).rejects.toMatchObject({
        code: 'invalid',
      });
      const { session_token: token } = await password({ email, code, newPassword: OTHER, login: true });
      expect((await suite.refresh(token)).email).toBe(email);
      expect(await userNamed(email)).toMatchObject({ confirmed: true, expired: false });
      await expect(password({ email, code, newPassword: PASSWORD })).rejects.toMatchObject({ code: 'invalid' });
      expect((await signIn(email, OTHER)).email).toBe(email);
    });

    test('with confirmation, the owner of an address that is taken gets the same e-mail, and loses nothing', async () => {
      await configure(USER_SERVICE, withConfirmation);
      await suite.makeUser('owner@example.com');
      expect(await register({ email: 'owner@example.com' })).toEqual({ success: true });
      expect(await register({ email: 'nobody.yet@example.com' })).toEqual({ success: true });
      const code = await suite.system.codeTo('owner@example.com');
      const mails = [
        ...(await suite.system.mailsTo('owner@example.com')),
        ...(await suite.system.mailsTo('nobody.yet@example.com')),
      ];
      const [known, unknown] = mails.map((mail) => mail.replace(/^(To|Message-ID|Date):.*$|[0-9A-Z]{32}/gm, ''));
      expect(known).toBe(unknown);
      expect(await userNamed('owner@example.com')).toMatchObject({ confirmed: true });
      expect((await signIn('owner@example.com', PASSWORD)).email).toBe('owner@example.com');
      // Signing in says that nobody needs the code.
      await expect(password({ email: 'owner@example.com', code, newPassword: OTHER })).rejects.toMatchObject({
        code: 'invalid',
      });
    });

    test('an e-mail that cannot be sent leaves no account behind, and is told alike', async () => {
      await configure(USER_SERVICE, withConfirmation);
      await suite.makeUser('kept.one@example.com');
      await suite.system.execute(patch('service', Target.ONE), { keys: [6], records: { is_active: false } });
      const errors = [];
      for (const email of ['lost@example.com', 'kept.one@example.com']) {
        errors.push(await register({ email }).catch((error: Error) => error.message));
      }
      expect(errors).toEqual(Array(2).fill('The confirmation could not be sent.'));
      expect(await userNamed('lost@example.com')).toBeUndefined();
      expect(await userNamed('kept.one@example.com')).toMatchObject({ confirmed: true });
      await suite.system.execute(patch('service', Target.ONE), { keys: [6], records: { is_active: true } });
    });

    test('an e-mail that cannot be sent leaves the code before it good', async () => {
      await configure(USER_SERVICE, withConfirmation);
      const email = 'kept.code@example.com';
      await suite.makeUser(email);
      await register({ email });
      const code = await suite.system.codeTo(email);
      await suite.system.execute(patch('service', Target.ONE), { keys: [6], records: { is_active: false } });
      await expect(register({ email })).rejects.toMatchObject({ code: 'unavailable' });
      await suite.system.execute(patch('service', Target.ONE), { keys: [6], records: { is_active: true } });
      expect(await password({ email, code, newPassword: OTHER })).toEqual({ success: true });
    });

    test('is slowed down for one network', async () => {
      await configure(USER_SERVICE, withConfirmation);
      const clientAddress = '10.9.9.9';
      const codes: string[] = [];
      for (let n = 0; n < 32; n++) {
        const answer = register({ email: 'there@example.com' }, { clientAddress });
        codes.push(await answer.then(() => 'done').catch((error: { code: string }) => error.code));
      }
      expect(codes.slice(0, 30)).toEqual(Array(30).fill('done'));
      expect(codes.at(-1)).toBe('limited');
      expect(await register({ email: 'there@example.com' })).toEqual({ success: true });
    });
  });
}

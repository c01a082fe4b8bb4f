/** Passwords, profiles and invitations, and that nobody learns from them who has an account. */
import { describe, expect, test } from 'vitest';
import { BatchMode, Target } from '#proto/data/v1/data_pb.ts';
import { UserKind } from '#proto/system/v1/system_pb.ts';
import { accountCalls, EMAIL_SERVICE, OTHER, PASSWORD, SYSTEM_SERVICE, USER_SERVICE } from './account-calls.ts';
import { fields, one, patch, post } from './actions.ts';
import type { Suite } from './suite.ts';
import { ADMIN } from './system.ts';

export function accountCases(suite: Suite): void {
  const { password, profile, changeProfile, configure, signIn, userNamed } = accountCalls(suite);

  describe('passwords', () => {
    test('the old one is needed, and all sessions end', async () => {
      const userId = await suite.makeUser('change@example.com');
      const before = await suite.tokenOf('change@example.com');
      await expect(password({ userId, oldPassword: 'no', newPassword: OTHER })).rejects.toMatchObject({
        code: 'invalid',
        message: 'The password supplied does not match.',
      });
      await expect(password({ userId, oldPassword: `${PASSWORD}\0`, newPassword: OTHER })).rejects.toThrow();
      await expect(password({ userId, oldPassword: PASSWORD, newPassword: 'short' })).rejects.toMatchObject({
        context: { password: ['The password field must be at least 16 characters.'] },
      });
      await expect(password({ userId, oldPassword: PASSWORD })).rejects.toMatchObject({ code: 'invalid' });
      expect(await password({ userId, oldPassword: PASSWORD, newPassword: OTHER })).toEqual({ success: true });
      await expect(suite.refresh(before)).rejects.toMatchObject({ code: 'unauthenticated' });
      const { session_token: fresh } = await password({
        userId,
        oldPassword: OTHER,
        newPassword: PASSWORD,
        login: true,
      });
      expect((await suite.refresh(fresh)).id).toBe(userId);
      await expect(signIn('change@example.com', OTHER)).rejects.toMatchObject({ code: 'unauthenticated' });
    });

    test.each<[string, object]>([
      ['nothing', {}],
      ['a new password alone', { newPassword: OTHER, email: 'change@example.com' }],
      ['the old one of nobody', { oldPassword: PASSWORD, newPassword: OTHER }],
      ['a reset of nobody', { reset: true }],
      ['a code without an address', { code: 'x'.repeat(32), newPassword: OTHER }],
      ['a code without a password', { code: 'x'.repeat(32), email: 'change@example.com' }],
      ['a short code', { code: 'nope', email: 'change@example.com', newPassword: OTHER }],
      ['an answer without a password', { securityAnswer: 'x', email: 'change@example.com' }],
    ])('%s is not enough', async (_why, request) => {
      await expect(password(request)).rejects.toMatchObject({ code: 'invalid' });
    });

    test('guesses of the old one are slowed down', async () => {
      const userId = await suite.makeUser('guess.old@example.com');
      const guess = () => password({ userId, oldPassword: 'no', newPassword: OTHER, clientAddress: '10.8.8.8' });
      const codes: string[] = [];
      for (let n = 0; n < 6; n++) codes.push(await guess().catch((error: { code: string }) => error.code));
      expect(codes).toEqual([...Array(5).fill('invalid'), 'limited']);
    });

    test('a reset sends a code to a user of this kind, and answers everybody alike', async () => {
      await suite.makeUser('forgot@example.com', { security_question: 'Pet?', security_answer: 'Rex' });
      const asked = ['forgot@example.com', 'ghost@example.com', ADMIN.email, 'forgot@example.com\0', "x' or 1=1 --"];
      for (const email of asked) expect(await password({ email, reset: true })).toEqual({ success: true });
      const code = await suite.system.codeTo('forgot@example.com');
      expect(await suite.system.mailsTo('ghost@example.com')).toEqual([]);
      expect(await suite.system.mailsTo(ADMIN.email)).toEqual([]);
      expect(await userNamed('forgot@example.com')).toMatchObject({ confirmed: true });
      for (const email of ['ghost@example.com', ADMIN.email]) {
        await expect(password({ email, code, newPassword: OTHER })).rejects.toMatchObject({
          code: 'invalid',
          message: 'Invalid confirmation code.',
        });
      }
      await expect(
        password({ kind: UserKind.ADMIN, email: 'forgot@example.com', code, newPassword: OTHER }),
      ).rejects.toMatchObject({ code: 'invalid' });
      const before = await suite.tokenOf('forgot@example.com').catch(() => '');
      expect(before).not.toBe('');
    });

    test('a code is good once, for whoever is the first', async () => {
      await suite.makeUser('once@example.com');
      await password({ email: 'once@example.com', reset: true });
      const code = await suite.system.codeTo('once@example.com');
      const all = Array.from({ length: 4 }, () => password({ email: 'once@example.com', code, newPassword: OTHER }));
      const settled = await Promise.allSettled(all);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await signIn('once@example.com', OTHER)).email).toBe('once@example.com');
    });

    test('an administrator resets at his own door, by the settings of the system service', async () => {
      await suite.system.execute(post('admin'), { records: [{ email: 'boss@example.com', password: PASSWORD }] });
      await configure(SYSTEM_SERVICE, { password_email_service_id: null });
      const reset = { kind: UserKind.ADMIN, email: 'boss@example.com', reset: true };
      await expect(password(reset)).rejects.toMatchObject({ code: 'invalid' });
      await configure(SYSTEM_SERVICE, { password_email_service_id: 6 });
      expect(await password(reset)).toEqual({ success: true });
      const code = await suite.system.codeTo('boss@example.com');
      await password({ kind: UserKind.ADMIN, email: 'boss@example.com', code, newPassword: OTHER });
      expect((await signIn('boss@example.com', OTHER, UserKind.ADMIN)).is_sys_admin).toBe(true);
    });

    test('e-mails come at longer and longer intervals, and the last one is good', async () => {
      await suite.makeUser('flooded@example.com');
      for (let n = 0; n < 6; n++) await password({ email: 'flooded@example.com', reset: true });
      const code = await suite.system.codeTo('flooded@example.com', 3);
      expect(await password({ email: 'flooded@example.com', code, newPassword: OTHER })).toEqual({ success: true });
      expect(await suite.system.mailsTo('flooded@example.com')).toHaveLength(3);
    });

    test('who is switched off has no reset, and a code of before is dead', async () => {
      const id = await suite.makeUser('off@example.com');
      await password({ email: 'off@example.com', reset: true });
      const code = await suite.system.codeTo('off@example.com');
      await suite.system.execute(patch('user', Target.ONE), { keys: [id], records: { is_active: false } });
      await expect(password({ email: 'off@example.com', code, newPassword: OTHER })).rejects.toMatchObject({
        code: 'invalid',
      });
      await suite.system.execute(patch('user', Target.ONE), { keys: [id], records: { is_active: true } });
      await expect(password({ email: 'off@example.com', code, newPassword: OTHER })).rejects.toMatchObject({
        code: 'invalid',
      });
    });

    test('a security answer does as well, and no answer tells who has one', async () => {
      await suite.makeUser('answers@example.com', { security_question: 'Pet?', security_answer: 'Rex' });
      await suite.makeUser('silent@example.com');
      for (const email of ['answers@example.com', 'silent@example.com', 'ghost@example.com', ADMIN.email]) {
        for (const securityAnswer of ['Tom', 'Rex\0']) {
          await expect(password({ email, securityAnswer, newPassword: OTHER })).rejects.toMatchObject({
            code: 'invalid',
            message: 'The answer supplied does not match.',
          });
        }
      }
      const done = await password({ email: 'answers@example.com', securityAnswer: 'Rex', newPassword: OTHER });
      expect(done).toEqual({ success: true });
      expect((await signIn('answers@example.com', OTHER)).email).toBe('answers@example.com');
    });

    test('answers are guessed slowly from anywhere; the password and a code still open the account', async () => {
      const email = 'pet@example.com';
      await suite.makeUser(email, { security_question: 'Pet?', security_answer: 'Rex' });
      const codes: string[] = [];
      for (let n = 0; n < 12; n++) {
        const answer = password({ email, securityAnswer: `guess ${n}`, newPassword: OTHER });
        codes.push(await answer.catch((error: { code: string }) => error.code));
      }
      expect(codes.slice(0, 10)).toEqual(Array(10).fill('invalid'));
      expect(codes.slice(10)).toContain('limited');
      expect((await signIn(email, PASSWORD)).email).toBe(email);
      await password({ email, reset: true });
      const code = await suite.system.codeTo(email);
      expect(await password({ email, code, newPassword: OTHER })).toEqual({ success: true });
    });

    test.each<[string, object]>([
      ['codes', { code: 'x'.repeat(32), newPassword: OTHER }],
      ['resets', { reset: true }],
    ])('%s are slowed down for an account from one network, whether or not there is one', async (why, request) => {
      await suite.makeUser(`slow.${why}@example.com`);
      for (const email of [`slow.${why}@example.com`, `ghost.${why}@example.com`]) {
        const errors: { code?: string; context?: object }[] = [];
        for (let n = 0; n < 6; n++) {
          errors.push(await password({ ...request, email, clientAddress: '10.7.7.7' }).catch((error) => error));
        }
        expect(errors.slice(0, 5).map(({ code }) => code)).not.toContain('limited');
        expect(errors[5]).toMatchObject({ code: 'limited', context: { retry_after_seconds: 1 } });
        const elsewhere = await password({ ...request, email, clientAddress: '10.7.7.8' }).catch((error) => error);
        expect(elsewhere.code).not.toBe('limited');
      }
    });

    test('the question is told only where an administrator wants it', async () => {
      const email = 'asked@example.com';
      await suite.makeUser(email, { security_question: 'Pet?', security_answer: 'Rex' });
      await configure(USER_SERVICE, { show_security_question: true });
      expect(await password({ email, reset: true })).toEqual({ security_question: 'Pet?' });
      expect(await password({ email: 'ghost@example.com', reset: true })).toEqual({ success: true });
      await configure(USER_SERVICE, { show_security_question: false });
      expect(await password({ email, reset: true })).toEqual({ success: true });
    });
  });

  describe('profiles', () => {
    test('are read and changed by their owner', async () => {
      const id = await suite.makeUser('mine@example.com', { phone: '1' });
      expect(await profile(id)).toEqual({
        username: 'mine@example.com',
        first_name: 'U',
        last_name: null,
        name: 'U',
        email: 'mine@example.com',
        phone: '1',
        security_question: null,
        default_app_id: null,
        oauth_provider: '',
        adldap: '',
      });
      const change = { phone: '2', last_name: 'New', name: null, security_question: 'Pet?', security_answer: 'Rex' };
      expect(await changeProfile(id, change)).toEqual({ success: true });
      expect(await profile(id)).toMatchObject({ phone: '2', last_name: 'New', name: 'U', security_question: 'Pet?' });
      const done = await password({ email: 'mine@example.com', securityAnswer: 'Rex', newPassword: OTHER });
      expect(done).toEqual({ success: true });
    });

    test('of nobody there is none', async () => {
      await expect(profile(0)).rejects.toMatchObject({ code: 'unauthenticated' });
      await expect(changeProfile(0, { phone: '1' })).rejects.toMatchObject({ code: 'not_found' });
      const id = await suite.makeUser('no.admin@example.com');
      await expect(profile(id, UserKind.ADMIN)).rejects.toMatchObject({ code: 'unauthenticated' });
      expect((await profile(1, UserKind.ADMIN)).email).toBe(ADMIN.email);
    });

    test('take only what their owner may say', async () => {
      const id = await suite.makeUser('plain@example.com');
      const answer = await changeProfile(id, {
        phone: '3',
        is_sys_admin: true,
        password: OTHER,
        confirm_code: 'x',
        is_active: false,
        user_to_app_to_role_by_user_id: [{ app_id: 1, role_id: 1 }],
      });
      expect(answer.dropped).toEqual([
        ...['is_sys_admin', 'password', 'confirm_code', 'is_active', 'user_to_app_to_role_by_user_id'],
      ]);
      expect((await signIn('plain@example.com', PASSWORD)).is_sys_admin).toBe(false);
    });

    test.each<[string, object]>([
      ['nothing', {}],
      ['an address that is none', { email: 'bad', current_password: PASSWORD }],
      ['a user name with blanks', { username: 'with blanks' }],
      ['the address of another as a user name', { username: ADMIN.email }],
      ['an address without the password', { email: 'fresh@example.com' }],
      ['an address with a wrong password', { email: 'fresh@example.com', current_password: 'no' }],
      ['an address with a password that is no text', { email: 'fresh@example.com', current_password: true }],
      ['an address that is taken', { email: ADMIN.email, current_password: PASSWORD }],
      ['an app that does not exist', { default_app_id: 999_999 }],
    ])('%s is refused', async (why, change) => {
      const id = await suite.makeUser(`refused.${why.replace(/\W/g, '.')}@example.com`);
      await expect(changeProfile(id, change)).rejects.toMatchObject({ code: 'invalid' });
    });

    test('another address ends the sessions and codes of the old one, and frees it', async () => {
      const id = await suite.makeUser('old.address@example.com');
      const before = await suite.tokenOf('old.address@example.com');
      await password({ email: 'old.address@example.com', reset: true });
      const code = await suite.system.codeTo('old.address@example.com');
      const { session_token: after } = await changeProfile(id, {
        email: 'new.address@example.com',
        current_password: PASSWORD,
      });
      await expect(suite.refresh(before)).rejects.toMatchObject({ code: 'unauthenticated' });
      expect((await suite.refresh(after)).id).toBe(id);
      await expect(password({ email: 'new.address@example.com', code, newPassword: OTHER })).rejects.toThrow();
      expect(await profile(id)).toMatchObject({ username: 'new.address@example.com' });
      await suite.makeUser('old.address@example.com');
    });
  });

  describe('invitations', () => {
    const invite = (record: object, resource = 'user') =>
      suite.system.json(post(resource, { selection: fields('email') }), {
        records: [{ ...record, send_invite: true }],
      });

    test.each([
      ['user', UserKind.USER],
      ['admin', UserKind.ADMIN],
    ])('a new %s chooses a password with the code', async (resource, kind) => {
      const email = `guest.${resource}@example.com`;
      expect(await invite({ email, first_name: 'G' }, resource)).toEqual([{ email, confirmed: false, expired: false }]);
      const code = await suite.system.codeTo(email);
      expect(await password({ kind, email, code, newPassword: PASSWORD })).toEqual({ success: true });
      expect((await signIn(email, PASSWORD, kind)).email).toBe(email);
    });

    test('a user who is there already is invited again', async () => {
      const id = await suite.makeUser('again@example.com');
      await suite.system.execute(patch('user', Target.ONE), { keys: [id], records: { send_invite: true } });
      await suite.system.codeTo('again@example.com');
      expect(await suite.system.json(one('user', { selection: fields('id') }), { keys: [id] })).toMatchObject({
        confirmed: false,
      });
      await signIn('again@example.com', PASSWORD);
      expect(await suite.system.json(one('user', { selection: fields('id') }), { keys: [id] })).toMatchObject({
        confirmed: true,
      });
    });

    test('one that cannot be sent leaves no account behind', async () => {
      await configure(USER_SERVICE, { invite_email_template_id: null });
      await expect(invite({ email: 'uninvited@example.com' })).rejects.toMatchObject({
        batch: { outcomes: [{ error: { message: expect.stringMatching(/^Error processing user invite\. /) } }] },
      });
      expect(await userNamed('uninvited@example.com')).toBeUndefined();
      await configure(USER_SERVICE, { invite_email_template_id: 1 });
    });

    test('the first one that fails ends the batch; those before it are invited', async () => {
      const records = [{ email: 'batch.a@example.com' }, { email: 'bad' }, { email: 'batch.b@example.com' }];
      const call = suite.system.execute(post('user'), {
        records: records.map((record) => ({ ...record, send_invite: true })),
      });
      await expect(call).rejects.toMatchObject({ batch: { outcomes: [{ json: expect.anything() }, { error: {} }] } });
      await suite.system.codeTo('batch.a@example.com');
      expect(await userNamed('batch.b@example.com')).toBeUndefined();
    });

    test('an e-mail is not taken back', async () => {
      const call = suite.system.execute(post('user', { mode: BatchMode.ROLLBACK }), {
        records: [{ email: 'rolled@example.com', send_invite: true }],
      });
      await expect(call).rejects.toMatchObject({ batch: { rolledBack: true } });
      expect(await userNamed('rolled@example.com')).toBeUndefined();
      expect(await suite.system.mailsTo('rolled@example.com')).toEqual([]);
    });
  });

  test('whoever may only write records takes no codes of others', async () => {
    const roleId = await suite.makeRole('mail manager');
    const caller = { userId: 0, roleId, appId: 0, isAdmin: false };
    const refused: [string, number, object][] = [
      ['email_template', 3, { bcc: 'me@evil.example' }],
      ['service', USER_SERVICE, { config: { open_reg_role_id: 1 } }],
      ['service', EMAIL_SERVICE, { type: 'smtp_email' }],
      ['service', EMAIL_SERVICE, { config: { from_email: 'me@evil.example' } }],
    ];
    for (const [resource, id, records] of refused) {
      const call = suite.system.execute(patch(resource, Target.ONE), { caller, keys: [id], records });
      await expect(call).rejects.toMatchObject({ code: 'denied' });
    }
    await suite.system.execute(patch('service', Target.ONE), {
      caller,
      keys: [EMAIL_SERVICE],
      records: { label: 'Mail' },
    });
  });
}

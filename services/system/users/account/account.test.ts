/** What depends on how an installation is set up, or on time. */
import { setTimeout as delay } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, onTestFinished, test } from 'vitest';
import type { Environment } from '#common/config/env.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import {
  LoginRequestSchema,
  PasswordRequestSchema,
  RegisterRequestSchema,
  TokenRequestSchema,
  UserKind,
} from '#proto/system/v1/system_pb.ts';
import { list, patch, post } from '../../testing/actions.ts';
import { ADMIN, replyOf, sessionOf, TestSystem } from '../../testing/system.ts';

const PASSWORD = 'Long-enough-pw-16';
const TIMEOUT_MS = 20_000;

async function installation(env: Environment) {
  const system = await TestSystem.start(env);
  onTestFinished(() => system.stop());
  let network = 0;
  const password = async (more: MessageInitShape<typeof PasswordRequestSchema>) => {
    network += 1;
    const request = { kind: UserKind.USER, clientAddress: `10.0.0.${network}`, newPassword: PASSWORD, ...more };
    return replyOf(await system.accounts.call('changePassword', create(PasswordRequestSchema, request), TIMEOUT_MS));
  };
  const register = async (record: object) => {
    const request = create(RegisterRequestSchema, { recordJson: Buffer.from(JSON.stringify(record)) });
    return replyOf(await system.accounts.call('register', request, TIMEOUT_MS));
  };
  const invite = (record: object) => system.execute(post('user'), { records: [{ ...record, send_invite: true }] });
  return { system, password, register, invite };
}

/** Asks until it is so. */
async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + TIMEOUT_MS; ; await delay(50)) {
    const answer = await ask();
    if (wanted(answer) || Date.now() > end) return answer;
  }
}

test('codes end', async () => {
  const { system, password, invite } = await installation({
    MILLRACE_RESET_TTL_SECONDS: '1',
    MILLRACE_CONFIRM_TTL_SECONDS: '1',
  });
  await system.execute(post('user'), { records: [{ email: 'late@example.com', password: PASSWORD }] });
  await password({ email: 'late@example.com', reset: true });
  const code = await system.codeTo('late@example.com');
  await invite({ email: 'later@example.com' });
  const users = await until(
    () => system.json(list('user')),
    (found) => found.some(({ expired }: { expired: boolean }) => expired),
  );
  expect(users).toMatchObject([
    { confirmed: true, expired: false },
    { confirmed: false, expired: true },
  ]);
  const said = await until(
    () => password({ email: 'late@example.com', code }).catch((error: Error) => error.message),
    (answer) => answer === 'Confirmation code expired.',
  );
  expect(said).toBe('Confirmation code expired.');
  const invited = await system.codeTo('later@example.com');
  await expect(password({ email: 'later@example.com', code: invited })).rejects.toMatchObject({ code: 'invalid' });
});

test.each<[string, string, string, RegExp]>([
  ['of this installation', 'https://api.example/', '/app#/invite', /^https:\/\/api\.example\/app#\/invite\?code=/],
  ['elsewhere', '', 'https://app.example/join?from=mail', /^https:\/\/app\.example\/join\?from=mail&code=/],
])('a page %s is linked to', async (_why, publicUrl, page, expected) => {
  const { system, invite } = await installation({ MILLRACE_PUBLIC_URL: publicUrl, MILLRACE_INVITE_URL: page });
  await invite({ email: 'me+you@example.com', username: 'meandyou' });
  const code = await system.codeTo('me+you@example.com');
  const [mail = ''] = await system.mailsTo('me+you@example.com');
  // Long lines are folded on the way.
  const link =
    mail
      .replaceAll(/=\r?\n/g, '')
      .replaceAll('=3D', '=')
      .match(/^http\S+/m)?.[0] ?? '';
  expect(link).toMatch(expected);
  expect(link).toContain(`code=${code}&email=me%2Byou%40example.com&username=meandyou&admin=0`);
});

test.each<[string, string, boolean, boolean]>([
  ['for ever', 'true', true, true],
  ['where nobody asked for it', 'true', false, false],
  ['where it is not allowed', 'false', true, false],
])('a session %s', async (_why, allowed, rememberMe, expected) => {
  const { system } = await installation({ MILLRACE_ALLOW_FOREVER_SESSIONS: allowed });
  const request = create(LoginRequestSchema, { kind: UserKind.ADMIN, ...ADMIN, rememberMe });
  const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const first = sessionOf(await system.sessions.call('login', request, TIMEOUT_MS)).session_token;
  const again = create(TokenRequestSchema, { kind: UserKind.ADMIN, token: first });
  const second = sessionOf(await system.sessions.call('refresh', again, TIMEOUT_MS)).session_token;
  const yearSeconds = 365 * 86_400;
  for (const { forever, exp, iat } of [claimsOf(first), claimsOf(second)]) {
    expect(forever).toBe(expected);
    expect(exp - iat > yearSeconds).toBe(expected);
  }
});

test('where people sign in by a name', async () => {
  const { system, password, register } = await installation({ MILLRACE_LOGIN_ATTRIBUTE: 'username' });
  const config = { allow_open_registration: true, open_reg_email_service_id: null };
  await system.execute(patch('service', Target.ONE), { keys: [7], records: { config } });
  await expect(register({ email: 'n@example.com', password: PASSWORD })).rejects.toMatchObject({
    context: { username: expect.any(Array) },
  });
  await register({ email: 'n@example.com', password: PASSWORD, username: 'nameless' });
  const byName = create(LoginRequestSchema, { kind: UserKind.USER, username: 'nameless', password: PASSWORD });
  const signedIn = await system.sessions.call('login', byName, TIMEOUT_MS);
  expect(sessionOf(signedIn).email).toBe('n@example.com');
  expect(await password({ username: 'Nameless', reset: true })).toEqual({ success: true });
  const code = await system.codeTo('n@example.com');
  await expect(password({ username: 'another', code })).rejects.toMatchObject({ code: 'invalid' });
  expect(await password({ email: 'n@example.com', code })).toEqual({ success: true });
});

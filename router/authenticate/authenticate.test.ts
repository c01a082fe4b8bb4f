import { create } from '@bufbuild/protobuf';
import type { sendUnaryData } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Channel } from '#common/grpc/channel.ts';
import { startGrpcServer } from '#common/grpc/server.ts';
import { type LoginRequest, Sessions, VerifyReplySchema } from '#proto/system/v1/system_pb.ts';
import type { AccessState } from '../access/state.ts';
import { stateOf, stateWithRole, tokenOf, type UpdateInit, update } from '../testing/access.ts';
import { authenticate } from './authenticate.ts';
import { BasicVerifier } from './basic.ts';
import { IssuerVerifier } from './issuers.ts';
import type { Principal } from './principal.ts';
import { TokenVerifier } from './token.ts';

const NOBODY_ASKS = {} as Channel<typeof Sessions>;

function signIn(
  state: AccessState,
  { apiKey, token }: { apiKey?: string | undefined; token?: string | undefined },
): Principal {
  const authenticators = {
    state,
    tokens: new TokenVerifier(state),
    basic: new BasicVerifier(state, NOBODY_ASKS),
    issuers: new IssuerVerifier(state),
  };
  return authenticate(authenticators, { apiKey, token, basic: undefined }, () => '') as Principal;
}

describe('the role', () => {
  const apps = [
    { id: 4, name: 'shop', apiKey: 'shop', isActive: true, roleId: 3 },
    { id: 6, name: 'bare', apiKey: 'bare', isActive: true },
    { id: 8, name: 'gone', apiKey: 'gone', isActive: false, roleId: 3 },
  ];
  const roles = [3, 9].map((id) => ({ id, isActive: true }));
  const user = { id: 5, email: 'ann@a.example', isActive: true };
  const inShop = { appRoles: [{ appId: 4, roleId: 9 }] };
  const CASES: {
    why: string;
    user?: object;
    apiKey?: string;
    anonymous?: boolean;
    role: number | undefined;
    admin?: boolean;
  }[] = [
    { why: "is the app's own", apiKey: 'shop', role: 3 },
    { why: 'also of nobody', apiKey: 'shop', anonymous: true, role: 3 },
    { why: 'is the one that the user has for the app', user: inShop, apiKey: 'shop', role: 9 },
    { why: 'is never that of another app', user: inShop, apiKey: 'bare', role: undefined },
    { why: 'is none without an app', user: inShop, role: undefined },
    { why: 'is none for a key that nobody has', apiKey: 'x', role: undefined },
    {
      why: 'that is gone is not replaced',
      user: { appRoles: [{ appId: 4, roleId: 77 }] },
      apiKey: 'shop',
      role: undefined,
    },
    { why: 'an administrator needs none', user: { isSysAdmin: true }, role: undefined, admin: true },
    { why: 'nor uses that of the app', user: { isSysAdmin: true }, apiKey: 'shop', role: undefined, admin: true },
    {
      why: 'a restricted administrator is held to his',
      user: { isSysAdmin: true, ...inShop },
      apiKey: 'shop',
      role: 9,
    },
    { why: 'everywhere', user: { isSysAdmin: true, ...inShop }, apiKey: 'bare', role: undefined },
  ];
  test.each(CASES)('$why', ({ user: more = {}, apiKey, anonymous = false, role, admin = false }) => {
    const state = stateOf({ apps, roles, users: [{ ...user, ...more }] });
    const principal = signIn(state, { apiKey, token: anonymous ? undefined : tokenOf() });
    expect(principal.role?.source.id).toBe(role);
    expect(principal.isAdmin).toBe(admin);
  });

  test('the key of an inactive app is refused, whoever sends it and before his token is looked at', () => {
    const state = stateOf({ apps, roles, users: [{ ...user, isSysAdmin: true }] });
    for (const token of [undefined, tokenOf(), 'nonsense']) {
      expect(() => signIn(state, { apiKey: 'gone', token })).toThrow(expect.objectContaining({ code: 'denied' }));
    }
  });
});

describe('HTTP Basic', () => {
  const REFUSED = { code: 'unauthenticated', message: 'Invalid credentials supplied.' };

  /** A system service that knows one password, and counts how often it is asked. */
  async function installation(init: UpdateInit = {}) {
    const asked: LoginRequest[] = [];
    const server = await startGrpcServer({
      name: 'system',
      address: '127.0.0.1:0',
      token: undefined,
      services: [
        {
          desc: Sessions,
          implementation: {
            verifyPassword: ({ request }: { request: LoginRequest }, callback: sendUnaryData<object>) => {
              asked.push(request);
              const good = request.email === 'ann@a.example' && request.password === 'secret';
              const outcome = good
                ? ({ case: 'userId', value: 5 } as const)
                : ({ case: 'failure', value: REFUSED } as const);
              callback(null, create(VerifyReplySchema, { outcome }));
            },
          },
        },
      ],
    });
    onTestFinished(() => server.close());
    const sessions = new Channel(Sessions, { address: server.address, token: undefined, peer: 'system' });
    onTestFinished(() => sessions.close());
    const state = stateWithRole([], init);
    const basic = new BasicVerifier(state, sessions);
    const code = (user: string, password: string) =>
      basic.userOf({ user, password }, '127.0.0.1').then(
        ({ id }) => id,
        (error: unknown) => (error as { code: string }).code,
      );
    return { state, asked, code };
  }

  test('a good password is asked about once, a bad one each time', async () => {
    const { asked, code } = await installation();
    for (let i = 0; i < 3; i++) expect(await code('ann@a.example', 'secret')).toBe(5);
    expect(asked).toHaveLength(1);
    for (let i = 0; i < 3; i++) expect(await code('ann@a.example', 'secret\0')).toBe('unauthenticated');
    expect(asked).toHaveLength(4);
  });

  const user = { id: 5, email: 'ann@a.example', name: "Ann O'Neil", username: 'ann', isActive: true };
  const CASES: { why: string; change: UpdateInit; asked: number }[] = [
    { why: 'nothing happened', change: {}, asked: 1 },
    { why: 'he has signed in elsewhere', change: { users: [{ ...user, lastLoginDate: 'today' }] }, asked: 1 },
    { why: 'the password changed', change: { users: [{ ...user, passwordVersion: '2' }] }, asked: 2 },
    { why: 'the address changed', change: { users: [{ ...user, email: 'b@b.example' }] }, asked: 2 },
    { why: 'the name changed', change: { users: [{ ...user, username: 'anna' }] }, asked: 2 },
    { why: 'he was deactivated', change: { users: [{ ...user, isActive: false }] }, asked: 2 },
    { why: 'he is gone', change: { removals: [{ kind: 4, id: 5 }] }, asked: 2 },
  ];
  test.each(CASES)('what was good is asked about again: $why', async ({ change, asked: times }) => {
    const { state, asked, code } = await installation();
    await code('ann@a.example', 'secret');
    update(state, change);
    await code('ann@a.example', 'secret');
    expect(asked).toHaveLength(times);
  });
});

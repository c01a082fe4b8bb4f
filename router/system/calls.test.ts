import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import type { Channel } from '#common/grpc/channel.ts';
import {
  type DescribeRequest,
  EnvironmentReplySchema,
  type EnvironmentRequest,
  type Environments,
  type LoginRequest,
  LogoutReplySchema,
  SessionReplySchema,
  type Sessions,
  type TokenRequest,
  UserKind,
} from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { principalIn, rule, stateWithRole } from '../testing/access.ts';
import { apiRequestOf, type Sent } from '../testing/request.ts';
import { SystemCalls } from './calls.ts';
import type { EventMap } from './event-map.ts';
import type { LimitCache } from './limit-cache.ts';
import type { ServiceCaches } from './service-caches.ts';
import { SessionCalls } from './sessions.ts';

const ANN = principalIn(stateWithRole([rule('*')]));
const NOBODY: Principal = { ...ANN, user: undefined, token: undefined, app: undefined, role: undefined };
const JSON_TYPE = { 'content-type': 'application/json' };
const REFUSED = { code: 'unauthenticated', message: 'Invalid credentials supplied.' };

interface Called {
  readonly method: string;
  readonly request: LoginRequest & TokenRequest & DescribeRequest & EnvironmentRequest;
}

/** A system service that keeps what it was asked. */
function installation({ refuses = false } = {}) {
  const called: Called[] = [];
  const call = async (method: string, request: Called['request']) => {
    called.push({ method, request });
    const failure = refuses ? { failure: REFUSED } : {};
    if (method === 'logout') return create(LogoutReplySchema, failure);
    if (method === 'getEnvironment') return create(EnvironmentReplySchema, { json: Buffer.from('{"platform":{}}') });
    const sessionJson = Buffer.from('{"session_token":"t"}');
    return create(SessionReplySchema, {
      outcome: refuses ? { case: 'failure', value: REFUSED } : { case: 'sessionJson', value: sessionJson },
    });
  };
  const channel = { call } as unknown;
  const calls = new SystemCalls({
    sessions: new SessionCalls(channel as Channel<typeof Sessions>),
    environments: channel as Channel<typeof Environments>,
    limitCache: {} as LimitCache,
    events: {} as EventMap,
    caches: {} as ServiceCaches,
  });
  const answer = (type: 'system' | 'user', sent: Sent, principal = ANN) =>
    calls.answer(
      apiRequestOf({ headers: JSON_TYPE, ...sent, target: `/api/v2/${type}/${sent.target}` }),
      type,
      principal,
    );
  return { called, answer };
}

describe('sessions', () => {
  const login = { email: 'ann@a.example', username: '', password: 'p', rememberMe: false };
  const CASES: {
    why: string;
    type?: 'system' | 'user';
    sent: Sent;
    principal?: Principal;
    method: string;
    request: object;
  }[] = [
    {
      why: 'a user signs in',
      sent: { method: 'POST', target: 'session', body: '{"email":"ann@a.example","password":"p"}' },
      method: 'login',
      request: { ...login, kind: UserKind.USER, appId: 4, clientAddress: '127.0.0.1' },
    },
    {
      why: 'an administrator',
      type: 'system',
      sent: {
        method: 'POST',
        target: 'admin/session',
        body: '{"email":"ann@a.example","password":"p","remember_me":"1"}',
      },
      method: 'login',
      request: { ...login, kind: UserKind.ADMIN, rememberMe: true },
    },
    {
      why: 'what is no text is nothing',
      sent: { method: 'POST', target: 'session', body: '{"email":["a"],"password":{"$ne":1},"username":"ann"}' },
      method: 'login',
      request: { email: '', password: '', username: 'ann' },
    },
    {
      why: 'without a body',
      sent: { method: 'POST', target: 'session?email=a&password=p' },
      method: 'login',
      request: { email: 'a', password: 'p' },
    },
    {
      why: 'a new token',
      sent: { method: 'PUT', target: 'session' },
      method: 'refresh',
      request: { kind: UserKind.USER, token: 'a.token', appId: 4 },
    },
    {
      why: 'the end',
      type: 'system',
      sent: { method: 'DELETE', target: 'admin/session' },
      method: 'logout',
      request: { kind: UserKind.ADMIN, token: 'a.token' },
    },
    {
      why: 'who I am',
      sent: { target: 'session' },
      method: 'describe',
      request: { userId: 5, appId: 4, token: 'a.token' },
    },
    {
      why: 'nobody',
      sent: { target: 'session' },
      principal: NOBODY,
      method: 'describe',
      request: { userId: 0, appId: 0, token: '' },
    },
    { why: 'tunnelled', sent: { method: 'POST', target: 'session?method=DELETE' }, method: 'logout', request: {} },
  ];
  test.each(CASES)('$why', async ({ type = 'user', sent, principal = ANN, method, request }) => {
    const { called, answer } = installation();
    expect(await answer(type, sent, principal)).toEqual(
      method === 'logout' ? { success: true } : { session_token: 't' },
    );
    expect(called).toMatchObject([{ method, request }]);
  });

  test.each(['POST', 'PUT', 'DELETE', 'GET'])('the refusal of a %s is passed on', async (method) => {
    const { answer } = installation({ refuses: true });
    await expect(answer('user', { method, target: 'session' })).rejects.toMatchObject(REFUSED);
  });
});

describe('the environment', () => {
  test('is asked for whoever asks', async () => {
    const { called, answer } = installation();
    const sent = { target: 'environment', headers: { 'user-agent': 'x/1' } };
    expect(await answer('system', sent)).toEqual({ platform: {} });
    expect(await answer('system', sent, NOBODY)).toEqual({ platform: {} });
    expect(called.map(({ request }) => request)).toMatchObject([
      { userId: 5, roleId: 3, appId: 4, isAdmin: false, userAgent: 'x/1', clientAddress: '127.0.0.1' },
      { userId: 0, roleId: 0, appId: 0, isAdmin: false },
    ]);
  });
});

describe('what else there is', () => {
  const REFUSALS: { why: string; type: 'system' | 'user'; sent: Sent; code: string }[] = [
    { why: 'registration', type: 'user', sent: { method: 'POST', target: 'register', body: '{}' }, code: 'denied' },
    { why: 'a resource that is none', type: 'user', sent: { target: 'nope' }, code: 'not_found' },
    { why: 'a session below the session', type: 'user', sent: { target: 'session/x' }, code: 'not_found' },
    { why: 'a write of the list', type: 'user', sent: { method: 'POST', target: '', body: '{}' }, code: 'unsupported' },
    {
      why: 'a write of the environment',
      type: 'system',
      sent: { method: 'PUT', target: 'environment', body: '{}' },
      code: 'unsupported',
    },
    {
      why: 'a session that is patched',
      type: 'user',
      sent: { method: 'PATCH', target: 'session', body: '{}' },
      code: 'unsupported',
    },
  ];
  test.each(REFUSALS)('$why', async ({ type, sent, code }) => {
    const { called, answer } = installation();
    await expect(answer(type, sent)).rejects.toMatchObject({ code });
    expect(called).toEqual([]);
  });

  test('the list of the user service', async () => {
    expect(await installation().answer('user', { target: '' })).toEqual({ resource: [{ name: 'session' }] });
  });

  test.each(['role', 'admin', 'admin/5', '', 'admin/session/x'])('system/%s is a call on records', async (target) => {
    expect(await installation().answer('system', { target })).toBeUndefined();
  });
});

import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  EnvironmentReplySchema,
  type Failure,
  FailureSchema,
  JsonReplySchema,
  LogoutReplySchema,
  SessionReplySchema,
  UserKind,
} from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { principalIn, rule, stateWithRole } from '../testing/access.ts';
import { apiRequestOf, type Sent } from '../testing/request.ts';
import { AccountCalls } from './accounts.ts';
import { SystemCalls } from './calls.ts';
import { EmailCalls } from './emails.ts';
import type { EventMap } from './event-map.ts';
import type { LimitCache } from './limit-cache.ts';
import type { PackageCalls } from './packages.ts';
import type { ServiceCaches } from './service-caches.ts';
import { SessionCalls } from './sessions.ts';

const STATE = stateWithRole([rule('*')], {
  serviceTypes: [
    { name: 'local_email', group: 'Email' },
    { name: 'sqlite', group: 'Database' },
  ],
});
const ANN = principalIn(STATE);
const NOBODY: Principal = { ...ANN, user: undefined, token: undefined, app: undefined, role: undefined };
const JSON_TYPE = { 'content-type': 'application/json' };
const REFUSED = create(FailureSchema, {
  code: 'limited',
  message: 'Too many failed attempts.',
  contextJson: Buffer.from('{"retry_after_seconds":7}'),
});

const FAILURE = { code: 'limited', message: 'Too many failed attempts.', context: { retry_after_seconds: 7 } };

interface Called {
  readonly method: string;
  readonly request: Readonly<Record<string, unknown>>;
}

/** A system service that keeps what it was asked. */
function installation({ refuses = false } = {}) {
  const called: Called[] = [];
  const call = async (method: string, request: Called['request']) => {
    called.push({ method, request });
    return replyTo(method, refuses ? REFUSED : undefined);
  };
  // biome-ignore lint/suspicious/noExplicitAny: one for every service
  const channel = { call } as any;
  const emails = new EmailCalls(channel, STATE);
  const calls = new SystemCalls({
    sessions: new SessionCalls(channel),
    accounts: new AccountCalls(channel),
    emails,
    packages: {} as PackageCalls,
    environments: channel,
    limitCache: {} as LimitCache,
    events: {} as EventMap,
    caches: {} as ServiceCaches,
  });
  const requestOf = (service: string, sent: Sent) =>
    apiRequestOf({ headers: JSON_TYPE, ...sent, target: `/api/v2/${service}${sent.target}` });
  const answer = async (type: 'system' | 'user', sent: Sent, principal = ANN) => {
    const target = `/${sent.target}`;
    const result = await calls.answer(requestOf(type, { ...sent, target }), type, principal);
    return result && JSON.parse(Buffer.from(result.json).toString());
  };
  const mail = async (sent: Sent) => {
    const result = await emails.call(requestOf('mail', sent), MAIL, ANN);
    return JSON.parse(Buffer.from(result.json).toString());
  };
  return { called, answer, mail, emails };
}

const MAIL = { ...STATE.servicesByName.get('db')!, id: 6, name: 'mail', type: 'local_email' };

function replyTo(method: string, failure: Failure | undefined): object {
  const outcome = failure && { case: 'failure' as const, value: failure };
  switch (method) {
    case 'logout':
      return create(LogoutReplySchema, failure ? { failure } : {});
    case 'getEnvironment':
      return create(EnvironmentReplySchema, { json: Buffer.from('{"platform":{}}') });
    case 'login':
    case 'refresh':
    case 'describe': {
      const value = Buffer.from('{"session_token":"t"}');
      return create(SessionReplySchema, { outcome: outcome ?? { case: 'sessionJson', value } });
    }
    default: {
      const value = Buffer.from('{"success":true}');
      return create(JsonReplySchema, { outcome: outcome ?? { case: 'json', value } });
    }
  }
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
    await expect(answer('user', { method, target: 'session' })).rejects.toMatchObject(FAILURE);
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

describe('accounts', () => {
  const text = (value: object) => Buffer.from(JSON.stringify(value));
  const CASES: {
    why: string;
    type?: 'system' | 'user';
    sent: Sent;
    principal?: Principal;
    method: string;
    request: object;
  }[] = [
    {
      why: 'a registration, without the credentials of the call',
      sent: { method: 'POST', target: 'register?login=true', body: '{"email":"a","is_sys_admin":true,"api_key":"k"}' },
      principal: NOBODY,
      method: 'register',
      request: { recordJson: text({ email: 'a', is_sys_admin: true }), login: true, clientAddress: '127.0.0.1' },
    },
    {
      why: 'a registration by PUT, with nothing',
      sent: { method: 'PUT', target: 'register' },
      method: 'register',
      request: { recordJson: text({}), login: false },
    },
    {
      why: 'a new password for an old one',
      sent: { method: 'POST', target: 'password', body: '{"old_password":"o","new_password":"n"}' },
      method: 'changePassword',
      request: { kind: UserKind.USER, userId: 5, oldPassword: 'o', newPassword: 'n', reset: false, login: false },
    },
    {
      why: 'a reset by nobody, of an administrator',
      type: 'system',
      sent: { method: 'PATCH', target: 'admin/password?reset=true&login=1', body: '{"email":"a","username":"u"}' },
      principal: NOBODY,
      method: 'changePassword',
      request: { kind: UserKind.ADMIN, userId: 0, email: 'a', username: 'u', reset: true, login: true },
    },
    {
      why: 'a code, and what is no text',
      sent: { method: 'POST', target: 'password', body: '{"email":"a","code":"c","security_answer":{"$ne":1}}' },
      method: 'changePassword',
      request: { email: 'a', code: 'c', securityAnswer: '' },
    },
    {
      why: 'credentials in the address do not count',
      sent: { method: 'POST', target: 'password?email=a&code=c&new_password=n', body: '{}' },
      method: 'changePassword',
      request: { email: '', code: '', newPassword: '' },
    },
    {
      why: 'a profile',
      sent: { target: 'profile' },
      method: 'getProfile',
      request: { kind: UserKind.USER, userId: 5 },
    },
    {
      why: 'a profile of nobody',
      type: 'system',
      sent: { target: 'admin/profile' },
      principal: NOBODY,
      method: 'getProfile',
      request: { kind: UserKind.ADMIN, userId: 0 },
    },
    {
      why: 'a change of it',
      sent: { method: 'PATCH', target: 'profile', body: '{"phone":"1"}' },
      method: 'changeProfile',
      request: { kind: UserKind.USER, userId: 5, recordJson: text({ phone: '1' }) },
    },
  ];
  test.each(CASES)('$why', async ({ type = 'user', sent, principal = ANN, method, request }) => {
    const { called, answer } = installation();
    expect(await answer(type, sent, principal)).toEqual({ success: true });
    expect(called).toMatchObject([{ method, request }]);
  });

  test.each(['register', 'password', 'profile'])(
    'the refusal of %s is passed on, with when to come back',
    async (target) => {
      const { answer } = installation({ refuses: true });
      await expect(answer('user', { method: 'POST', target, body: '{}' })).rejects.toMatchObject(FAILURE);
    },
  );
});

describe('e-mails', () => {
  const CASES: { why: string; sent: Sent; request: object }[] = [
    {
      why: 'as they are sent',
      sent: { method: 'POST', target: '', body: '{"to":"a@b.cd","session_token":"t","x":1}' },
      request: { serviceId: 6, template: '', templateId: 0, messageJson: Buffer.from('{"to":"a@b.cd","x":1}') },
    },
    {
      why: 'by a template in the body',
      sent: { method: 'POST', target: '', body: '{"template":"T","to":"a@b.cd"}' },
      request: { template: 'T', messageJson: Buffer.from('{"to":"a@b.cd"}') },
    },
    { why: 'by an option', sent: { method: 'POST', target: '?template=T' }, request: { template: 'T' } },
    { why: 'by its id', sent: { method: 'POST', target: '?template_id=4' }, request: { template: '', templateId: 4 } },
    {
      why: 'by its id in the body, for whoever asks',
      sent: { method: 'POST', target: '', body: '{"template_id":4}' },
      request: { templateId: 4, userId: 5, roleId: 3, appId: 4 },
    },
  ];
  test.each(CASES)('$why', async ({ sent, request }) => {
    const { called, mail } = installation();
    await mail(sent);
    expect(called).toMatchObject([{ method: 'send', request }]);
  });

  test('what may be allowed of them', async () => {
    expect(await installation().mail({ target: '?as_access_list=true' })).toEqual({ resource: ['', '*'] });
  });

  const REFUSALS: { why: string; sent: Sent; code: string }[] = [
    { why: 'a GET', sent: { target: '' }, code: 'unsupported' },
    { why: 'a DELETE', sent: { method: 'DELETE', target: '' }, code: 'unsupported' },
    { why: 'a resource', sent: { method: 'POST', target: '/x', body: '{}' }, code: 'not_found' },
    {
      why: 'a template that is no name',
      sent: { method: 'POST', target: '', body: '{"template":{}}' },
      code: 'invalid',
    },
    { why: 'an id that is none', sent: { method: 'POST', target: '?template_id=x' }, code: 'not_found' },
    { why: 'an id beyond all', sent: { method: 'POST', target: '?template_id=99999999999' }, code: 'not_found' },
  ];
  test.each(REFUSALS)('$why is refused', async ({ sent, code }) => {
    const { called, mail } = installation();
    await expect(mail(sent)).rejects.toMatchObject({ code });
    expect(called).toEqual([]);
  });

  test('which services send them', () => {
    const { emails } = installation();
    expect([
      emails.serves(MAIL),
      emails.serves({ ...MAIL, type: 'sqlite' }),
      emails.serves({ ...MAIL, type: 'x' }),
    ]).toEqual([true, false, false]);
  });
});

describe('what else there is', () => {
  const REFUSALS: { why: string; type: 'system' | 'user'; sent: Sent }[] = [
    { why: 'a write of the environment', type: 'system', sent: { method: 'PUT', target: 'environment', body: '{}' } },
    { why: 'a session that is patched', type: 'user', sent: { method: 'PATCH', target: 'session', body: '{}' } },
    { why: 'a registration that is read', type: 'user', sent: { target: 'register' } },
    { why: 'a password that is read', type: 'user', sent: { target: 'password' } },
    { why: 'a password that is deleted', type: 'system', sent: { method: 'DELETE', target: 'admin/password' } },
    { why: 'a profile that is deleted', type: 'user', sent: { method: 'DELETE', target: 'profile' } },
  ];
  test.each(REFUSALS)('$why', async ({ type, sent }) => {
    const { called, answer } = installation();
    await expect(answer(type, sent)).rejects.toMatchObject({ code: 'unsupported' });
    expect(called).toEqual([]);
  });

  test.each([
    ['system', 'role'],
    ['system', 'admin'],
    ['system', 'admin/5'],
    ['system', ''],
    ['system', 'admin/session/x'],
    ['system', 'user/password'],
    ['system', 'password'],
    ['user', ''],
    ['user', 'custom'],
    ['user', 'custom/x'],
    ['user', 'nope'],
    ['user', 'session/x'],
    ['user', 'admin/password'],
    ['user', 'environment'],
  ] as const)('%s/%s is a call on records', async (type, target) => {
    expect(await installation().answer(type, { target })).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { stateOf, update } from '../testing/access.ts';
import { Cors } from './cors.ts';

interface Rule {
  id?: number;
  path: string;
  origin: string;
  enabled?: boolean;
  supportsCredentials?: boolean;
  exposedHeader?: string;
  header?: string;
  methodMask?: number;
  maxAgeSeconds?: number;
}

const corsOf = (...rules: Rule[]) =>
  new Cors(stateOf({ corsRules: rules.map((rule, i) => ({ id: i + 1, enabled: true, methodMask: 31, ...rule })) }));

const A = 'https://a.example';
const B = 'https://b.example';
const EVIL = 'https://evil.example';
const ALLOW = 'Access-Control-Allow-Origin';
const CREDENTIALS = 'Access-Control-Allow-Credentials';

describe('answers', () => {
  const CASES: { why: string; rules: Rule[]; path?: string; origin?: string; headers: Record<string, string> }[] = [
    { why: 'no rule', rules: [], origin: A, headers: {} },
    { why: 'anybody', rules: [{ path: '*', origin: '*' }], origin: A, headers: { [ALLOW]: '*' } },
    { why: 'one', rules: [{ path: '*', origin: A }], origin: EVIL, headers: { [ALLOW]: A } },
    {
      why: 'one of several',
      rules: [{ path: '*', origin: `${A}, ${B}` }],
      origin: B,
      headers: { [ALLOW]: B, Vary: 'Origin' },
    },
    { why: 'none of several', rules: [{ path: '*', origin: `${A},${B}` }], origin: EVIL, headers: {} },
    {
      why: 'several, with credentials',
      rules: [{ path: '*', origin: `${A},${B}`, supportsCredentials: true }],
      origin: A,
      headers: { [ALLOW]: A, Vary: 'Origin', [CREDENTIALS]: 'true' },
    },
    {
      why: 'credentials are never for who is not allowed',
      rules: [{ path: '*', origin: `${A},${B}`, supportsCredentials: true }],
      origin: EVIL,
      headers: {},
    },
    {
      why: 'anybody, with credentials: named',
      rules: [{ path: '*', origin: '*', supportsCredentials: true }],
      origin: A,
      headers: { [ALLOW]: A, Vary: 'Origin', [CREDENTIALS]: 'true' },
    },
    {
      why: 'anybody, but nobody said who',
      rules: [{ path: '*', origin: '*', supportsCredentials: true }],
      headers: {},
    },
    { why: 'part of an origin', rules: [{ path: '*', origin: `${A},${B}` }], origin: `${A}.evil.example`, headers: {} },
    { why: 'no origin in the rule', rules: [{ path: '*', origin: ' ' }], origin: A, headers: {} },
    { why: 'disabled', rules: [{ path: '*', origin: '*', enabled: false }], origin: A, headers: {} },
    {
      why: 'headers to be seen',
      rules: [{ path: '*', origin: '*', exposedHeader: 'X-A' }],
      origin: A,
      headers: { [ALLOW]: '*', 'Access-Control-Expose-Headers': 'X-A' },
    },
    {
      why: 'the longest path',
      rules: [
        { path: '*', origin: A },
        { path: 'api/v2/db/*', origin: B },
      ],
      path: '/api/v2/db/x',
      headers: { [ALLOW]: B },
    },
    { why: 'another path', rules: [{ path: 'api/v2/db/*', origin: B }], path: '/api/v2/system', headers: {} },
    ...['/api/v2/%64b/x', '/api/v2/DB/x', '/api/v2/db%2Fx', '/api/v2/db/%0A'].map((path) => ({
      why: `another spelling of a path: ${path}`,
      rules: [
        { path: '*', origin: '*' },
        { path: 'api/v2/db/*', origin: B },
      ],
      path,
      headers: { [ALLOW]: B },
    })),
    { why: 'a path that is badly encoded', rules: [{ path: '*', origin: B }], path: '/%', headers: { [ALLOW]: B } },
    { why: 'a dot is a dot', rules: [{ path: 'api/v2.0/*', origin: B }], path: '/api/v2x0/db', headers: {} },
    {
      why: 'an expression',
      rules: [{ path: '^/api/v\\d+/db', origin: B }],
      path: '/API/v2/db/x',
      headers: { [ALLOW]: B },
    },
    { why: 'an expression that is none', rules: [{ path: '^(', origin: '*' }], headers: {} },
  ];
  test.each(CASES)('$why', ({ rules, path = '/api/v2/db', origin, headers }) => {
    expect(Object.fromEntries(corsOf(...rules).headers(path, origin))).toEqual(headers);
  });

  test('a changed rule counts at once', () => {
    const state = stateOf({ corsRules: [{ id: 1, path: '*', origin: A, enabled: true }] });
    const cors = new Cors(state);
    expect(cors.headers('/x', A)).toHaveLength(1);
    update(state, { corsRules: [{ id: 1, path: '*', origin: A, enabled: false }] });
    expect(cors.headers('/x', A)).toHaveLength(0);
  });
});

describe('preflight', () => {
  const rule: Rule = { path: '*', origin: `${A},${B}`, methodMask: 3, header: 'X-A', maxAgeSeconds: 60 };
  const CASES: {
    why: string;
    rule?: Rule;
    origin?: string;
    method?: string;
    status: number;
    headers: Record<string, string>;
  }[] = [
    {
      why: 'a method of the rule',
      status: 204,
      headers: {
        'Access-Control-Allow-Methods': 'GET, POST',
        'Access-Control-Allow-Headers': 'X-A',
        'Access-Control-Max-Age': '60',
        [ALLOW]: A,
      },
    },
    { why: 'in lower case', method: 'post', status: 204, headers: { [ALLOW]: A } },
    { why: 'another method', method: 'DELETE', status: 405, headers: {} },
    { why: 'no method', method: 'constructor', status: 405, headers: {} },
    { why: 'another origin', origin: EVIL, status: 405, headers: {} },
    {
      why: 'any header',
      rule: { ...rule, header: '*' },
      status: 204,
      headers: { 'Access-Control-Allow-Headers': 'x-wanted' },
    },
  ];
  test.each(CASES)('$why: $status', ({ rule: own = rule, origin = A, method = 'GET', status, headers }) => {
    const answer = corsOf(own).preflight('/api/v2/db', origin, method, 'x-wanted');
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject(headers);
    if (origin === EVIL) expect(answer.headers).toEqual([]);
  });
});

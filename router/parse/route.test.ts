import { describe, expect, test } from 'vitest';
import { componentOf, parseRoute } from './route.ts';

const service = (name: string, ...segments: string[]) => ({ kind: 'service', service: name, segments });

const CASES = [
  { path: '/status', route: { kind: 'status' } },
  { path: '/', route: { kind: 'none' } },
  { path: '/API/v2/db', route: { kind: 'none' } },
  { path: '/api', route: { kind: 'root' } },
  { path: '/api/v2', route: { kind: 'root' } },
  { path: '/api/v2.0/', route: { kind: 'root' } },
  { path: '/api/v2/DB', route: service('db') },
  { path: '/api/db/_table', route: service('db', '_table') },
  { path: '/api/v2/db/_table/a/', route: service('db', '_table', 'a') },
  { path: '/api/v2/db/_table/a//', route: service('db', '_table', 'a', '') },
  { path: '/api/v2/db//_table/a', route: service('db', '', '_table', 'a') },
  { path: '/api/v2/db/_table/a%2Fb', route: service('db', '_table', 'a/b') },
  { path: '/api/v2/db/_table/%252e%252e', route: service('db', '_table', '%2e%2e') },
  { path: '/api/v2/db/_table/a/x+y%20z', route: service('db', '_table', 'a', 'x+y z') },
  { path: '/api/v2/db/_table/a..b', route: service('db', '_table', 'a..b') },
];
test.each(CASES)('$path', ({ path, route }) => expect(parseRoute(path)).toEqual(route));

test.each([
  '/api/v2/db/../system',
  '/api/v2/db/%2e%2e/system',
  '/api/v2/db/_table/a%2F..%2Fb',
  '/api/v2/db/_table/a%5Cb',
  '/api/v2/db/_table/a%00',
  '/api/v2/db/_table/%',
  '/api/v2/db/_table/%ff',
  '/api/v2/db%2F_table/a',
  '/api/v2/d%20b',
  '/api//db',
])('%s is refused', (path) => expect(() => parseRoute(path)).toThrow(expect.objectContaining({ code: 'invalid' })));

describe('what role rules are compared with', () => {
  const COMPONENTS = [
    { why: 'the root', segments: [], component: '' },
    { why: 'lower case', segments: ['_Table', 'Contact', 'AbC'], component: '_table/contact/abc' },
    { why: 'a table whose name holds a slash is no record', segments: ['_table', 'a/b'], component: '_table/a%2fb' },
    { why: 'nor a resource of two segments', segments: ['admin/password'], component: 'admin%2fpassword' },
    { why: 'parentheses of a name stay', segments: ['_table', 'a(b)', '(1)'], component: '_table/a(b)/(1)' },
    { why: 'also where they reach over a slash', segments: ['_table', 'a(', ')'], component: '_table/a(/)' },
    { why: 'nor what stands behind them', segments: ['_func', 'su(1)m(2)'], component: '_func/su' },
    { why: 'nor arguments that do not end', segments: ['_func', 'Sum(1'], component: '_func/sum' },
    { why: 'arguments of a call do not count', segments: ['_proc', 'sum(1,2)'], component: '_proc/sum' },
  ];
  test.each(COMPONENTS)('$why', ({ segments, component }) => expect(componentOf(segments)).toBe(component));
});

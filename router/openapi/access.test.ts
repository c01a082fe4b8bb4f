import { expect, test } from 'vitest';
import { type AccessInit, ADMIN, DB, principalIn, rule, stateWithRole } from '../testing/access.ts';
import { PathAccess } from './access.ts';
import { at, type Segment } from './document.ts';

const TABLE: Segment = { name: 'table_name', description: '' };
const ID: Segment = { name: 'id', description: '' };

function accessOf(rules: readonly AccessInit[], serviceId = DB): PathAccess {
  const state = stateWithRole(rules);
  return new PathAccess(principalIn(state), state.services.get(serviceId)!);
}

const CASES: { why: string; rules: AccessInit[]; path: Segment[]; mask: number }[] = [
  { why: 'nothing', rules: [], path: ['_table', TABLE], mask: 0 },
  { why: 'everything', rules: [rule('*')], path: ['_table', TABLE], mask: 31 },
  { why: 'one table is enough', rules: [rule('_table/a', { verbMask: 1 })], path: ['_table', TABLE], mask: 1 },
  { why: 'without its records', rules: [rule('_table/a', { verbMask: 1 })], path: ['_table', TABLE, ID], mask: 0 },
  { why: 'and what is below', rules: [rule('_table/a/*', { verbMask: 3 })], path: ['_table', TABLE, ID], mask: 3 },
  { why: 'its own path by that too', rules: [rule('_table/a/*', { verbMask: 3 })], path: ['_table', TABLE], mask: 3 },
  { why: 'one record', rules: [rule('_table/a/5', { verbMask: 8 })], path: ['_table', TABLE, ID], mask: 8 },
  { why: 'not its table', rules: [rule('_table/a/5', { verbMask: 8 })], path: ['_table', TABLE], mask: 0 },
  { why: 'a path below', rules: [rule('a/b/*', { verbMask: 3 })], path: [{ ...ID, spans: true }], mask: 3 },
  { why: 'a part of a name', rules: [rule('_table/cu*', { verbMask: 1 })], path: ['_table', TABLE], mask: 1 },
  { why: 'another resource', rules: [rule('_schema/*')], path: ['_table', TABLE], mask: 0 },
  {
    why: 'what several tables allow',
    rules: [rule('_table/a', { verbMask: 1 }), rule('_table/b', { verbMask: 2 })],
    path: ['_table', TABLE],
    mask: 3,
  },
  {
    why: 'a closed table closes no other',
    rules: [rule('_table/*', { verbMask: 1 }), rule('_table/a', { verbMask: 0 })],
    path: ['_table', TABLE],
    mask: 1,
  },
  {
    why: 'a closed table itself',
    rules: [rule('_table/*', { verbMask: 1 }), rule('_table/a', { verbMask: 0 })],
    path: ['_table', 'A'],
    mask: 0,
  },
  { why: 'rules for scripts', rules: [rule('*', { requestorMask: 2 })], path: ['_table', TABLE], mask: 0 },
  {
    why: 'rules of another service',
    rules: [rule('_table/a', { serviceId: 1, verbMask: 1 })],
    path: ['_table', TABLE],
    mask: 0,
  },
  {
    why: 'rules for all services',
    rules: [{ component: '*', verbMask: 1, requestorMask: 1 }],
    path: ['_table', TABLE],
    mask: 1,
  },
  {
    why: 'names of tables where any of them may be read',
    rules: [rule('_table/a', { verbMask: 1 })],
    path: ['_schema'],
    mask: 1,
  },
  { why: 'the root', rules: [rule('', { verbMask: 1 })], path: [], mask: 1 },
];
test.each(CASES)('$why', ({ rules, path, mask }) => {
  expect(accessOf(rules).mask(path)).toBe(mask);
});

test('operations that are not allowed are left out, and paths with none left', () => {
  const entries = [
    at(['_table', TABLE], { get: { operationId: 'read' }, post: { operationId: 'create' } }),
    at(['_proc', TABLE], { get: { operationId: 'call' } }),
  ];
  const left = accessOf([rule('_table/a', { verbMask: 2 })]).allowed(entries);
  expect(left.map(({ path, operations }) => [path, Object.keys(operations)])).toEqual([
    ['/_table/{table_name}', ['post']],
  ]);
});

test('an administrator is left everything', () => {
  const state = stateWithRole([]);
  const entries = [at(['_proc', TABLE], { get: { operationId: 'call' } })];
  expect(new PathAccess(ADMIN, state.services.get(DB)!).allowed(entries)).toEqual(entries);
});

test('what is open to everybody is for whoever has no role', () => {
  const state = stateWithRole([]);
  const access = new PathAccess(principalIn(state, null, null), state.services.get(1)!);
  expect(access.mask(['admin', 'session'])).toBe(31);
  expect(access.mask(['environment'])).toBe(1);
  expect(access.mask(['role'])).toBe(0);
});

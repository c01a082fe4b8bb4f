import { expect, test } from 'vitest';
import { Query } from '../parse/query.ts';
import { type AccessInit, DB, principalIn, rule, stateWithRole } from '../testing/access.ts';
import { rootListing } from './root.ts';
import { statusOf } from './status.ts';

const SERVICES = [
  { id: DB, name: 'db', label: 'Database', type: 'sqlite', isActive: true },
  { id: 1, name: 'system', label: 'System', type: 'system', isActive: true },
  { id: 9, name: 'off', type: 'sqlite', isActive: false },
];
const TYPES = [
  { name: 'system', label: 'System', group: 'System' },
  { name: 'sqlite', label: 'SQLite', group: 'Database' },
];

const CASES: {
  why: string;
  rules?: AccessInit[];
  nobody?: boolean;
  admin?: boolean;
  query?: string;
  services: string[];
  types?: string[];
}[] = [
  { why: 'nobody sees a service', nobody: true, services: [], types: ['sqlite', 'system'] },
  { why: 'an administrator sees all that run', admin: true, services: ['system', 'db'] },
  { why: 'others what they may use', rules: [rule('_table/a', { verbMask: 1 })], services: ['db'] },
  { why: 'a rule without verbs is none', rules: [rule('*', { verbMask: 0 })], services: [] },
  { why: 'nor is one for scripts', rules: [rule('*', { requestorMask: 2 })], services: [] },
  {
    why: 'one for all services',
    rules: [{ component: '*', verbMask: 1, requestorMask: 1 }],
    services: ['system', 'db'],
  },
  {
    why: 'one of its own hides that',
    rules: [{ component: '*', verbMask: 1, requestorMask: 1 }, rule('*', { verbMask: 0 })],
    services: ['system'],
  },
  {
    why: 'one of its own that is for scripts does not',
    rules: [{ component: '*', verbMask: 1, requestorMask: 1 }, rule('*', { requestorMask: 2 })],
    services: ['system', 'db'],
  },
  { why: 'by group', admin: true, query: 'group=DATABASE', services: ['db'], types: ['sqlite'] },
  { why: 'by type', admin: true, query: 'type=system', services: ['system'], types: ['system'] },
];
test.each(CASES)(
  '$why',
  ({ rules = [], nobody = false, admin = false, query = '', services, types = ['sqlite', 'system'] }) => {
    const users = [{ id: 5, isActive: true, isSysAdmin: admin }];
    const state = stateWithRole(rules, { services: SERVICES, serviceTypes: TYPES, users });
    const principal = nobody ? principalIn(state, null, null) : principalIn(state);
    const listing = rootListing(state, principal, Query.parse(query)) as Record<
      'services' | 'service_types',
      { name: string }[]
    >;
    expect(listing.services.map(({ name }) => name)).toEqual(services);
    expect(listing.service_types.map(({ name }) => name)).toEqual(types);
  },
);

test('the properties that are asked for, of those that are shown', () => {
  const state = stateWithRole([rule('*')], { services: SERVICES });
  const of = (query: string) => (rootListing(state, principalIn(state), Query.parse(query))['services'] as object[])[0];
  const common = { id: DB, name: 'db', label: 'Database', description: null, type: 'sqlite' };
  expect(of('')).toEqual({ ...common, spec_url: '/api/v2/db/_spec' });
  expect(of('fields=*')).toEqual(of(''));
  expect(of('fields=name,config,id')).toEqual({ id: DB, name: 'db' });
});

test('the status says what there is, and nothing of who', () => {
  const users = [{ id: 1, isSysAdmin: true, email: 'root@a.example' }, { id: 2 }, { id: 3 }];
  const state = stateWithRole([], { users });
  expect(statusOf(state, true, '1.2.3', 'a.example')).toMatchObject({
    uri: 'http://a.example',
    version: '1.2.3',
    ready: true,
    access: { live: true, version: Number(state.version) },
    resources: { admin: 1, user: 2, app: 1, role: 1, service: 3 },
  });
  expect(JSON.stringify(statusOf(state, false, '1', undefined))).not.toContain('root@');
});

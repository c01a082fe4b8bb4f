import { create, equals, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Removal_Kind as Kind, UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { inSeconds, stateOf, stateWithRole, type UpdateInit, update } from '../testing/access.ts';
import { AccessState } from './state.ts';

const service = (id: number, name: string) => ({ id, name, type: 'sqlite', isActive: true, tier: 'sql' });
const app = (id: number, apiKey: string) => ({ id, name: `app${id}`, apiKey, isActive: true });

describe('the names of services', () => {
  const CASES: { why: string; updates: UpdateInit[]; names: Record<string, number | undefined> }[] = [
    {
      why: 'are found in lower case',
      updates: [{ services: [service(1, 'MyDb')] }],
      names: { mydb: 1, MyDb: undefined },
    },
    {
      why: 'change',
      updates: [{ services: [service(1, 'a')] }, { services: [service(1, 'b')] }],
      names: { a: undefined, b: 1 },
    },
    {
      why: 'are swapped in one update',
      updates: [{ services: [service(1, 'a'), service(2, 'b')] }, { services: [service(2, 'a'), service(1, 'b')] }],
      names: { a: 2, b: 1 },
    },
    {
      why: 'go to another one when the first is removed',
      updates: [
        { services: [service(1, 'a')] },
        { services: [service(2, 'a')], removals: [{ kind: Kind.SERVICE, id: 1 }] },
      ],
      names: { a: 2 },
    },
    {
      why: 'are gone with the service',
      updates: [{ services: [service(1, 'a')] }, { removals: [{ kind: Kind.SERVICE, id: 1 }] }],
      names: { a: undefined },
    },
    {
      why: 'are gone with a full state that has no such service',
      updates: [{ services: [service(1, 'a')] }, { full: true, services: [service(2, 'b')] }],
      names: { a: undefined, b: 2 },
    },
  ];
  test.each(CASES)('$why', ({ updates, names }) => {
    const state = new AccessState();
    for (const each of updates) update(state, each);
    for (const [name, id] of Object.entries(names)) expect(state.servicesByName.get(name)?.id).toBe(id);
  });
});

describe('the keys of apps', () => {
  const CASES: { why: string; updates: UpdateInit[]; keys: Record<string, number | undefined> }[] = [
    {
      why: 'die when they are regenerated',
      updates: [{ apps: [app(1, 'old')] }, { apps: [app(1, 'new')] }],
      keys: { old: undefined, new: 1 },
    },
    {
      why: 'die with the app',
      updates: [{ apps: [app(1, 'old')] }, { removals: [{ kind: Kind.APP, id: 1 }] }],
      keys: { old: undefined },
    },
    {
      why: 'stay with the app that has them now',
      updates: [{ apps: [app(1, 'k')] }, { apps: [app(2, 'k')], removals: [{ kind: Kind.APP, id: 1 }] }],
      keys: { k: 2 },
    },
  ];
  test.each(CASES)('$why', ({ updates, keys }) => {
    const state = new AccessState();
    for (const each of updates) update(state, each);
    for (const [key, id] of Object.entries(keys)) expect(state.appsByKey.get(key)?.id).toBe(id);
  });
});

describe('the epoch', () => {
  const CASES: { why: string; change: UpdateInit; changes: boolean }[] = [
    { why: 'a service', change: { services: [service(9, 'x')] }, changes: true },
    { why: 'a role', change: { roles: [{ id: 3 }] }, changes: true },
    { why: 'an app', change: { apps: [app(9, 'x')] }, changes: true },
    { why: 'a lookup', change: { lookups: [{ id: 1, name: 'x' }] }, changes: true },
    { why: 'a CORS rule', change: { corsRules: [{ id: 1, path: '*' }] }, changes: true },
    { why: 'a removal', change: { removals: [{ kind: Kind.ROLE, id: 3 }] }, changes: true },
    { why: 'a full state', change: { full: true }, changes: true },
    { why: 'a user', change: { users: [{ id: 5 }] }, changes: false },
    { why: 'a logout', change: { revocations: [{ jti: 'a', expiresAt: BigInt(inSeconds(9)) }] }, changes: false },
  ];
  test.each(CASES)('$why: $changes', ({ change, changes }) => {
    const state = stateWithRole([]);
    const before = state.epoch;
    update(state, change);
    expect(state.epoch !== before).toBe(changes);
  });
});

test('tokens that would have expired by now are no longer remembered as dead', () => {
  const state = stateOf();
  update(state, {
    revocations: [
      { jti: 'past', expiresAt: BigInt(inSeconds(-5)) },
      { jti: 'now', expiresAt: BigInt(inSeconds(60)) },
    ],
  });
  expect([...state.revocations.keys()]).toEqual(['now']);
});

test.each([
  { kind: Kind.ROLE, left: (state: AccessState) => state.roles.size },
  { kind: Kind.USER, left: (state: AccessState) => state.users.size },
  { kind: Kind.LOOKUP, left: (state: AccessState) => state.lookups.size },
  { kind: Kind.CORS_RULE, left: (state: AccessState) => state.corsRules.size },
])('removal of kind $kind', ({ kind, left }) => {
  const state = new AccessState();
  update(state, { roles: [{ id: 1 }], users: [{ id: 1 }], lookups: [{ id: 1 }], corsRules: [{ id: 1 }] });
  update(state, { removals: [{ kind, id: 1 }] });
  expect(left(state)).toBe(0);
});

test('a state written down and read again is the same', () => {
  const state = stateWithRole([{ component: '_table/*', verbMask: 1, requestorMask: 1 }], {
    lookups: [{ id: 1, name: 'x', value: 'y' }],
    corsRules: [{ id: 1, path: '*', enabled: true }],
    serviceTypes: [{ name: 'sqlite' }],
    revocations: [{ jti: 'dead', expiresAt: BigInt(inSeconds(60)) }],
  });
  const written = toBinary(UpdateSchema, state.toUpdate());
  const again = new AccessState();
  again.apply(fromBinary(UpdateSchema, written));
  expect(equals(UpdateSchema, again.toUpdate(), state.toUpdate())).toBe(true);
  expect(equals(UpdateSchema, again.toUpdate(), create(UpdateSchema))).toBe(false);
});

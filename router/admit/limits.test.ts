/** Which limits apply to a request, and what exceeding them looks like. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { Counters } from '#common/limits/counters.ts';
import { type Limit, LimitSchema, type Service, ServiceSchema, UpdateSchema } from '#proto/access/v1/access_pb.ts';
import { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { LimitsExceeded } from './exceeded.ts';
import { Limits } from './limits.ts';

type Init = Partial<Omit<Limit, '$typeName' | 'recordJson'>>;

const DB = create(ServiceSchema, { id: 5, name: 'db' });
const FILES = create(ServiceSchema, { id: 6, name: 'files' });
const API = 1;
const SCRIPT = 2;

function limitsOf(...inits: Init[]): Limits {
  const state = new AccessState();
  const limits = inits.map((init, i) =>
    create(LimitSchema, {
      ...{ id: i + 1, name: `limit ${i + 1}`, type: 'instance', rate: 1, period: 'minute' },
      recordJson: Buffer.from(JSON.stringify({ id: i + 1 })),
      ...init,
    }),
  );
  state.apply(create(UpdateSchema, { version: 1n, full: true, limits }));
  return new Limits(state, new Counters());
}

const caller = (userId: number | undefined, roleId = 1, more: object = {}): Principal =>
  ({
    user: userId === undefined ? undefined : { id: userId },
    role: { source: { id: roleId } },
    ...{ isAdmin: false, requestor: API },
    ...more,
  }) as unknown as Principal;

interface Sent {
  readonly principal?: Principal;
  readonly service?: Service;
  readonly path?: string;
  readonly verb?: string;
}

/** Ids of the limits that are exceeded by each of the requests. */
const run = (limits: Limits, ...sent: Sent[]): number[][] =>
  sent.map(({ principal = caller(1), service = DB, path = '_table/dept', verb = 'GET' }) => {
    try {
      limits.admit(principal, service, path, verb);
      return [];
    } catch (error) {
      expect(error).toBeInstanceOf(LimitsExceeded);
      return (error as LimitsExceeded).exceeded.map(({ limit }) => limit.id);
    }
  });

const CASES: readonly [why: string, limits: Init[], sent: Sent[], exceeded: number[][]][] = [
  ['none', [], [{}, {}], [[], []]],
  ['of the instance', [{}], [{}, { principal: caller(2), service: FILES }], [[], [1]]],
  ['not for administrators', [{}], [{ principal: caller(1, 1, { isAdmin: true }) }, {}], [[], []]],
  ['not for scripts', [{}], [{ principal: caller(1, 1, { requestor: SCRIPT }) }, {}], [[], []]],
  [
    'of a user',
    [{ type: 'instance.user', userId: 1 }],
    [{}, { principal: caller(2) }, { principal: caller(2) }, {}],
    [[], [], [], [1]],
  ],
  [
    'of each user',
    [{ type: 'instance.each_user' }],
    [{}, { principal: caller(2) }, {}, { principal: caller(2) }, { principal: caller(undefined) }],
    [[], [], [1], [1], []],
  ],
  [
    'of a role',
    [{ type: 'instance.role', roleId: 7 }],
    [{ principal: caller(1, 7) }, { principal: caller(2, 7) }, { principal: caller(1, 8) }],
    [[], [1], []],
  ],
  ['of a service', [{ type: 'instance.service', serviceId: 5 }], [{}, { service: FILES }, {}], [[], [], [1]]],
  [
    'of a user at a service',
    [{ type: 'instance.user.service', userId: 1, serviceId: 5 }],
    [{}, { service: FILES }, { principal: caller(2) }, {}],
    [[], [], [], [1]],
  ],
  [
    'of an endpoint',
    [{ type: 'instance.service.endpoint', serviceId: 5, endpoint: '_table/Dept' }],
    [{}, { path: '_table/dept/1' }, {}],
    [[], [], [1]],
  ],
  [
    'of all that begins so',
    [{ type: 'instance.service.endpoint', serviceId: 5, endpoint: '_table/dept*' }],
    [{}, { path: '_table/emp' }, { path: '_table/dept/1' }],
    [[], [], [1]],
  ],
  ['of a verb', [{ verb: 'POST' }], [{ verb: 'POST' }, {}, { verb: 'POST' }], [[], [], [1]]],
  [
    'two, each counted by itself',
    [{ rate: 2 }, { type: 'instance.service', serviceId: 5 }],
    [{}, {}, {}, { service: FILES }],
    [[], [2], [1, 2], [1]],
  ],
  [
    'one for this user stands in place of one for each',
    [{ type: 'instance.each_user' }, { type: 'instance.user', userId: 1, rate: 3 }],
    [{}, {}, {}, {}],
    [[], [], [], [2]],
  ],
  [
    'one for the verb stands in place of one for all of them',
    [{}, { verb: 'GET', rate: 3 }],
    [{}, {}, {}, {}, { verb: 'POST' }],
    [[], [], [], [2], [1]],
  ],
];

test.each(CASES)('%s', (_, limits, sent, exceeded) => {
  expect(run(limitsOf(...limits), ...sent)).toEqual(exceeded);
});

describe('the refusal', () => {
  test('names the limits, and says when to come back', () => {
    const limits = limitsOf({ rate: 2 }, { period: 'hour', type: 'instance.service', serviceId: 5 });
    run(limits, {}, {});
    let error: LimitsExceeded | undefined;
    try {
      limits.admit(caller(1), DB, '', 'GET');
    } catch (thrown) {
      error = thrown as LimitsExceeded;
    }
    expect(error?.facts).toEqual([
      { id: 1, name: 'limit 1', object: { id: 1 } },
      { id: 2, name: 'limit 2', object: { id: 2 } },
    ]);
    const headers = Object.fromEntries(error?.headers() ?? []);
    expect(headers).toMatchObject({ 'X-RateLimit-Limit': '1', 'X-RateLimit-Remaining': '0', 'RateLimit-Limit': '1' });
    expect(Number(headers['Retry-After'])).toBeGreaterThan(3500);
    expect(Number(headers['Retry-After'])).toBeLessThanOrEqual(3600);
    expect(headers['RateLimit-Reset']).toBe(headers['Retry-After']);
  });
});

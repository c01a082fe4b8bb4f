/** Made-up installations for the role matrix: always the same services and people, with roles as odd as they can be. */
import { SECRET, subjectOf, tokenOf, type UpdateInit } from '../../testing/access.ts';
import type { App, Caller, Condition, Entry, Lookup, Role, Row, Service, User, World } from './model.ts';
import type { Random } from './random.ts';

export const SERVICES: readonly Service[] = [
  { id: 7, name: 'db', type: 'sqlite', active: true },
  { id: 8, name: 'crm', type: 'sqlite', active: true },
  { id: 9, name: 'old', type: 'sqlite', active: false },
  { id: 10, name: 'shop_oauth', type: 'sqlite', active: true },
  { id: 1, name: 'system', type: 'system', active: true },
];

/** As their connector spells them. */
export const TABLES = ['customer', 'sale', 'item', 'Secret'] as const;
export const ROUTINES = ['total', 'Purge'] as const;

/** Of each table, by name: the table that a relation leads to. */
export const RELATIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  customer: { sale_by_customer_id: 'sale', secret_by_customer_id: 'Secret' },
  sale: { customer_by_customer_id: 'customer', item_by_sale_id: 'item' },
  item: { sale_by_sale_id: 'sale' },
  secret: { customer_by_customer_id: 'customer' },
};

export const ROWS: readonly Row[] = [
  { id: 1, owner: 21, kind: 'ann@a.example', amount: 10 },
  { id: 2, owner: 21, kind: 'ulm', amount: 20 },
  { id: 3, owner: 22, kind: 'bonn', amount: 5 },
  { id: 4, owner: null, kind: null, amount: null },
  { id: 5, owner: 23, kind: 'role two', amount: 11 },
  { id: 6, owner: 11, kind: 'kiel', amount: 12 },
  { id: 7, owner: 20, kind: null, amount: 30 },
  { id: 8, owner: null, kind: 'ulm', amount: 4 },
];

const USERS: readonly Omit<User, 'assigned'>[] = [
  { id: 20, email: 'root@a.example', active: true, sysAdmin: true },
  { id: 21, email: 'ann@a.example', active: true, sysAdmin: false },
  { id: 22, email: 'bob@a.example', active: true, sysAdmin: false },
  { id: 23, email: 'carl@a.example', active: true, sysAdmin: false },
  { id: 24, email: 'half@a.example', active: true, sysAdmin: true },
  { id: 25, email: 'dora@a.example', active: false, sysAdmin: false },
];

const TOKENS = new Map(
  USERS.map(({ id, email }) => [id, tokenOf({ user_id: id, sub: subjectOf(email), exp: 4_000_000_000 })]),
);
/** Stands for a token of another issuer, which is good for the role 4. */
export const MACHINE_TOKEN = 'a.machine.token';
export const MACHINE_ROLE = 4;
const UNKNOWN_KEY = 'nobody';

export interface Installation extends World {
  readonly apps: readonly App[];
  readonly users: readonly User[];
}

export function installation(random: Random): Installation {
  const roles = ['role one', 'role two', 'role three', 'role four'].map(
    (name, i): Role => ({
      id: i + 1,
      name,
      active: i === 3 || !random.oneIn(8),
      entries: random.many(8, () => entry(random)),
    }),
  );
  const role = (): number => 1 + random.below(roles.length);
  const apps: App[] = [
    { id: 11, key: 'key a', active: true, role: role() },
    { id: 12, key: 'key b', active: true, role: null },
    { id: 13, key: 'key c', active: false, role: role() },
    { id: 14, key: 'key d', active: true, role: role() },
  ];
  const users = USERS.map((user): User => {
    const assigns = user.email.startsWith('half') || (!user.sysAdmin && !user.email.startsWith('carl'));
    const chosen = assigns ? apps.filter(() => random.oneIn(2)) : [];
    const some = assigns && chosen.length === 0 ? apps.slice(0, 1) : chosen;
    return { ...user, assigned: some.map(({ id }) => ({ app: id, role: role() })) };
  });
  return { roles, apps, users, lookups: random.many(6, () => lookup(random)) };
}

function entry(random: Random): Entry {
  const service = random.oneIn(8) ? null : random.oneIn(8) ? random.of(SERVICES).id : random.of([7, 7, 8]);
  return {
    service,
    component: random.cased(component(random)),
    verbs: random.oneIn(2) ? 31 : random.oneIn(8) ? 0 : random.below(32),
    requestors: random.of([1, 1, 1, 1, 1, 3, 3, 3, 2, 0]),
    filters: random.oneIn(3) ? [] : [condition(random), ...random.many(2, () => condition(random))],
    op: random.of(['AND', 'OR', 'and', 'or', '']),
  };
}

/** Wildcards at every depth, with slashes around, and some that look like wildcards and are none. */
function component(random: Random): string {
  const table = random.of(TABLES);
  const choices = [
    // What grants something comes up more often.
    ...['*', '*', '*', '_table/*', '_table/*', `_table/${table}/*`, `_table/${table}/*`],
    ...['', '*', '/', '/*', '*/', '_table', '_table/', '_table/*', '/_table/*', '_*', '_t*', '_table*'],
    ...[`_table/${table}`, `_table/${table}/`, `/_table/${table}`, `_table/${table}/*`, `_table/${table}/*`],
    ...[`_table/${table}*`, `_table/${table.slice(0, 1)}*`, `_table/${table}/3`, `_table/${table}/3/*`],
    ...[`_table/${table}/1*`, `_table/*/3`, `*${table}`, `_table/*${table}`, `_table/**`],
    ...['_schema', '_schema/*', `_schema/${table}`, `_schema/${table}/*`, '_schema/s*'],
    ...['_proc', '_proc/*', '_func/*', `_func/${random.of(ROUTINES)}`, `_proc/${random.of(ROUTINES)}`],
    ...['role', 'role/*', 'user/*', 'admin/*', 'environment', 'r*'],
  ];
  return random.of(choices);
}

function condition(random: Random): Condition {
  const operator = random.cased(
    random.of([
      ...['=', '=', '!=', 'in', 'not in', 'is null', 'is not null', 'does exist', 'does not exist'],
      ...['>', '<', '>=', '<=', 'starts with', 'start with', 'ends with', 'end with', 'contains'],
    ]),
  );
  const isOrder = /^[<>]/.test(operator);
  const isText = /with|contains/i.test(operator) || (!isOrder && random.oneIn(2));
  const one = (): string =>
    isText
      ? random.of(['ulm', 'bonn', 'kiel', 'u', 'n', '{user.email}', '{role.name}', '{city}', '{none}'])
      : random.of(['21', '22', '11', '10', '20', '{user.id}', '{user.id}', '{app.id}', '{number}', '{none}']);
  // What is compared by size is compared with a number.
  const value = isOrder ? random.of(['10', '11', '4', '{app.id}', '{number}']) : one();
  const list = [value, ...random.many(2, one)].join(random.of([',', ', ']));
  const isList = operator.toLowerCase().endsWith('in') && !/contain/i.test(operator);
  return {
    name: isText ? 'kind' : random.of(isOrder ? ['amount'] : ['owner', 'amount']),
    operator,
    value: isList ? random.of([list, `(${list})`]) : value,
  };
}

function lookup(random: Random): Lookup {
  const scope = random.of(['system', 'app', 'role', 'user'] as const);
  const of = { system: [0], app: [11, 12, 14], role: [1, 2, 3, 4], user: [21, 22, 23] }[scope];
  const name = random.of(['city', 'number']);
  const value = name === 'city' ? random.of(['ulm', 'bonn']) : random.of(['10', '20', '21']);
  return { name, value, isPrivate: random.oneIn(4), scope, of: random.of(of) };
}

/** Credentials of every kind, and what the installation knows of whoever sends them. */
export function caller(
  random: Random,
  { apps, users }: Installation,
): { headers: Record<string, string>; caller: Caller } {
  const key = random.of<string | undefined>([
    'key a',
    'key a',
    'key a',
    'key a',
    'key b',
    'key c',
    'key d',
    UNKNOWN_KEY,
    undefined,
  ]);
  const isMachine = random.oneIn(10);
  const user = isMachine || random.oneIn(4) ? undefined : random.of([...users, ...users.slice(1, 4)]);
  const token = isMachine ? MACHINE_TOKEN : user && TOKENS.get(user.id);
  const tokenHeader = random.oneIn(2)
    ? { 'x-dreamfactory-session-token': token ?? '' }
    : { authorization: `Bearer ${token}` };
  return {
    headers: { ...(key !== undefined && { 'x-dreamfactory-api-key': key }), ...(token && tokenHeader) },
    caller: {
      sentKey: key !== undefined,
      sentToken: token !== undefined,
      app: apps.find((app) => app.key === key),
      user,
      machineRole: isMachine ? MACHINE_ROLE : undefined,
    },
  };
}

/** The same as a router is told of it. */
export function updateOf({ roles, apps, users, lookups }: Installation): UpdateInit {
  return {
    full: true,
    settings: { tokenSecrets: [SECRET] },
    services: SERVICES.map(({ id, name, type, active }) => ({
      ...{ id, name: name === 'crm' ? 'Crm' : name, type, isActive: active },
      tier: type === 'system' ? 'system' : 'sql',
    })),
    roles: roles.map(({ id, name, active, entries }) => ({
      ...{ id, name, isActive: active },
      access: entries.map((one, i) => ({
        id: i + 1,
        ...(one.service !== null && { serviceId: one.service }),
        ...{ component: one.component, verbMask: one.verbs, requestorMask: one.requestors },
        ...{ filters: one.filters.map((each) => ({ ...each })), filterOp: one.op },
      })),
    })),
    apps: apps.map(({ id, key, active, role }) => ({
      ...{ id, name: key, apiKey: key, isActive: active },
      ...(role !== null && { roleId: role }),
    })),
    users: users.map(({ id, email, active, sysAdmin, assigned }) => ({
      ...{ id, email, name: email, isActive: active, isSysAdmin: sysAdmin },
      appRoles: assigned.map(({ app, role }) => ({ appId: app, roleId: role })),
    })),
    lookups: lookups.map(({ name, value, isPrivate, scope, of }, i) => ({
      ...{ id: i + 1, name, value, isPrivate },
      ...(scope !== 'system' && { [`${scope}Id`]: of }),
    })),
  };
}

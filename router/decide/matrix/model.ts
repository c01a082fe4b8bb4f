/**
 * A second implementation of the access rules, for the role matrix: system-api §4 read aloud, slowly and without any
 * cleverness. It shares no code with the router. Where compatibility.md overrides §4 the place says so.
 */

export interface Condition {
  readonly name: string;
  readonly operator: string;
  readonly value: string;
}

export interface Entry {
  /** null: all services. */
  readonly service: number | null;
  readonly component: string;
  readonly verbs: number;
  readonly requestors: number;
  readonly filters: readonly Condition[];
  readonly op: string;
}

export interface Role {
  readonly id: number;
  readonly name: string;
  readonly active: boolean;
  readonly entries: readonly Entry[];
}

export interface App {
  readonly id: number;
  readonly key: string;
  readonly active: boolean;
  readonly role: number | null;
}

export interface User {
  readonly id: number;
  readonly email: string;
  readonly active: boolean;
  readonly sysAdmin: boolean;
  readonly assigned: readonly { readonly app: number; readonly role: number }[];
}

export interface Lookup {
  readonly name: string;
  readonly value: string;
  readonly isPrivate: boolean;
  readonly scope: 'system' | 'app' | 'role' | 'user';
  readonly of: number;
}

/** Who asks, as far as what he sent is known to the installation. */
export interface Caller {
  readonly sentKey: boolean;
  readonly sentToken: boolean;
  readonly app: App | undefined;
  readonly user: User | undefined;
  /** With a token of another issuer: the id of the role that its rule gives. */
  readonly machineRole: number | undefined;
}

export interface World {
  readonly roles: readonly Role[];
  readonly lookups: readonly Lookup[];
}

export type Row = Readonly<Record<string, unknown>>;
/** undefined: there are no conditions. */
export type Predicate = ((row: Row) => boolean) | undefined;

/** §4.1 */
export const BIT: Readonly<Record<string, number>> = { GET: 1, POST: 2, PUT: 4, PATCH: 8, DELETE: 16, HEAD: 64 };
const API = 1;
export const FIVE = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** §4.3: an administrator without any assignment. */
export const isFree = ({ user }: Caller): boolean => user?.sysAdmin === true && user.assigned.length === 0;

/** §4.3, without its second half of rule 2: a role held for one app never applies to another (compatibility.md 4). */
export function roleOf(caller: Caller, world: World): Role | undefined {
  const byId = (id: number | null | undefined): Role | undefined => world.roles.find((role) => role.id === id);
  if (caller.machineRole !== undefined) return byId(caller.machineRole);
  if (!caller.app || isFree(caller)) return undefined;
  const own = caller.user?.assigned.find(({ app }) => app === caller.app?.id);
  return own ? byId(own.role) : byId(caller.app.role);
}

/** §4.4. @returns 0 exact, 1 wildcard, 2 service, 3 all; undefined: the entry does not match */
function classOf(entry: Entry, service: number, component: string): number | undefined {
  let own = entry.component.toLowerCase();
  while (own.startsWith('/')) own = own.slice(1);
  while (own.endsWith('/')) own = own.slice(0, -1);
  if (entry.service === null) return own === '*' || (own === '' && component === '') ? 3 : undefined;
  if (entry.service !== service) return undefined;
  if (own === component) return 0;
  const star = own.indexOf('*');
  if (star >= 0 && star === own.length - 1 && `${component}/`.slice(0, star) === own.slice(0, star)) return 1;
  return undefined;
}

function bestClass(entries: readonly Entry[], service: number, component: string): Entry[] {
  for (const wanted of [0, 1, 2, 3]) {
    const found = entries.filter((entry) => classOf(entry, service, component) === wanted);
    if (found.length > 0) return found;
  }
  return [];
}

const forApi = (role: Role): Entry[] => role.entries.filter(({ requestors }) => (requestors & API) !== 0);
const joined = (entries: readonly Entry[]): number => entries.reduce((sum, { verbs }) => sum | verbs, 0);

/** §4.4: the verbs that are allowed on a component. */
export function maskOf(caller: Caller, world: World, service: number, component: string): number {
  if (isFree(caller)) return 31;
  const role = roleOf(caller, world);
  return role?.active ? joined(bestClass(forApi(role), service, component)) : 0;
}

/** §4.5: what is allowed anywhere in a service. */
export function anyMask(caller: Caller, world: World, service: number): number {
  if (isFree(caller)) return 31;
  const role = roleOf(caller, world);
  if (!role?.active) return 0;
  const own = forApi(role).filter((entry) => entry.service === service);
  return joined(own.length > 0 ? own : forApi(role).filter((entry) => entry.service === null));
}

/** §4.6; `_oauth` stands for a type of service, not for names (compatibility.md 4). */
function isOpen(type: string, component: string, verb: string): boolean {
  if (type === 'system') {
    if (component === 'admin/session') return FIVE.includes(verb);
    if (component === 'admin/password') return verb === 'POST';
    return component === 'environment' && verb === 'GET';
  }
  return false;
}

export interface Service {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly active: boolean;
}

/** §2.6, the rows in their order. @returns 'allowed', or the status of the refusal */
export function verdict(
  caller: Caller,
  world: World,
  service: Service | undefined,
  component: string,
  verb: string,
): 'allowed' | number {
  if (caller.app && !caller.app.active) return 403;
  if (caller.user && !caller.user.active) return 403;
  if (service && isOpen(service.type, component, verb)) return service.active ? 'allowed' : 403;
  if (!service && isFree(caller) && FIVE.includes(verb)) return 404;
  if (service && isPermitted(caller, world, service, component, verb)) return service.active ? 'allowed' : 403;
  const role = isFree(caller) ? undefined : roleOf(caller, world);
  if (!caller.sentKey && !caller.sentToken) return 400;
  if (!role && !caller.sentKey) return 400;
  if (!role && !caller.sentToken) return 400;
  if (!role) return 403;
  if (!role.active) return 403;
  // A machine has shown who it is: to sign in would not help it.
  return caller.user || caller.machineRole !== undefined ? 403 : 401;
}

function isPermitted(caller: Caller, world: World, service: Service, component: string, verb: string): boolean {
  const bit = BIT[verb] ?? 0;
  if ((maskOf(caller, world, service.id, component) & bit) !== 0) return true;
  // §4.5: the list of a schema, which then shows the permitted tables only.
  return component === '_schema' && verb === 'GET' && (anyMask(caller, world, service.id) & 1) !== 0;
}

/** §4.7: which rows a verb may touch. */
export function conditionsOf(
  caller: Caller,
  world: World,
  service: number,
  table: string,
  verb: string,
): { holds: Predicate; admits: (record: Row) => boolean } {
  const role = isFree(caller) ? undefined : roleOf(caller, world);
  const own = role ? forApi(role).filter((entry) => entry.service === service) : [];
  const withVerb = own.filter(({ verbs }) => (verbs & (BIT[verb] ?? 0)) !== 0);
  const entry = bestClass(withVerb, service, `_table/${table.toLowerCase()}`).at(-1);
  if (!entry || entry.filters.length === 0) return { holds: undefined, admits: () => true };
  const byOr = entry.op.toUpperCase() === 'OR';
  const value = (row: Row) => (one: Condition) => isTrue(one, row, caller, world);
  return {
    holds: (row) => (byOr ? entry.filters.some(value(row)) : entry.filters.every(value(row))),
    admits: (record) => {
      const creates = verb === 'POST';
      const told = entry.filters.filter(({ name }) => creates || name in record);
      if (told.length === 0) return true;
      return byOr ? told.some(value(record)) : told.every(value(record));
    },
  };
}

/** As a database sees it: what is compared with nothing is not true. */
function isTrue({ name, operator, value }: Condition, row: Row, caller: Caller, world: World): boolean {
  const op = operator.toLowerCase();
  const found = row[name] ?? null;
  if (op === 'is null' || op === 'does not exist') return found === null;
  if (op === 'is not null' || op === 'does exist') return found !== null;
  if (found === null) return false;
  const parts = op.endsWith('in') ? value.replace(/^\(/, '').replace(/\)$/, '').split(',') : [value];
  const wanted = parts.map((part) => lookedUp(part.trim(), caller, world));
  // A lookup that stands for nothing: no row satisfies that, whatever the operator (safety before compatibility).
  if (wanted.some((one) => one === undefined)) return false;
  const [first = ''] = wanted as string[];
  const text = String(found);
  switch (op) {
    case '=':
      return text === first;
    case '!=':
      return text !== first;
    case '>':
      return Number(text) > Number(first);
    case '<':
      return Number(text) < Number(first);
    case '>=':
      return Number(text) >= Number(first);
    case '<=':
      return Number(text) <= Number(first);
    case 'in':
      return wanted.includes(text);
    case 'not in':
      return !wanted.includes(text);
    case 'start with':
    case 'starts with':
      return text.startsWith(first);
    case 'end with':
    case 'ends with':
      return text.endsWith(first);
    case 'contains':
      return text.includes(first);
    default:
      throw new Error(`The model knows no operator ${operator}.`);
  }
}

/** §8: user over role over app over system; private ones are not for filters. */
function lookedUp(text: string, caller: Caller, world: World): string | undefined {
  const name = /^\{(.+)\}$/.exec(text)?.[1];
  if (name === undefined) return text;
  const role = isFree(caller) ? undefined : roleOf(caller, world);
  const { user, app } = caller;
  if (name === 'user.id') return user && String(user.id);
  if (name === 'user.email') return user?.email;
  if (name === 'app.id') return app && String(app.id);
  if (name === 'role.name') return role?.name;
  const ids = { user: user?.id, role: role?.id, app: app?.id, system: 0 };
  for (const scope of ['user', 'role', 'app', 'system'] as const) {
    const found = world.lookups.find(
      (one) => one.name === name && one.scope === scope && one.of === ids[scope] && !one.isPrivate,
    );
    if (found) return found.value;
  }
  return undefined;
}

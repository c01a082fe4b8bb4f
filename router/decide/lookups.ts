/** `{name}` in filters and values (system-api §8): replaced by what it stands for, as text inside a value, never as syntax. */
import type { Lookup } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';

/** A name, with functions around it: {user.id}, {strtolower(user.email)}. */
const LOOKUP = /\{([A-Za-z_][\w().-]*)\}/g;
/** Functions within functions: nobody writes more. */
const NESTING_MAX = 10;

const MODIFIERS: Readonly<Record<string, (text: string) => string>> = {
  strtoupper: (text) => text.toUpperCase(),
  strtolower: (text) => text.toLowerCase(),
  ucfirst: (text) => text.charAt(0).toUpperCase() + text.slice(1),
  lcfirst: (text) => text.charAt(0).toLowerCase() + text.slice(1),
  ucwords: (text) => text.replace(/(^|\s)\S/g, (start) => start.toUpperCase()),
  urlencode: (text) => encodeURIComponent(text).replaceAll('%20', '+'),
  urldecode: (text) => decoded(text.replaceAll('+', ' ')),
  rawurlencode: (text) => encodeURIComponent(text),
  rawurldecode: decoded,
  base64_encode: (text) => Buffer.from(text).toString('base64'),
  base64_decode: (text) => Buffer.from(text, 'base64').toString('utf8'),
  trim: (text) => text.trim(),
};

/** How many there are in a text, whether they are known or not. */
export function countLookups(text: string): number {
  return text.includes('{') ? (text.match(LOOKUP)?.length ?? 0) : 0;
}

/** The text with every known lookup replaced; unknown ones stay as they were typed. */
export function replaceLookups(text: string, state: AccessState, principal: Principal): string {
  if (!text.includes('{')) return text;
  return text.replace(LOOKUP, (typed, expression: string) => evaluate(expression, state, principal, 0) ?? typed);
}

/**
 * The same for the conditions of a role, where what cannot be replaced must not be taken for a value.
 * @param isPattern  `%` and `_` mean something there: what users call themselves must hold neither
 * @returns undefined where a lookup stands for nothing that may stand there
 */
export function replaceRuleLookups(
  text: string,
  state: AccessState,
  principal: Principal,
  isPattern: boolean,
): string | undefined {
  if (!text.includes('{')) return text;
  let whole = true;
  const replaced = text.replace(LOOKUP, (_, expression: string) => {
    const value = evaluate(expression, state, principal, 0);
    if (value === undefined || (isPattern && expression.includes('user.') && /[%_]/.test(value))) whole = false;
    return value ?? '';
  });
  return whole ? replaced : undefined;
}

function evaluate(expression: string, state: AccessState, principal: Principal, depth: number): string | undefined {
  const call = /^([a-z0-9_]+)\((.*)\)$/.exec(expression);
  if (!call) return builtIn(expression, principal) ?? defined(expression, state, principal);
  const modifier = Object.hasOwn(MODIFIERS, call[1] as string) ? MODIFIERS[call[1] as string] : undefined;
  if (!modifier || depth >= NESTING_MAX) return undefined;
  const inner = evaluate(call[2] as string, state, principal, depth + 1);
  return inner === undefined ? undefined : modifier(inner);
}

function builtIn(name: string, { user, role, app, token }: Principal): string | undefined {
  switch (name) {
    case 'user.id':
      return user && String(user.id);
    case 'user.email':
      return user?.email;
    case 'user.name':
    case 'user.display_name':
      return user?.name;
    case 'user.username':
      return user?.username;
    case 'user.first_name':
      return user?.firstName;
    case 'user.last_name':
      return user?.lastName;
    case 'user.is_sys_admin':
      return user && (user.isSysAdmin ? '1' : '0');
    case 'user.last_login_date':
      return user?.lastLoginDate;
    case 'role.id':
      return role && String(role.source.id);
    case 'role.name':
      return role?.source.name;
    case 'app.id':
      return app && String(app.id);
    case 'app.api_key':
      return app?.apiKey;
    case 'session.id':
    case 'session.token':
      return token;
    default:
      return undefined;
  }
}

/** User over role over app over system (system-api §8); private ones are not for requests. */
function defined(name: string, state: AccessState, { user, role, app }: Principal): string | undefined {
  let best: Lookup | undefined;
  let bestRank = -1;
  for (const lookup of state.lookups.values()) {
    if (lookup.name !== name || lookup.isPrivate) continue;
    const rank = rankOf(lookup, user?.id, role?.source.id, app?.id);
    if (rank > bestRank) {
      best = lookup;
      bestRank = rank;
    }
  }
  return best?.value;
}

/** All that are no secret, by name, with the value that counts for this caller. */
export function lookupsOf(state: AccessState, { user, role, app }: Principal): Record<string, string> {
  const found = new Map<string, { value: string; rank: number }>();
  for (const lookup of state.lookups.values()) {
    if (lookup.isPrivate) continue;
    const rank = rankOf(lookup, user?.id, role?.source.id, app?.id);
    if (rank > (found.get(lookup.name)?.rank ?? -1)) found.set(lookup.name, { value: lookup.value, rank });
  }
  return Object.fromEntries([...found].map(([name, { value }]) => [name, value]));
}

function rankOf(lookup: Lookup, userId?: number, roleId?: number, appId?: number): number {
  if (lookup.userId !== undefined) return lookup.userId === userId ? 3 : -1;
  if (lookup.roleId !== undefined) return lookup.roleId === roleId ? 2 : -1;
  if (lookup.appId !== undefined) return lookup.appId === appId ? 1 : -1;
  return 0;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

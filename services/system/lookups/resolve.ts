/** Lookups in the settings of a service: `{name}` and `{modifier(name)}` in any text, however deep (system-api §8). */
import { isObject } from '../records/input.ts';

const REFERENCE = /\{([a-z0-9_]+\()*[\w.-]+\)*\}/gi;

const MODIFIERS: ReadonlyMap<string, (text: string) => string> = new Map(
  Object.entries({
    strtoupper: (text: string) => text.toUpperCase(),
    strtolower: (text: string) => text.toLowerCase(),
    ucfirst: (text: string) => text.charAt(0).toUpperCase() + text.slice(1),
    lcfirst: (text: string) => text.charAt(0).toLowerCase() + text.slice(1),
    ucwords: (text: string) => text.replace(/(^|\s)\S/g, (start) => start.toUpperCase()),
    urlencode: (text: string) => encodeURIComponent(text).replaceAll('%20', '+'),
    urldecode: (text: string) => decoded(text.replaceAll('+', ' ')),
    rawurlencode: (text: string) => encodeURIComponent(text),
    rawurldecode: (text: string) => decoded(text),
    base64_encode: (text: string) => Buffer.from(text).toString('base64'),
    base64_decode: (text: string) => Buffer.from(text, 'base64').toString(),
    trim: (text: string) => text.trim(),
  }),
);

/** What names stand for. */
export type Lookups = Pick<ReadonlyMap<string, string>, 'get'>;

/** @returns a copy; names that are not known stay as they were typed */
export function resolveLookups(value: unknown, lookups: Lookups): unknown {
  if (typeof value === 'string') return value.replace(REFERENCE, (typed) => resolved(typed, lookups));
  if (Array.isArray(value)) return value.map((item) => resolveLookups(item, lookups));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolveLookups(item, lookups)]));
}

function resolved(typed: string, lookups: Lookups): string {
  const parts = typed.slice(1, -1).replace(/\)+$/, '').split('(');
  const value = lookups.get(parts.pop()!);
  if (value === undefined) return typed;
  let text = value;
  for (const name of parts.toReversed()) {
    const modify = MODIFIERS.get(name.toLowerCase());
    if (!modify) return typed;
    text = modify(text);
  }
  return text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

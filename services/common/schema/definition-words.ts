/** What definitions of tables, fields and relations say (database-api §6.3, §6.4), read word by word and checked. */

import { type ErrorContext, invalid, type MillraceError } from '../errors.ts';
import { JsonNumber } from '../json.ts';
import type { Column } from './catalogue.ts';
import { isObject, type Properties } from './extras.ts';
import { defaultLabel } from './labels.ts';

const EXTRA_TYPES = new Set([
  'user_id',
  'user_id_on_create',
  'user_id_on_update',
  'timestamp_on_create',
  'timestamp_on_update',
]);
export const ID_TYPES = new Set(['id', 'bigid', 'mediumid', 'smallid']);
const SYNONYMS: Readonly<Record<string, string>> = { pk: 'id', fk: 'reference' };
const ACTIONS = ['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'];
const MODIFIER_MAX = 10_485_760;

/** Words, numbers in parentheses, and words again. Which words a database knows, its dialect says. */
const TYPE = /^([a-z_]\w*(?:\s+[a-z_]\w*)*)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)((?:\s+[a-z_]\w*)*))?$/;

export const fault = (field: string, reason: string, context?: ErrorContext): MillraceError =>
  invalid(`Field '${field}': ${reason}.`, { field, ...context });

/** Nothing that a client would miss if it were ignored. */
export const isBlank = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

/** @throws invalid when there is no name, or none that a database can hold */
export function readName(definition: Properties, what: string): string {
  const name = typeof definition['name'] === 'string' ? definition['name'].trim() : '';
  if (name === '') throw invalid(`${what} schema received does not have a valid name.`);
  if (/[\0-\x1f/]/.test(name)) throw invalid(`${what} name '${printable(name)}' holds a character that it may not.`);
  return name;
}

const printable = (text: string): string => text.replace(/[\0-\x1f]/g, '?').slice(0, 64);

export const isUnset = (value: unknown): boolean => value === undefined || value === null || value === '';
export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

export interface ReadType {
  readonly type: string;
  readonly length: number | null;
  readonly scale: number | null;
}

/** The name of a type, perhaps with a length: `decimal(10,2)`, `double precision`, `int(11) unsigned`. */
export function readType(name: string, value: unknown): ReadType {
  if (typeof value !== 'string' || value.trim() === '') throw fault(name, "'type' is missing");
  const [, words, first, second, more] = TYPE.exec(value.trim().toLowerCase()) ?? [];
  if (words === undefined) throw fault(name, "'type' must be the name of a type, perhaps with a length: string(40)");
  const lower = [words, more].join(' ').trim().replace(/\s+/g, ' ');
  return {
    type: SYNONYMS[lower] ?? lower,
    length: first === undefined ? null : bounded(name, 'type', Number(first), 1),
    scale: second === undefined ? null : bounded(name, 'type', Number(second), 0),
  };
}

export function readSize(name: string, definition: Properties, keys: readonly string[], min = 1): number | null {
  const key = keys.find((candidate) => !isUnset(definition[candidate]));
  return key === undefined ? null : bounded(name, key, Number(definition[key]), min);
}

function bounded(name: string, key: string, value: number, min: number): number {
  if (!Number.isInteger(value) || value < min || value > MODIFIER_MAX) {
    throw fault(name, `'${key}' must be a whole number from ${min} to ${MODIFIER_MAX}`);
  }
  return value;
}

export function readFlag(name: string, definition: Properties, key: string): boolean {
  const value = definition[key];
  if (isUnset(value)) return false;
  const word = String(value).toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  if (['false', '0', 'no', 'off'].includes(word)) return false;
  throw fault(name, `'${key}' must be true or false`);
}

export function readDefault(name: string, value: unknown): Column['default'] {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') {
    if (value.includes('\0')) throw fault(name, "'default' holds a character that it may not");
    return value;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof JsonNumber) return value.text;
  if (isObject(value) && typeof value['expression'] === 'string') return { expression: value['expression'] };
  throw fault(name, '\'default\' must be a text, a number, true, false, or {"expression": …}');
}

export function readAction(name: string, definition: Properties, key: string): string | null {
  const value = definition[key];
  if (isUnset(value)) return null;
  const action = String(value)
    .trim()
    .replace(/[\s_]+/g, ' ')
    .toUpperCase();
  if (!ACTIONS.includes(action)) throw fault(name, `'${key}' must be one of ${ACTIONS.join(', ')}`);
  return action;
}

export const typeExtras = (type: string, isVirtual: boolean): Properties => ({
  extra_type: isVirtual || EXTRA_TYPES.has(type) ? type : null,
  ...(isVirtual && { is_virtual: true }),
});

/** Texts that are given; null takes one back. */
export function readTexts(name: string, definition: Properties, keys: readonly string[]): Record<string, unknown> {
  const texts: Record<string, unknown> = {};
  for (const key of keys) {
    const value = definition[key];
    if (value === undefined) continue;
    if (value !== null && typeof value !== 'string') throw fault(name, `'${key}' must be a text`);
    texts[key] = value?.trim() || null;
  }
  return texts;
}

function readPicklist(name: string, value: unknown): readonly string[] | null {
  if (isBlank(value)) return null;
  const list = typeof value === 'string' ? value.split(',').map((entry) => entry.trim()) : value;
  if (!Array.isArray(list) || !list.every((entry) => ['string', 'number'].includes(typeof entry))) {
    throw fault(name, "'picklist' must be a list of texts");
  }
  return list.map(String);
}

function readValidation(name: string, value: unknown): Properties | null {
  if (isBlank(value)) return null;
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) {
    return Object.fromEntries(value.map((entry) => [entry, {}]));
  }
  if (!isObject(value)) throw fault(name, "'validation' must be an object by name of the validation");
  return value;
}

export const withoutBlanks = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => !isBlank(value)));

/** What is not already so; blank and absent are the same. */
export const differences = (wanted: Properties, now: Properties): Properties =>
  Object.fromEntries(
    Object.entries(wanted).filter(([key, value]) => !(isBlank(value) && isBlank(now[key])) && !isSame(value, now[key])),
  );

/** Only what the definition speaks of. */
export function readFieldExtras(name: string, definition: Properties): Record<string, unknown> {
  const extras: Record<string, unknown> = readTexts(name, definition, ['alias', 'label', 'description']);
  if (extras['label'] === defaultLabel(name)) extras['label'] = null;
  if ('picklist' in definition) extras['picklist'] = readPicklist(name, definition['picklist']);
  if ('validation' in definition) extras['validation'] = readValidation(name, definition['validation']);
  if ('client_info' in definition) extras['client_info'] = definition['client_info'] ?? null;
  return extras;
}

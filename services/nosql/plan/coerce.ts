/** Values as they were written become those of a declared field (database-api §3.4, §4.4); all others stay as they are. */
import { invalid } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import { plainValue } from '#common/records/values.ts';
import type { FieldView } from '#common/schema/extras.ts';
import type { Value } from '#proto/data/v1/data_pb.ts';
import type { Wire } from '../document.ts';

const INTEGERS = /^(?:(?:big|medium|small)?id|(?:big|medium|small|tiny)int|integer|reference|user_id.*)$/;
const DECIMALS = /^(?:decimal|double|float|money)$/;
const TEXTS = /^(?:string|text|mediumtext|longtext|uuid)$/;
const TIMES = /^(?:date|time|datetime|timestamp)/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i;
const TRUE_WORDS = new Set(['true', '1', 'on', 'yes', 't']);
const FALSE_WORDS = new Set(['false', '0', 'off', 'no', 'f']);

/** What a text of a condition may stand for in a store, beside what it may anywhere. */
export type Senses = ((text: string) => readonly Wire[]) | undefined;

/** undefined: the field holds what it is given. */
export type DeclaredKind = 'integer' | 'decimal' | 'boolean' | 'text' | 'time';

export const declaredKind = (field: FieldView | undefined): DeclaredKind | undefined =>
  field?.column?.nativeType === 'declared' ? kindOf(field.type) : undefined;

/** Of a simple type. */
export function kindOf(type: string): DeclaredKind | undefined {
  if (INTEGERS.test(type)) return 'integer';
  if (DECIMALS.test(type)) return 'decimal';
  if (type === 'boolean') return 'boolean';
  if (TEXTS.test(type)) return 'text';
  return TIMES.test(type) ? 'time' : undefined;
}

/** How a value that is written becomes what the document holds. @throws MillraceError invalid that names the field */
export function coercionOf(field: FieldView | undefined): (value: unknown) => Wire {
  const kind = declaredKind(field);
  if (!kind || !field) return (value) => value as Wire;
  const { wireName } = field;
  return (value) => {
    if (value === null || value === undefined) return null;
    const coerced = coerce(kind, value);
    if (coerced !== undefined) return coerced;
    throw invalid(`Field '${wireName}' ${EXPECTED[kind]}.`, { field: wireName });
  };
}

const EXPECTED: Readonly<Record<DeclaredKind, string>> = {
  integer: 'must be a valid integer',
  decimal: 'must be a valid number',
  boolean: 'must be true or false',
  text: 'must be text',
  time: 'must be a date or a time',
};

/** undefined: it is no such value. */
function coerce(kind: DeclaredKind, value: unknown): Wire | undefined {
  const text = value instanceof JsonNumber || typeof value !== 'object' ? String(value) : undefined;
  switch (kind) {
    case 'integer':
      return typeof value === 'boolean' ? Number(value) : integerOf(text?.trim() ?? '');
    case 'decimal':
      return typeof value === 'boolean' ? Number(value) : numberOf(text ?? '');
    case 'boolean':
      return typeof value === 'boolean' ? value : booleanOf(text ?? '');
    case 'text':
      return text;
    case 'time':
      return typeof value === 'boolean' || Array.isArray(value) ? undefined : (value as Wire);
  }
}

/** A fraction of nothing but zeros is none. */
function integerOf(text: string): Wire | undefined {
  const number = numberOf(text);
  if (number === undefined) return undefined;
  if (typeof number === 'number') return Number.isInteger(number) ? number : undefined;
  return /^[+-]?\d+$/.test(text) ? number : undefined;
}

/** Digits that a double does not hold stay as they are, and so does what is too large for it, or too close to zero. */
export function numberOf(text: string): number | JsonNumber | undefined {
  const trimmed = text.trim();
  if (!NUMBER.test(trimmed)) return undefined;
  const number = Number(trimmed);
  const isInRange = Number.isFinite(number) && (number !== 0 || !/^[^e]*[1-9]/i.test(trimmed));
  if (trimmed.length < 16 && isInRange) return number;
  const canonical = trimmed.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1');
  return String(number) === canonical ? number : new JsonNumber(jsonDigits(canonical));
}

/** `.5` and `5.` are no JSON. */
const jsonDigits = (text: string): string => text.replace(/^(-?)\./, '$10.').replace(/\.(?=e|$)/i, '');

function booleanOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (TRUE_WORDS.has(word)) return true;
  return FALSE_WORDS.has(word) ? false : undefined;
}

/**
 * What the operand of a condition may stand for: a text that was written in a filter says nothing about its type, so
 * what is stored decides, as the type of a column does. None for NULL, which nothing is equal to.
 * @throws MillraceError invalid that names the field
 */
export function sensesOf(value: Value | undefined, field: FieldView | undefined, senses: Senses): readonly Wire[] {
  const plain = plainValue(value);
  if (plain === null || plain === undefined) return [];
  const kind = declaredKind(field);
  if (kind && kind !== 'time') {
    if (kind === 'integer' && plain === '') return [];
    return [coercionOf(field)(plain)];
  }
  if (typeof plain !== 'string') return [plain as Wire];
  const others = senses?.(plain) ?? [];
  if (kind === 'time') return [plain, ...others];
  const number = numberOf(plain);
  const boolean = /^(?:true|false|1|0)$/i.test(plain) ? booleanOf(plain) : undefined;
  return [plain, ...(number === undefined ? [] : [number]), ...(boolean === undefined ? [] : [boolean]), ...others];
}

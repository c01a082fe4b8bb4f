/** Validations that are stored with the schema (database-api §4.5): each may drop the field or word its own refusal. */
import { invalid, MillraceError } from '../errors.ts';
import type { FieldView, Properties } from './extras.ts';

/** What to do with a value: take it, or leave the field out. */
export type Verdict = 'take' | 'drop';

type Check = (value: unknown, rule: Properties, field: FieldView) => string | undefined;

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** Each answers with the default message of a failure, or undefined. */
const CHECKS: Readonly<Record<string, Check>> = {
  not_null: (value, _, field) =>
    value === null || value === undefined ? `Field '${field.wireName}' value can not be null.` : undefined,
  not_empty: notEmpty,
  not_zero: notEmpty,
  email: (value, _, field) =>
    isBlank(value) || EMAIL.test(String(value))
      ? undefined
      : `Field '${field.wireName}' value must be a valid email address.`,
  url: (value, _, field) =>
    isBlank(value) || URL.canParse(String(value)) ? undefined : `Field '${field.wireName}' value must be a valid URL.`,
  int: (value, rule, field) =>
    isBlank(value) || wholeInRange(value, rule)
      ? undefined
      : `Field '${field.wireName}' value is not in the valid range.`,
  float: (value, _, field) =>
    isBlank(value) || Number.isFinite(Number(value))
      ? undefined
      : `Field '${field.wireName}' value is not an acceptable float value.`,
  boolean: (value, _, field) =>
    isBlank(value) || /^(true|false|1|0|yes|no|on|off)$/i.test(String(value))
      ? undefined
      : `Field '${field.wireName}' value is not an acceptable boolean value.`,
  match: matches,
  picklist: (value, _, field) =>
    isBlank(value) || options(field).includes(String(value))
      ? undefined
      : `Field '${field.wireName}' value is invalid.`,
  multi_picklist: multiPicklist,
};

/**
 * @param updating  create_only fails on updates
 * @throws MillraceError invalid with the rule's own words, or the usual ones
 */
export function validate(field: FieldView, value: unknown, updating: boolean): Verdict {
  for (const [name, rule] of Object.entries(field.validation ?? {})) {
    const message = failure(name, value, rule, field, updating);
    if (message === undefined) continue;
    const onFail = rule['on_fail'];
    if (onFail === 'ignore_field') return 'drop';
    throw invalid(typeof onFail === 'string' && onFail !== '' ? onFail : message, { field: field.wireName });
  }
  return 'take';
}

/** Such a field is never written: what a client sends for it is left out. */
export function isReadOnly(field: FieldView): boolean {
  return field.isVirtual || field.column?.generated === true || field.validation?.['api_read_only'] !== undefined;
}

function failure(
  name: string,
  value: unknown,
  rule: Properties,
  field: FieldView,
  updating: boolean,
): string | undefined {
  if (name === 'create_only') {
    return updating ? `Field '${field.wireName}' can only be set during record creation.` : undefined;
  }
  return CHECKS[name]?.(value, rule, field);
}

function isBlank(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}

function notEmpty(value: unknown, _rule: Properties, field: FieldView): string | undefined {
  const empty = value === '' || value === 0 || value === '0' || value === false;
  return empty ? `Field '${field.wireName}' value can not be empty.` : undefined;
}

function wholeInRange(value: unknown, rule: Properties): boolean {
  const formats = Array.isArray(rule['formats']) ? rule['formats'] : [];
  const text = String(value).trim();
  const prefixed =
    (formats.includes('hex') && /^0x[0-9a-f]+$/i.test(text)) || (formats.includes('octal') && /^0o?[0-7]+$/.test(text));
  if (!prefixed && !/^[+-]?\d+$/.test(text)) return false;
  const number = Number(text);
  const range = rule['range'] as { min?: unknown; max?: unknown } | undefined;
  const min = range?.min === undefined ? Number.NEGATIVE_INFINITY : Number(range.min);
  const max = range?.max === undefined ? Number.POSITIVE_INFINITY : Number(range.max);
  return number >= min && number <= max;
}

/** `regexp` is base64 of an expression between delimiters, with flags behind the last one. */
function matches(value: unknown, rule: Properties, field: FieldView): string | undefined {
  if (isBlank(value)) return undefined;
  const pattern = Buffer.from(String(rule['regexp'] ?? ''), 'base64').toString('utf8');
  const delimiter = pattern[0];
  const end = delimiter ? pattern.lastIndexOf(delimiter) : -1;
  if (!delimiter || end < 1) throw misconfigured(field, 'match');
  let expression: RegExp;
  try {
    expression = new RegExp(pattern.slice(1, end), pattern.slice(end + 1).replace(/[^imsu]/g, ''));
  } catch (error) {
    throw misconfigured(field, 'match', error);
  }
  return expression.test(String(value)) ? undefined : `Field '${field.wireName}' value is invalid.`;
}

function options(field: FieldView): readonly string[] {
  if (!field.picklist) throw misconfigured(field, 'picklist');
  return field.picklist;
}

function multiPicklist(value: unknown, rule: Properties, field: FieldView): string | undefined {
  if (isBlank(value)) return undefined;
  const chosen = String(value).split(typeof rule['delimiter'] === 'string' ? rule['delimiter'] : ',');
  if (chosen.length < Number(rule['min'] ?? 1)) {
    return `Field '${field.wireName}' value does not contain enough selections.`;
  }
  if (rule['max'] !== undefined && chosen.length > Number(rule['max'])) {
    return `Field '${field.wireName}' value contains too many selections.`;
  }
  const known = options(field);
  return chosen.every((one) => known.includes(one.trim())) ? undefined : `Field '${field.wireName}' value is invalid.`;
}

function misconfigured(field: FieldView, rule: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'internal',
    `The '${rule}' validation of field '${field.wireName}' is incomplete.`,
    undefined,
    cause,
  );
}

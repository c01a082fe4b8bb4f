/** Values as they were written become parameters of a column's type (database-api §3.4, §4.4); a wrong one is refused by name. */
import { invalid } from '#common/errors.ts';
import { JsonNumber, stringifyJson } from '#common/json.ts';
import type { Column } from '#common/schema/catalogue.ts';
import type { FieldView } from '#common/schema/extras.ts';
import type { Dialect } from '../dialect.ts';
import type { Param } from '../statement.ts';

export type Coerce = (value: unknown) => Param;

const INTEGER_TYPES = new Set([
  'id',
  'bigid',
  'mediumid',
  'smallid',
  'integer',
  'bigint',
  'mediumint',
  'smallint',
  'tinyint',
  'reference',
  'user_id',
  'user_id_on_create',
  'user_id_on_update',
]);
const DECIMAL_TYPES = new Set(['decimal', 'float', 'double']);
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i;
const WHOLE = /^[+-]?\d+$/;
const TRUE_WORDS = new Set(['true', '1', 'on', 'yes', 't']);
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Values of these are equal exactly where their text is. */
export const isWhole = (field: FieldView): boolean => INTEGER_TYPES.has(field.type);

/** How values of a field are bound. Made once for a plan; @throws MillraceError invalid that names the field */
export function coercionOf(field: FieldView, dialect: Dialect): Coerce {
  const coerce = byType(field, dialect, dialect.truncatesFractions);
  const fitting = fittingOf(field, dialect, 'stored');
  const nullable = field.column?.nullable ?? true;
  const takesLists = field.column !== null && (isJson(field.column) || isArray(field.column));
  return (value) => {
    if (value === null || value === undefined) return null;
    // An empty text in a field that may be empty is no value, as the original has it.
    if (value === '' && nullable && field.column) return null;
    // Formats without a word for "nothing" bring an empty list.
    if (!takesLists && Array.isArray(value) && value.length === 0) return null;
    const param = coerce(value);
    // What we spelled ourselves is well-formed.
    return takesLists && typeof value !== 'string' ? param : fitting(param);
  };
}

/** The same for the operand of a condition, where an empty text is one. */
export function operandCoercionOf(field: FieldView, dialect: Dialect): Coerce {
  const coerce = byType(field, dialect, true);
  const fitting = fittingOf(field, dialect, 'compared');
  const numeric = INTEGER_TYPES.has(field.type) || DECIMAL_TYPES.has(field.type);
  return (value) => (value === null || (value === '' && numeric) ? null : fitting(coerce(value)));
}

/** The value itself, where the engine does not refuse it without naming the field. */
function fittingOf(field: FieldView, dialect: Dialect, use: 'stored' | 'compared'): (param: Param) => Param {
  const misfit = field.column && dialect.misfit?.(field.column, use);
  if (!misfit) return (param) => param;
  return (param) => {
    const problem = misfit(param);
    if (problem !== undefined) throw invalid(`Field '${field.wireName}' ${problem}.`, { field: field.wireName });
    return param;
  };
}

const isJson = (column: Column): boolean => /^jsonb?$/.test(column.nativeType);
const isArray = (column: Column): boolean => column.nativeType.endsWith('[]');

function byType(field: FieldView, dialect: Dialect, truncates: boolean): Coerce {
  if (INTEGER_TYPES.has(field.type)) return integer(field, dialect, truncates);
  if (field.type === 'boolean') return (value) => dialect.booleanParam(isTrue(field, value));
  if (DECIMAL_TYPES.has(field.type)) return decimal(field, dialect);
  if (field.column?.json === 'bytes') return binary(field, dialect);
  const { column } = field;
  const spelling = column && dialect.textParam?.(column);
  return (value) => {
    if (typeof value === 'string') return spelling ? spelling(text(field, value)) : text(field, value);
    if (value instanceof JsonNumber) return value.text;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    if (column && dialect.arrayParam && isArray(column) && Array.isArray(value)) {
      return dialect.arrayParam(
        value.map((element) => (element === null ? null : plainText(element))),
        column,
      );
    }
    if (column && isJson(column)) return stringifyJson(value);
    throw invalid(`Field '${field.wireName}' must be text.`, { field: field.wireName });
  };
}

function integer(field: FieldView, dialect: Dialect, truncates: boolean): Coerce {
  const bits = (field.column && dialect.integerBits?.(field.column)) ?? 64;
  const limit = 2n ** BigInt(bits - 1);
  const refuse = () => invalid(`Field '${field.wireName}' must be a valid integer.`, { field: field.wireName });
  return (value) => {
    if (typeof value === 'boolean') return value ? 1 : 0;
    const written = value instanceof JsonNumber ? value.text : typeof value === 'number' ? String(value) : value;
    if (typeof written !== 'string') throw refuse();
    const trimmed = written.trim();
    if (!NUMBER.test(trimmed)) throw refuse();
    // Short whole numbers are the rule; only long ones need care.
    if (trimmed.length < 10 && WHOLE.test(trimmed)) {
      const small = Number(trimmed);
      if (bits > 16 || (small < limit && small >= -limit)) return small;
    }
    const whole = WHOLE.test(trimmed) ? BigInt(trimmed) : withoutFraction(trimmed, truncates, refuse);
    if (whole >= limit || whole < -limit) throw refuse();
    return whole;
  };
}

function withoutFraction(written: string, truncates: boolean, refuse: () => Error): bigint {
  const [, whole, fraction] = /^([+-]?\d*)\.(\d*)$/.exec(written) ?? [];
  if (whole !== undefined && fraction !== undefined) {
    if (!truncates && /[1-9]/.test(fraction)) throw refuse();
    return /\d/.test(whole) ? BigInt(whole) : 0n;
  }
  const value = Number(written);
  if (!Number.isFinite(value) || (!truncates && !Number.isInteger(value))) throw refuse();
  return BigInt(Math.trunc(value));
}

/** Digits as they were written: nothing is rounded before the database does. */
function decimal(field: FieldView, dialect: Dialect): Coerce {
  // Beyond a double some databases would keep an infinity.
  const limit = field.type === 'decimal' && !dialect.exactDecimals ? 2 ** 63 : Number.POSITIVE_INFINITY;
  return (value) => {
    if (typeof value === 'number' && Math.abs(value) < limit) return value;
    const written = value instanceof JsonNumber ? value.text : typeof value === 'boolean' ? Number(value) : value;
    const trimmed = typeof written === 'object' ? '' : String(written).trim();
    const number = Number(trimmed);
    if (!NUMBER.test(trimmed) || Math.abs(number) >= limit) {
      throw invalid(`Field '${field.wireName}' must be a valid number.`, { field: field.wireName });
    }
    return trimmed.length < 16 ? number : trimmed;
  };
}

function binary(field: FieldView, dialect: Dialect): Coerce {
  return (value) => {
    if (typeof value !== 'string' || !BASE64.test(value) || value.replace(/=+$/, '').length % 4 === 1) {
      throw invalid(`Field '${field.wireName}' must be base64 text.`, { field: field.wireName });
    }
    return dialect.bytesParam(Buffer.from(value, 'base64'));
  };
}

function text(field: FieldView, value: string): string {
  if (value.includes('\0')) {
    throw invalid(`Field '${field.wireName}' must not hold a NUL character.`, { field: field.wireName });
  }
  return value;
}

function isTrue(field: FieldView, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'object' && !(value instanceof JsonNumber)) {
    throw invalid(`Field '${field.wireName}' must be true or false.`, { field: field.wireName });
  }
  const written = value instanceof JsonNumber ? value.text : String(value);
  return TRUE_WORDS.has(written.trim().toLowerCase());
}

function plainText(value: unknown): Param {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return value instanceof JsonNumber ? value.text : stringifyJson(value);
}

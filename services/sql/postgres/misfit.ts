/**
 * What PostgreSQL refuses without a word about the field: told apart here, where the field is known. Only what it is
 * sure to refuse; the rest is for the server to judge.
 */

import type { Column } from '#common/schema/catalogue.ts';
import type { Misfit } from '../dialect.ts';
import type { Param } from '../statement.ts';

const TOO_LONG = 'has a value that is too long';
const OUT_OF_RANGE = 'has a number that is out of range';
const NOT_OF_TYPE = 'has a value that does not fit its type';
const NO_MOMENT = 'has a value that is no valid date or time';

const BITS = /^[01]*$/;
const HEX_DIGITS = /^[0-9a-f]{32}$/i;
const CALENDAR = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?!\d)|$)/;
const MOMENT_WORD = /now|today|tomorrow|yesterday|epoch|infinity|allballs/i;

/** @param use  what is only compared may be longer or larger than what the column holds */
export function misfit(column: Column, use: 'stored' | 'compared'): Misfit | undefined {
  return ANYWHERE[column.nativeType] ?? (use === 'stored' ? STORED[column.nativeType]?.(column) : undefined);
}

const dateOrTime = ofText((text) => (isMoment(text) ? undefined : NO_MOMENT));

const ANYWHERE: Readonly<Record<string, Misfit>> = {
  uuid: ofText((text) => (HEX_DIGITS.test(text.replace(/[{}-]/g, '')) ? undefined : NOT_OF_TYPE)),
  date: dateOrTime,
  time: dateOrTime,
  timetz: dateOrTime,
  timestamp: dateOrTime,
  timestamptz: dateOrTime,
};

const STORED: Readonly<Record<string, (column: Column) => Misfit | undefined>> = {
  varchar: atMost,
  bpchar: atMost,
  '"bit"': ({ length }) =>
    ofText((text) => {
      if (length === null || !BITS.test(text) || text.length === length) return undefined;
      return `must have ${length === 1 ? 'one bit' : `${length} bits`}`;
    }),
  varbit: ({ length }) =>
    ofText((text) => (length !== null && BITS.test(text) && text.length > length ? TOO_LONG : undefined)),
  numeric: digitsOf,
  float4: () => (value) => (Number.isFinite(Math.fround(Number(value))) ? undefined : OUT_OF_RANGE),
  json: () => ofText((text) => (isJson(text) ? undefined : NOT_OF_TYPE)),
  jsonb: () => ofText((text) => (isJson(text) ? undefined : NOT_OF_TYPE)),
};

function ofText(check: (text: string) => string | undefined): Misfit {
  return (value) => (typeof value === 'string' ? check(value) : undefined);
}

/** In characters, not in the halves of which JavaScript makes some; blanks at the end are cut by the server. */
function atMost({ length }: Column): Misfit | undefined {
  if (length === null) return undefined;
  return ofText((text) => (text.length > length && isLonger(text, length) ? TOO_LONG : undefined));
}

function isLonger(text: string, max: number): boolean {
  let end = text.length;
  while (text[end - 1] === ' ') end--;
  if (end > 2 * max) return true;
  let characters = 0;
  for (const _ of text.slice(0, end)) characters++;
  return characters > max;
}

/** `numeric(4,2)`: what is not below 100 when it has been rounded to two places. */
function digitsOf({ precision, scale }: Column): Misfit | undefined {
  if (precision === null) return undefined;
  const places = scale ?? 0;
  const surelyBelow = 10 ** (precision - places) / 2;
  const limit = 10n ** BigInt(precision + 1);
  return (value) => {
    if (value === null || (typeof value === 'number' && Math.abs(value) < surelyBelow)) return undefined;
    return shifted(value, places + 1) + 5n >= limit ? OUT_OF_RANGE : undefined;
  };
}

/** The digits of a number without its sign up to so many places behind the point. */
function shifted(value: Param, places: number): bigint {
  const [, whole = '', fraction = '', power = '0'] = /(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(String(value)) ?? [];
  const count = Math.max(0, whole.length + Number(power) + places);
  return BigInt((whole + fraction).padEnd(count, '0').slice(0, count) || '0');
}

function isMoment(text: string): boolean {
  if (!/\d/.test(text)) return MOMENT_WORD.test(text);
  const [, year, month, day, hour, minute] = CALENDAR.exec(text) ?? [];
  // Years before our era have their own leap days.
  if (year === undefined || /bc/i.test(text)) return true;
  const days = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  const isDay = Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= days;
  return isDay && Number(hour ?? 0) <= 24 && Number(minute ?? 0) < 60;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

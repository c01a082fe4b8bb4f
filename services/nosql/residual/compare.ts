/** How values compare: those of one type only, numbers of any size exactly, texts by their code points. */
import { JsonNumber } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';

type Kind = 'null' | 'number' | 'text' | 'object' | 'list' | 'tagged' | 'boolean';

/** Where values of different types are put in an order: as BSON has it. */
const RANKS: Readonly<Record<Kind, number>> = {
  null: 0,
  number: 1,
  text: 2,
  object: 3,
  list: 4,
  tagged: 5,
  boolean: 6,
};
const DATE_RANK = 7;

/** @returns undefined where they are of different types: neither is less, nor are they equal */
export function compareValues(a: Wire, b: Wire): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return undefined;
  switch (kind) {
    case 'number':
      return compareNumbers(a as number | JsonNumber, b as number | JsonNumber);
    case 'boolean':
      return Number(a) - Number(b);
    case 'tagged':
      return compareTagged(a as Document, b as Document);
    case 'null':
      return 0;
    default:
      return isSame(a, b) ? 0 : undefined;
  }
}

export const isSame = (a: Wire, b: Wire): boolean => {
  if (a === b) return true;
  if (a instanceof JsonNumber || b instanceof JsonNumber) return compareValues(a, b) === 0;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isList(a) || isList(b)) {
    return isList(a) && isList(b) && a.length === b.length && a.every((one, i) => isSame(one, b[i] as Wire));
  }
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSame(a[name] as Wire, b[name] as Wire))
  );
};

/** For an order over values of any type. */
export function orderValues(a: Wire, b: Wire): number {
  const compared = compareValues(a, b);
  if (compared !== undefined) return compared;
  const [rankA, rankB] = [rankOf(a), rankOf(b)];
  if (rankA !== rankB) return rankA - rankB;
  // Lists and objects only need some order that is always the same.
  return compareTexts(JSON.stringify(a), JSON.stringify(b));
}

export const isList = (value: Wire): value is readonly Wire[] => Array.isArray(value);

/** The name of the tag: `$date`, `$oid`; undefined for everything that is no such value. */
export function tagOf(value: Wire): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof JsonNumber)
    return undefined;
  const names = Object.keys(value);
  return names.length === 1 && names[0]?.startsWith('$') ? names[0] : undefined;
}

function kindOf(value: Wire): Kind {
  switch (typeof value) {
    case 'number':
      return 'number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'boolean';
  }
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'list';
  if (value instanceof JsonNumber) return 'number';
  return tagOf(value) === undefined ? 'object' : 'tagged';
}

const rankOf = (value: Wire): number => (tagOf(value) === '$date' ? DATE_RANK : RANKS[kindOf(value)]);

function compareTagged(a: Document, b: Document): number | undefined {
  const tag = tagOf(a) as string;
  return tag === tagOf(b) ? compareValues(a[tag] as Wire, b[tag] as Wire) : undefined;
}

/** By code points: where UTF-16 differs, half pairs come before the last of the single units. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    if (x < 0xd800 || y < 0xd800) return x - y;
    return placed(x) - placed(y);
  }
  return a.length - b.length;
}

const placed = (unit: number): number => (unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Numbers of any size and precision. */
export function compareNumbers(a: number | JsonNumber, b: number | JsonNumber): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [partsOf(String(a)), partsOf(String(b))];
  if (x.sign !== y.sign) return x.sign - y.sign;
  const order = x.power - y.power || compareTexts(x.digits, y.digits);
  // Never -0, which some tell apart from 0.
  return x.sign < 0 ? 0 - order : order;
}

interface Decimal {
  readonly sign: -1 | 0 | 1;
  /** Significant digits, of which the first is not 0: 0.digits × 10^power. */
  readonly digits: string;
  readonly power: number;
}

function partsOf(text: string): Decimal {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.');
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '').replace(/0+$/, '');
  if (digits === '') return { sign: 0, digits, power: 0 };
  const leading = all.length - all.replace(/^0+/, '').length;
  return { sign: mantissa.startsWith('-') ? -1 : 1, digits, power: Number(exponent) + whole.length - leading };
}

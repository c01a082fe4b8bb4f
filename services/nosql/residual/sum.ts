/** Sums that lose no digit: in doubles as long as those hold them, then digit by digit. */
import type { JsonNumber } from '#common/json.ts';
import { numberOf } from '../plan/coerce.ts';

export function sumOf(a: number | JsonNumber, b: number | JsonNumber): number | JsonNumber {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(sum)) return sum;
  }
  const [x, y] = [scaled(String(a)), scaled(String(b))];
  // So far apart that one of them is nothing beside the other.
  if (!x || !y) return Number(a) + Number(b);
  const scale = Math.max(x.scale, y.scale);
  const sum = x.digits * 10n ** BigInt(scale - x.scale) + y.digits * 10n ** BigInt(scale - y.scale);
  return numberOf(written(sum, scale)) ?? Number(a) + Number(b);
}

const SCALE_MAX = 400;

function scaled(text: string): { digits: bigint; scale: number } | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  if (sign === undefined || Math.abs(Number(exponent)) > SCALE_MAX) return undefined;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${whole}${fraction}` || '0') * (sign === '-' ? -1n : 1n);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function written(digits: bigint, scale: number): string {
  if (scale === 0) return String(digits);
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
  const fraction = text.slice(-scale).replace(/0+$/, '');
  return `${digits < 0n ? '-' : ''}${text.slice(0, -scale)}${fraction === '' ? '' : `.${fraction}`}`;
}

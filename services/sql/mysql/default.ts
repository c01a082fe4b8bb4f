/** A column's default as the catalogue shows it, back to the value where it is one. */
import type { Column, JsonKind } from '#common/schema/catalogue.ts';

export interface ShownDefault {
  readonly text: string | null;
  /** The column's `extra`: MySQL says there that the default is an expression. */
  readonly extra: string;
  /** MariaDB shows a literal as it is written in SQL, MySQL its value. */
  readonly isSql: boolean;
}

const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;
const BITS = /^b'([01]+)'$/;
const CLOCK = /^current_timestamp(?:\(\d*\))?$/i;

export function parseDefault({ text, extra, isSql }: ShownDefault, json: JsonKind): Column['default'] {
  if (text === null || (isSql && text === 'NULL')) return null;
  const [, bits] = BITS.exec(text) ?? [];
  if (bits) return json === 'boolean' ? /1/.test(bits) : Number.parseInt(bits, 2);
  const isExpression = /DEFAULT_GENERATED/.test(extra) || CLOCK.test(text);
  if (isExpression) return { expression: text };
  if (!isSql) return literal(text, json);
  const [, quoted] = /^'((?:[^']|'')*)'$/s.exec(text) ?? [];
  if (quoted !== undefined) return literal(quoted.replaceAll("''", "'").replaceAll('\\\\', '\\'), json);
  return NUMBER.test(text) ? literal(text, json) : { expression: text };
}

/** A number that a double would change stays text. */
function literal(text: string, json: JsonKind): string | number | boolean {
  if (json === 'boolean') return text !== '0' && text !== '';
  if (json !== 'number' || !NUMBER.test(text)) return text;
  const number = Number(text);
  const isExact = Number.isSafeInteger(number) || text.replace(/[^\d]/g, '').length <= 15;
  return isExact ? number : text;
}

/** A column's default as PostgreSQL prints it, back to the value where it is one. */
import type { Column, JsonKind } from '#common/schema/catalogue.ts';

/** `sequence`: the column counts up by itself. */
export type ColumnDefault = 'sequence' | { readonly value: Column['default'] };

const IDENTIFIER = '(?:"(?:[^"]|"")+"|[a-z_][\\w$]*)';
/** `::character varying(60)`, `::hr."Mood"[]`, `::timestamp(0) without time zone` */
const CAST = `(?:::${IDENTIFIER}(?:\\.${IDENTIFIER})?(?: [a-z]+)*(?:\\(\\d+(?:,-?\\d+)?\\))?(?: [a-z]+)*(?:\\[\\])*)?`;
const TEXT = new RegExp(`^(E?)'((?:[^']|'')*)'${CAST}$`);
const NUMBER = new RegExp(`^(\\(?)(-?\\d+(?:\\.\\d+)?)(\\)?)${CAST}$`);
const NULL = new RegExp(`^NULL${CAST}$`);

/** @param printed by pg_get_expr(); null: no default */
export function parseDefault(printed: string | null, json: JsonKind): ColumnDefault {
  if (printed === null || NULL.test(printed)) return { value: null };
  if (printed.startsWith('nextval(')) return 'sequence';
  if (printed === 'true' || printed === 'false') return { value: printed === 'true' };
  const number = NUMBER.exec(printed);
  if (number && Boolean(number[1]) === Boolean(number[3])) return { value: literal(number[2]!, json) };
  const quoted = TEXT.exec(printed);
  if (!quoted) return { value: { expression: printed } };
  const plain = quoted[2]!.replaceAll("''", "'");
  return { value: literal(quoted[1] ? plain.replaceAll('\\\\', '\\') : plain, json) };
}

/** A number that a double would change stays text. */
function literal(text: string, json: JsonKind): string | number {
  return json === 'number' && String(Number(text)) === text ? Number(text) : text;
}

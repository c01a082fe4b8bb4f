/** Rows of JSON and pieces of them put together, never parsed. */
import type { Rows } from '../statement.ts';

/** The rows as one JSON array. */
export function arrayOf(rows: Pick<Rows, 'json'>): Uint8Array {
  const whole = Buffer.allocUnsafe(rows.json.length + 2);
  whole[0] = 0x5b;
  whole.set(rows.json, 1);
  whole[whole.length - 1] = 0x5d;
  return whole;
}

/** The JSON object of one row. */
export function rowAt(rows: Rows, index: number): Uint8Array {
  const start = index === 0 ? 0 : (rows.ends[index - 1] as number) + 1;
  return rows.json.subarray(start, rows.ends[index]);
}

/** The first rows only. */
export function firstRows(rows: Rows, count: number): Rows {
  if (rows.count <= count) return rows;
  const width = rows.hidden.length / rows.count;
  return {
    ...rows,
    count,
    json: rows.json.subarray(0, count === 0 ? 0 : rows.ends[count - 1]),
    ends: rows.ends.slice(0, count),
    hidden: rows.hidden.slice(0, count * width),
  };
}

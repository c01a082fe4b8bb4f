/** Whether two results are written alike: the same text may be wanted in another form, or of a table that changed. */
import type { ResultColumn } from '../statement.ts';

export function sameColumns(some: readonly ResultColumn[], others: readonly ResultColumn[]): boolean {
  if (some === others) return true;
  return (
    some.length === others.length &&
    some.every(({ name, json, hidden }, index) => {
      const other = others[index] as ResultColumn;
      return name === other.name && json === other.json && hidden === other.hidden;
    })
  );
}

/** What the constraints of a table say of each of its columns: for engines that read the two apart. */
import type { Column, Constraint, ForeignKey } from '#common/schema/catalogue.ts';

export type ColumnKeys = Pick<Column, 'primaryKey' | 'unique' | 'indexed' | 'foreignKey'> & {
  /** The whole of the primary key. */
  readonly isSoleKey: boolean;
};

export interface TableKeys {
  readonly primaryKey: readonly string[];
  of(column: string): ColumnKeys;
}

/** @param indexed  columns with an index of their own that is not unique */
export function tableKeys(constraints: readonly Constraint[], indexed: ReadonlySet<string>): TableKeys {
  const primaryKey = constraints.find(({ type }) => type === 'PRIMARY KEY')?.columns ?? [];
  const singles = (wanted: Constraint['type']) =>
    constraints.filter(({ type, columns }) => type === wanted && columns.length === 1);
  const unique = new Set(singles('UNIQUE').map(({ columns: [name] }) => name));
  const foreignKeys = new Map<string, ForeignKey>();
  // Of two on one column the first counts.
  for (const { columns, referenced } of singles('FOREIGN KEY').toReversed()) {
    if (!referenced) continue;
    const { table, onUpdate, onDelete } = referenced;
    foreignKeys.set(columns[0]!, { table, field: referenced.columns[0]!, onUpdate, onDelete });
  }
  return {
    primaryKey,
    of: (column) => ({
      primaryKey: primaryKey.includes(column),
      isSoleKey: primaryKey.length === 1 && primaryKey[0] === column,
      unique: unique.has(column),
      indexed: indexed.has(column),
      foreignKey: foreignKeys.get(column) ?? null,
    }),
  };
}

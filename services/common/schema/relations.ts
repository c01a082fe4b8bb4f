/** Relations between tables, found from their foreign keys and named by database-api §5.1. */
import type { Catalogue, Constraint, Table } from './catalogue.ts';

export const RELATION_TYPES = ['belongs_to', 'has_one', 'has_many', 'many_many'] as const;
export type RelationType = (typeof RELATION_TYPES)[number];

/** Tables by their `Table.name`, fields by their name in the database; several fields where the key is composite. */
export interface Relation {
  readonly name: string;
  readonly type: RelationType;
  readonly fields: readonly string[];
  readonly refTable: string;
  readonly refFields: readonly string[];
  readonly onUpdate: string | null;
  readonly onDelete: string | null;
  /** Virtual ones only: another service that it leads to, or whose junction it takes. */
  readonly foreign?: { readonly refServiceId: number; readonly junctionServiceId: number };
  /** many_many: `fields` of the junction lead here, `refFields` of it lead there. */
  readonly junction: {
    readonly table: string;
    readonly fields: readonly string[];
    readonly refFields: readonly string[];
  } | null;
}

export const relationName = (refTable: string, by: string | readonly string[]): string =>
  `${refTable}_by_${typeof by === 'string' ? by : by.join('_')}`;

interface ForeignKey {
  readonly table: Table;
  readonly columns: readonly string[];
  readonly referenced: NonNullable<Constraint['referenced']>;
}

/**
 * @returns by `Table.name`: what the table refers to, then what refers to it. Of two with one name the later counts,
 *   at the place of the earlier.
 */
export function discoverRelations(catalogue: Catalogue): ReadonlyMap<string, readonly Relation[]> {
  const found = new Map(catalogue.tables.map((table) => [table.name, new Map<string, Relation>()]));
  const keys = new Map(catalogue.tables.map((table) => [table, foreignKeys(table)]));
  const add = (table: string, relation: Relation) => found.get(table)?.set(relation.name, relation);

  for (const [table, own] of keys) for (const key of own) add(table.name, belongsTo(key));
  for (const own of keys.values()) {
    for (const key of own) {
      for (const far of own) {
        if (far !== key && far.referenced.table !== key.referenced.table) add(key.referenced.table, manyMany(key, far));
      }
      add(key.referenced.table, has(key));
    }
  }
  return new Map([...found].map(([table, relations]) => [table, [...relations.values()]]));
}

const foreignKeys = (table: Table): ForeignKey[] =>
  table.constraints.flatMap(({ columns, referenced }) => (referenced ? [{ table, columns, referenced }] : []));

function belongsTo({ columns, referenced }: ForeignKey): Relation {
  return {
    name: relationName(referenced.table, columns),
    type: 'belongs_to',
    fields: columns,
    refTable: referenced.table,
    refFields: referenced.columns,
    onUpdate: referenced.onUpdate,
    onDelete: referenced.onDelete,
    junction: null,
  };
}

function has({ table, columns, referenced }: ForeignKey): Relation {
  return {
    name: relationName(table.name, columns),
    type: isUnique(table, columns) ? 'has_one' : 'has_many',
    fields: referenced.columns,
    refTable: table.name,
    refFields: columns,
    onUpdate: referenced.onUpdate,
    onDelete: referenced.onDelete,
    junction: null,
  };
}

function manyMany(near: ForeignKey, far: ForeignKey): Relation {
  return {
    name: relationName(far.referenced.table, near.table.name),
    type: 'many_many',
    fields: near.referenced.columns,
    refTable: far.referenced.table,
    refFields: far.referenced.columns,
    onUpdate: far.referenced.onUpdate,
    onDelete: far.referenced.onDelete,
    junction: { table: near.table.name, fields: near.columns, refFields: far.columns },
  };
}

/** The same set of columns as a primary key or a unique constraint, in any order. */
function isUnique(table: Table, columns: readonly string[]): boolean {
  return table.constraints.some(
    (constraint) =>
      constraint.type !== 'FOREIGN KEY' &&
      constraint.columns.length === columns.length &&
      columns.every((column) => constraint.columns.includes(column)),
  );
}

/** Columns of the tables of the suite, for stores that have columns: all tables have all of them. */
import type { StoreField } from '../engine.ts';

type Kind = 'text' | 'number' | 'integer' | 'boolean';

/** What the suite keeps where. */
const COLUMNS: Readonly<Record<Kind, string>> = {
  text: 'name city born title author critic shelf label book tag a',
  number: 'age salary',
  integer: 'qty seen year hue',
  boolean: 'active more many',
};

const FIELDS: Readonly<Record<Kind, Pick<StoreField, 'type' | 'holds'>>> = {
  text: { type: 'string', holds: 'string' },
  number: { type: 'double', holds: 'number' },
  integer: { type: 'integer', holds: 'number' },
  boolean: { type: 'boolean', holds: 'boolean' },
};

/** @param types  of the store. @returns without the key */
export const columnFields = (types: Readonly<Record<Kind, string>>): StoreField[] =>
  (Object.keys(COLUMNS) as Kind[]).flatMap((kind) =>
    COLUMNS[kind].split(' ').map((name) => ({ name, dbType: types[kind], ...FIELDS[kind] })),
  );

/** Column → type of the store. */
export const columnsOf = (types: Readonly<Record<Kind, string>>): Record<string, string> =>
  Object.fromEntries(columnFields(types).map(({ name, dbType }) => [name, dbType]));

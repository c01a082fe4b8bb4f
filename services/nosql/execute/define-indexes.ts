/** Indexes of single fields, as definitions of fields ask for them (database-api §6.3, §6.6). */
import { createHash } from 'node:crypto';
import type { Deadline } from '#common/deadline.ts';
import { fault, readFlag } from '#common/schema/definition-words.ts';
import type { Properties, TableView } from '#common/schema/extras.ts';
import type { KeyField, NewIndex, NoSqlEngine, NoSqlSource, StoreTable } from '../engine.ts';

const UNIQUE = 'undx_';
const PLAIN = 'ndx_';
/** What every store takes as the name of an index. */
const PLAIN_NAME = /^[\w.-]{1,80}$/;

export const asksForIndex = (name: string, definition: Properties): boolean =>
  readFlag(name, definition, 'is_unique') || readFlag(name, definition, 'is_index');

/**
 * The index that a definition asks for and that is not there. `false` takes none back, as in SQL services.
 * @param known  of a table that is there
 * @throws MillraceError invalid that names the field, where the store has no such index
 */
export function newIndexOf(
  name: string,
  definition: Properties,
  type: string,
  known: TableView | undefined,
  { label, checkIndex }: NoSqlEngine,
): NewIndex | undefined {
  const unique = readFlag(name, definition, 'is_unique');
  if (!asksForIndex(name, definition)) return undefined;
  const { primaryKey = false, unique: isUnique, indexed } = known?.byFieldName.get(name)?.column ?? {};
  const isKey = primaryKey || readFlag(name, definition, 'is_primary_key');
  if (isKey || isUnique || (!unique && indexed)) return undefined;
  const word = unique ? 'is_unique' : 'is_index';
  if (!checkIndex) throw fault(name, `'${word}' cannot be: ${label} has no indexes but the key of a table`);
  const index = { name: indexName(name, unique), fields: [name], unique, types: [keyTypeOf(type)] };
  checkIndex(index);
  return index;
}

/** Whatever a field is called. */
function indexName(field: string, unique: boolean): string {
  const prefix = unique ? UNIQUE : PLAIN;
  if (PLAIN_NAME.test(field)) return `${prefix}${field}`;
  const hash = createHash('sha256').update(field).digest('hex').slice(0, 8);
  return `${prefix}${field.replace(/[^\w.-]/g, '_').slice(0, 60)}_${hash}`;
}

/** Drops those that definitions of these fields have made; what somebody else has made stays. */
export async function dropIndexes(
  table: StoreTable | undefined,
  fields: readonly string[],
  source: NoSqlSource,
  deadline: Deadline,
): Promise<boolean> {
  const names = new Set(fields.flatMap((field) => [indexName(field, true), indexName(field, false)]));
  const gone = table?.indexes.filter(({ name }) => names.has(name)) ?? [];
  for (const { name } of gone) await source.dropIndex?.(table as StoreTable, name, deadline);
  return gone.length > 0;
}

/** @returns whether anything was done */
export async function createIndexes(
  table: StoreTable | undefined,
  indexes: readonly NewIndex[],
  source: NoSqlSource,
  deadline: Deadline,
): Promise<boolean> {
  if (!table) return false;
  for (const index of indexes) await source.createIndex?.(table, index, deadline);
  return indexes.length > 0;
}

const NUMBERS = /int|decimal|double|float|number|money|^reference$|^user_id|^(?:big|medium|small)?id$/;
const NO_KEYS = /^(?:boolean|array|object|jsonb?)$/;

/** What a field of this type holds, where it is a key or part of one. */
export function keyTypeOf(type: string): KeyField['type'] {
  if (type === 'binary') return 'binary';
  if (NO_KEYS.test(type)) return 'any';
  return NUMBERS.test(type) ? 'number' : 'string';
}

/** A table that is wanted: by the fields of a definition, by `native` in Cassandra's own words, or both. */
import { invalid, type MillraceError } from '#common/errors.ts';
import type { NewField } from '../engine.ts';
import type { Native } from './layout.ts';

/** Simple type (database-api §6) → that of the column. */
const TYPES: Readonly<Record<string, string>> = {
  id: 'uuid',
  bigid: 'uuid',
  integer: 'int',
  int: 'int',
  smallint: 'smallint',
  tinyint: 'tinyint',
  mediumint: 'int',
  bigint: 'bigint',
  reference: 'int',
  user_id: 'int',
  user_id_on_create: 'int',
  user_id_on_update: 'int',
  boolean: 'boolean',
  decimal: 'decimal',
  money: 'decimal',
  double: 'double',
  float: 'float',
  binary: 'blob',
  date: 'date',
  time: 'time',
  datetime: 'timestamp',
  timestamp: 'timestamp',
  timestamp_on_create: 'timestamp',
  timestamp_on_update: 'timestamp',
  datetimetz: 'timestamp',
  timestamptz: 'timestamp',
  uuid: 'uuid',
  timeuuid: 'timeuuid',
  array: 'list<text>',
};

/** Texts, and JSON of any kind, which has no column of its own. */
export const typeFor = (simple: string): string => (Object.hasOwn(TYPES, simple) && TYPES[simple]) || 'text';

/** Of a table of which nothing is said. */
const ID = { name: 'id', type: 'uuid' };
const SETTINGS = ['columns', 'partition_key', 'clustering_key', 'clustering_order', 'static'] as const;

/**
 * @param keyNames  of the fields that are the key: the first is the partition key, the others are clustering columns
 * @throws MillraceError invalid that names the setting
 */
export function definitionOf(native: unknown, fields: readonly NewField[], keyNames: readonly string[]): Native {
  const settings = objectOf(native ?? {}, 'native');
  const strange = Object.keys(settings).find((name) => !(SETTINGS as readonly string[]).includes(name));
  if (strange !== undefined) throw invalid(`'native' has no setting '${strange}'.`, { field: strange });
  const columns: Record<string, string> = Object.create(null);
  for (const { name, type } of fields) columns[name] = typeFor(type);
  for (const [name, type] of Object.entries(objectOf(settings['columns'] ?? {}, 'columns'))) {
    columns[name] = readColumnType(type, name);
  }
  // A field of type id is a key wherever one is defined.
  const id = fields.find(({ type }) => /^(?:big)?id$/.test(type))?.name ?? ID.name;
  const ofFields = keyNames.length > 0 ? keyNames : [id];
  const partition = namesOf(settings['partition_key'], 'partition_key') ?? ofFields.slice(0, 1);
  const clustering =
    namesOf(settings['clustering_key'], 'clustering_key') ??
    (settings['partition_key'] === undefined ? ofFields.slice(1) : []);
  if (partition.length === 0) throw faulty('partition_key', 'must name a column at least');
  if (partition.join() === ID.name) columns[ID.name] ??= ID.type;
  const statics = namesOf(settings['static'], 'static') ?? [];
  for (const name of [...partition, ...clustering, ...statics]) {
    if (!columns[name]) throw faulty(name, 'is not among the columns');
  }
  return {
    columns,
    partition_key: partition,
    clustering_key: clustering,
    clustering_order: ordersOf(settings['clustering_order'], clustering),
    static: statics,
  };
}

function ordersOf(given: unknown, clustering: readonly string[]): Native['clustering_order'] {
  const orders = Object.entries(objectOf(given ?? {}, 'clustering_order'));
  const bad = orders.find(([name, order]) => !clustering.includes(name) || !['asc', 'desc'].includes(String(order)));
  if (bad) throw faulty('clustering_order', "takes columns of the clustering key, 'asc' or 'desc'");
  // No name is special in it.
  return Object.assign(Object.create(null), Object.fromEntries(orders));
}

function objectOf(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw faulty(field, 'must be an object');
}

function namesOf(value: unknown, field: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw faulty(field, 'must be a list of names');
}

const faulty = (field: string, reason: string): MillraceError => invalid(`'${field}' ${reason}.`, { field });

const DEPTH_MAX = 8;
const WORD = /^\s*([A-Za-z_]\w*)\s*/;
/** Of them each takes so many types; a tuple as many as it likes. */
const TAKES: Readonly<Record<string, number>> = { frozen: 1, list: 1, set: 1, map: 2, tuple: 0 };

/** A type as CREATE TABLE has it, read and written anew: nothing else gets into a statement. @throws MillraceError */
export function readColumnType(given: unknown, field: string): string {
  const text = typeof given === 'string' ? given : '';
  const [type, rest] = readType(text, field, 0);
  if (rest.trim() !== '') throw badType(field);
  return type;
}

function readType(text: string, field: string, depth: number): readonly [type: string, rest: string] {
  const [head = '', word = ''] = WORD.exec(text) ?? [];
  const name = word.toLowerCase();
  if (name === '' || depth > DEPTH_MAX) throw badType(field);
  let rest = text.slice(head.length);
  if (!rest.startsWith('<')) return [name, rest];
  const takes = name === 'vector' ? 2 : Object.hasOwn(TAKES, name) ? TAKES[name] : undefined;
  const types: string[] = [];
  do {
    const isSize = name === 'vector' && types.length === 1;
    const [type, left] = isSize ? readSize(rest.slice(1), field) : readType(rest.slice(1), field, depth + 1);
    types.push(type);
    rest = left;
  } while (rest.startsWith(','));
  if (!rest.startsWith('>') || takes === undefined || (takes > 0 && types.length !== takes)) throw badType(field);
  return [`${name}<${types.join(', ')}>`, rest.slice(1).trimStart()];
}

function readSize(text: string, field: string): readonly [size: string, rest: string] {
  const [head, size] = /^\s*(\d{1,5})\s*/.exec(text) ?? [];
  if (head === undefined || size === undefined) throw badType(field);
  return [size, text.slice(head.length)];
}

const badType = (field: string): MillraceError =>
  invalid(`Field '${field}': its type is none of Cassandra's, such as text or list<int>.`, { field });

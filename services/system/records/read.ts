/** GET of system records. */
import { create } from '@bufbuild/protobuf';
import { type SqlBool, sql } from 'kysely';
import { invalid, type MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import {
  BatchMode,
  type Operation,
  type Read,
  type Result,
  ResultSchema,
  Selection_Kind,
  Target,
  type Value,
} from '#proto/data/v1/data_pb.ts';
import { jsonBytes, settle } from './batch.ts';
import { allOf, type Condition, comparable, FilterCompiler, inScope, stored } from './filter.ts';
import { missing } from './find.ts';
import { isObject, readRecords } from './input.ts';
import { type Column, type Context, columnOf, type JsonObject, type Model } from './model.ts';
import { orderBy } from './order.ts';
import { present, selectedColumns } from './present.ts';
import { describeModel } from './schema.ts';
import { countRows, selectRows } from './store.ts';

/** @throws MillraceError */
export async function readRecordsOf(model: Model, read: Read, operation: Operation, context: Context): Promise<Result> {
  const result = await readTarget(model, read, operation, context);
  if (read.includeSchema) result.schemaJson = jsonBytes(describeModel(model));
  return result;
}

async function readTarget(model: Model, read: Read, operation: Operation, context: Context): Promise<Result> {
  switch (read.target) {
    case Target.ONE:
      return readOne(model, read, operation, context);
    case Target.KEYS:
      return readKeys(model, read, operation.keys.map(keyText), context);
    case Target.RECORDS:
      return readKeys(model, read, keysOfRecords(model, readRecords(operation.records)), context);
    default:
      return readFiltered(model, read, operation, context);
  }
}

async function readOne(model: Model, read: Read, operation: Operation, context: Context): Promise<Result> {
  const columns = model.shownAs ? model.columns : selectedColumns(model, read.selection, Selection_Kind.ALL);
  const column = keyColumn(model, read.idField);
  const text = keyText(operation.keys[0]);
  const key = typedKey(column, text);
  const rows =
    key === undefined ? [] : await selectRows(context.db, model, sql<SqlBool>`${sql.ref(column.name)} = ${key}`);
  const [row] = rows;
  if (!row) throw missing(model, text);
  const [record] = await present(model, [row], columns, read.related, context);
  const shown = model.shownAs === undefined ? record : record![model.shownAs];
  return create(ResultSchema, { json: jsonBytes(shown) });
}

/** In the order of the records, not of the keys; one that is missing fails the whole, with what was found. */
async function readKeys(model: Model, read: Read, keys: readonly string[], context: Context): Promise<Result> {
  const columns = selectedColumns(model, read.selection, Selection_Kind.ALL);
  const column = keyColumn(model, read.idField);
  const typed = keys.map((key) => typedKey(column, key));
  const known = typed.filter((key) => key !== undefined);
  const rows =
    known.length === 0
      ? []
      : await selectRows(context.db, model, sql<SqlBool>`${sql.ref(column.name)} in (${sql.join(known)})`, {
          order: orderBy(model, read.order),
        });
  const records = await present(model, rows, columns, read.related, context);
  const byKey = new Map(rows.map((row, index) => [row[column.name], records[index]!]));
  const outcomes: (JsonObject | MillraceError)[] = [];
  for (const [index, key] of keys.entries()) {
    const found = byKey.get(typed[index]);
    outcomes.push(found ?? missing(model, key));
    if (!found && read.mode !== BatchMode.CONTINUE) break;
  }
  settle(outcomes, 'retrieved', false);
  return create(ResultSchema, { json: jsonBytes(records) });
}

async function readFiltered(model: Model, read: Read, operation: Operation, context: Context): Promise<Result> {
  const { db, tools } = context;
  const where = filterOf(model, read, operation, context);
  if (read.countOnly) return create(ResultSchema, { json: jsonBytes(await countRows(db, model, where)) });
  const max = tools.config.maxRecordsReturned;
  const limit = read.limit > 0 ? Math.min(read.limit, max) : max;
  const { offset } = read;
  if (read.group.length > 0) return readGroups(model, read, where, { limit, offset }, context);
  const columns = selectedColumns(model, read.selection, Selection_Kind.ALL);
  // One more than asked for, to know whether there are more.
  const rows = await selectRows(db, model, where, { order: orderBy(model, read.order), limit: limit + 1, offset });
  const records = await present(model, rows.slice(0, limit), columns, read.related, context);
  const result = create(ResultSchema, { json: jsonBytes(records) });
  if (read.includeCount) result.count = BigInt(await countRows(db, model, where));
  // A page that the caller cut himself is no surprise to him; one that we cut is.
  if (rows.length > limit && (read.includeCount || limit === max)) result.next = BigInt(offset + limit);
  return result;
}

/** The distinct values of the group's fields. */
async function readGroups(
  model: Model,
  read: Read,
  where: Condition,
  page: { readonly limit: number; readonly offset: number },
  context: Context,
): Promise<Result> {
  const columns = read.group.map((name) => {
    const column = comparable(model, name);
    if (column.show) throw invalid(`Records cannot be grouped by '${name}'.`);
    return column;
  });
  const wanted = read.selection?.kind === Selection_Kind.LISTED ? read.selection.names : read.group;
  const unknown = wanted.find((name) => !columns.some((column) => column.name === name));
  if (unknown !== undefined) throw invalid(`Field '${unknown}' is not one of those grouped by.`);
  const fields = sql.join(columns.map((column) => sql.ref(column.name)));
  const { rows } = await sql<JsonObject>`select ${fields} from ${sql.table(model.table)}
    where ${allOf([inScope(model), where])} group by ${fields} order by ${fields}
    limit ${page.limit} offset ${page.offset}`.execute(context.db);
  const shownColumns = columns.filter((column) => wanted.includes(column.name));
  return create(ResultSchema, { json: jsonBytes(await present(model, rows, shownColumns, [], context)) });
}

/** The caller's condition and the role's, joined. @throws MillraceError invalid */
export function filterOf(
  model: Model,
  { filter, rowFilter }: Pick<Read, 'filter' | 'rowFilter'>,
  operation: Operation,
  context: Context,
): Condition {
  const compiler = new FilterCompiler(model, operation.parameters, context.tools.engine);
  return allOf([compiler.compile(filter), compiler.compile(rowFilter)]);
}

function keyColumn(model: Model, idField: readonly string[]): Column {
  const [name] = idField;
  return name === undefined ? columnOf(model, model.key)! : comparable(model, name);
}

export function keysOfRecords(model: Model, records: readonly JsonObject[]): string[] {
  return records.map((record) => {
    const key = isObject(record) ? record[model.key] : undefined;
    if (typeof key === 'string' || typeof key === 'number' || key instanceof JsonNumber) return String(key);
    throw invalid(`A record has no identifying field '${model.key}'.`);
  });
}

export function keyText(value: Value | undefined): string {
  const kind = value?.kind;
  if (kind?.case === 'text' || kind?.case === 'number') return kind.value;
  if (kind?.case === 'list' && kind.value.values.length === 1) return keyText(kind.value.values[0]);
  throw invalid('An identifier is expected.');
}

/** undefined: such a key cannot exist. */
export function typedKey(column: Column, text: string): string | number | undefined {
  if (column.kind === 'string' || column.kind === 'text') return text.includes('\0') ? undefined : text;
  if (column.kind !== 'id' && column.kind !== 'integer') {
    return stored({ $typeName: 'millrace.data.v1.Value', kind: { case: 'text', value: text } }, column) ?? undefined;
  }
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

import type { FieldView, TableView } from '#common/schema/extras.ts';
import { keyFieldsIfAny } from '#common/schema/find.ts';
import { type SchemaMismatch, unknownName } from '#common/schema/mismatch.ts';
import { Selection_Kind as Kind, type Selection } from '#proto/data/v1/data_pb.ts';
import { quoteName } from '../compile/builder.ts';
import type { AggregateName, Dialect } from '../dialect.ts';
import { readable } from '../expression/computed.ts';
import type { ResultColumn } from '../statement.ts';

/** A column of the answer and what the database computes for it. */
export interface Output {
  readonly sql: string;
  readonly column: ResultColumn;
}

const AGGREGATE = /^(COUNT|SUM|AVG|MIN|MAX)\(\s*(\*|.+?)\s*\)$/i;

/**
 * The columns of the answer.
 * @param grouped  aggregates are allowed
 * @param extra    fields added to a listed selection (keys of relations)
 * @throws MillraceError invalid for a field that the table does not have
 */
export function outputsOf(
  selection: Selection | undefined,
  table: TableView,
  idField: readonly string[],
  dialect: Dialect,
  options: { grouped?: boolean; extra?: readonly FieldView[] } = {},
): Output[] {
  const kind = selection?.kind ?? Kind.ALL;
  if (kind === Kind.LISTED) {
    const listed = selection?.names ?? [];
    const outputs = listed.map((name) => listedOutput(name, table, dialect, options.grouped === true));
    const missing = (options.extra ?? []).filter(
      (field) => !outputs.some(({ column }) => column.name === field.wireName),
    );
    return distinct([...outputs, ...missing.flatMap((field) => fieldOutput(field, table, dialect))]);
  }
  const keys = kind === Kind.KEY ? keyFieldsIfAny(table, idField) : [];
  // A table without a key shows everything when the key is asked for.
  const fields =
    keys.length > 0 ? [...keys, ...(options.extra ?? [])] : table.fields.filter((field) => !field.isAggregate);
  return distinct(fields.flatMap((field) => fieldOutput(field, table, dialect)));
}

/** How a field is read: nothing for a virtual one without a function. */
function fieldOutput(field: FieldView, table: TableView, dialect: Dialect): Output[] {
  const read = readable(field, 'SELECT', table, dialect);
  return read ? [{ sql: read.sql, column: { name: field.wireName, json: read.column.json } }] : [];
}

/** The columns as text beside the row, so that rows can be told apart without reading their JSON. */
export function hiddenOutputs(fields: readonly FieldView[], dialect: Dialect): Output[] {
  return fields.flatMap(({ column, wireName }) =>
    column
      ? [{ sql: quoteName(column.name, dialect), column: { name: wireName, json: column.json, hidden: true } }]
      : [],
  );
}

function listedOutput(name: string, table: TableView, dialect: Dialect, grouped: boolean): Output {
  const field = table.byFieldWireName.get(name);
  const [output] = field ? fieldOutput(field, table, dialect) : [];
  if (output) return output;
  const aggregate = grouped ? AGGREGATE.exec(name) : null;
  if (aggregate) return aggregateOutput(aggregate, name, table, dialect);
  throw unknownField(name);
}

const unknownField = (name: string): SchemaMismatch => unknownName(`Invalid field requested: ${name}`, { field: name });

function aggregateOutput(match: RegExpExecArray, name: string, table: TableView, dialect: Dialect): Output {
  const fn = (match[1] as string).toUpperCase() as AggregateName;
  const argument = match[2] as string;
  if (argument === '*') {
    if (fn !== 'COUNT') throw unknownField(name);
    return { sql: 'count(*)', column: { name: dialect.aggregateKey('COUNT_ALL'), json: 'number' } };
  }
  const field = table.byFieldWireName.get(argument);
  if (!field?.column) throw unknownField(name);
  return {
    sql: `${fn.toLowerCase()}(${quoteName(field.column.name, dialect)})`,
    column: {
      name: dialect.aggregateKey(`${fn}_${field.wireName}`),
      json: fn === 'COUNT' ? 'number' : dialect.aggregateJson(fn, field.column),
    },
  };
}

function distinct(outputs: readonly Output[]): Output[] {
  const seen = new Set<string>();
  return outputs.filter(({ column }) => {
    if (seen.has(column.name)) return false;
    seen.add(column.name);
    return true;
  });
}

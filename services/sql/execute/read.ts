/** Reads: planned and compiled once for a shape, then run for each operation of it. */

import type { Deadline } from '#common/deadline.ts';
import { type ItemOutcome, invalid } from '#common/errors.ts';
import { missing } from '#common/records/keys.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import type { Runner } from '#common/records/result.ts';
import { batchError, recordsOf, resultOf } from '#common/records/result.ts';
import { describeTable } from '#common/schema/describe.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { findTable, keyFields } from '#common/schema/find.ts';
import { BatchMode, type Operation, type Read, type Result, Target } from '#proto/data/v1/data_pb.ts';
import { bind } from '../compile/builder.ts';
import { isWhole } from '../compile/coerce.ts';
import type { ListTemplate } from '../compile/list.ts';
import { compileByKey, compileByKeys } from '../compile/read.ts';
import { hiddenOutputs, type Output, outputsOf } from '../plan/selection.ts';
import type { Param, Rows } from '../statement.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { type Key, keyReader } from './keys.ts';
import { planCount, planList } from './list.ts';
import { PointReads } from './point-reads.ts';
import { planRelated, type RelatedReader } from './related.ts';
import { firstRows, rowAt } from './rows.ts';

/** @throws MillraceError invalid, not_found: all that can be said before the database is asked */
export function planRead(read: Read, context: ServiceContext): Runner {
  const table = findTable(context.view, read.table);
  const schemaJson = read.includeSchema
    ? Buffer.from(JSON.stringify(describeTable(context.view, table, 'wire')))
    : undefined;
  const run = runnerOf(read, table, context);
  if (!schemaJson) return run;
  return async (operation, deadline) => ({ ...(await run(operation, deadline)), schemaJson });
}

function runnerOf(read: Read, table: TableView, context: ServiceContext): Runner {
  if (read.view) throw invalid("The rows of a 'view' of a 'design' are for CouchDB.", { field: 'view' });
  if (read.countOnly) return planCount(read, table, context);
  const related = planRelated(read.related, table, context);
  switch (read.target) {
    case Target.ONE:
      return oneRunner(read, table, related, context);
    case Target.KEYS:
    case Target.RECORDS:
      return keysRunner(read, table, related, context);
    default:
      return planList(read, table, related, context);
  }
}

function oneRunner(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  const { dialect, source } = context;
  const keys = keyFields(table, read.idField);
  const reader = keyReader(keys, dialect);
  const shown = outputsOf(read.selection, table, read.idField, dialect, { extra: related.localFields });
  const local = hiddenOutputs(related.localFields, dialect);
  const single = compileByKey(table, [...local, ...shown], keys, recordBinder, read.rowFilter, context);
  const [key] = keys;
  if (keys.length === 1 && key && related.empty && read.offset === 0) {
    const points = new PointReads(source, single, manyOf(table, key, shown, read, context), {
      isExact: isWhole(key),
    });
    return async (operation, deadline) => {
      const { params, shown: id } = reader.one(operation.keys[0]);
      const json = await points.read(operation, params[0] as Param, deadline);
      if (!json) throw missing(id);
      return resultOf(json);
    };
  }
  return async (operation, deadline) => {
    const { params, shown: id } = reader.one(operation.keys[0]);
    const rows = await source.run(bind(single, bindContextOf(operation, params)), deadline);
    if (rows.count === 0 || read.offset > 0) throw missing(id);
    const [json] = related.empty ? [rowAt(rows, 0)] : await related.attach(firstRows(rows, 1), operation, deadline);
    return resultOf(json as Uint8Array);
  };
}

const recordBinder = (index: number) => (bound: { record: readonly Param[] }) => bound.record[index] as Param;

function manyOf(
  table: TableView,
  key: FieldView,
  shown: readonly Output[],
  read: Pick<Read, 'rowFilter'>,
  context: ServiceContext,
): ListTemplate {
  const outputs = [...hiddenOutputs([key], context.dialect), ...shown];
  return compileByKeys(table, outputs, key, read.rowFilter, context);
}

function keysRunner(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  const { dialect } = context;
  const keys = keyFields(table, read.idField);
  const reader = keyReader(keys, dialect);
  const shown = outputsOf(read.selection, table, read.idField, dialect, { extra: related.localFields });
  const find = planFind(table, keys, [...hiddenOutputs(related.localFields, dialect), ...shown], read, context);
  const goOn = read.mode === BatchMode.CONTINUE;
  return async (operation, deadline) => {
    const wanted =
      read.target === Target.RECORDS ? reader.ofRecords(recordsOf(operation)) : reader.list(operation.keys);
    if (wanted.length === 0) throw invalid('The request contains no valid identifiers.');
    const { rows, indexes } = await find(wanted, operation, deadline);
    const pieces = related.empty
      ? Array.from({ length: rows.count }, (_, i) => rowAt(rows, i))
      : await related.attach(withoutKeys(rows, keys.length), operation, deadline);
    const outcomes = wanted.map((key, i): ItemOutcome => {
      if ('error' in key) return key;
      const index = indexes[i];
      return index === undefined ? { error: missing(key.shown) } : { json: pieces[index] as Uint8Array };
    });
    return collect(outcomes, goOn, pieces, indexes);
  };
}

/** Without `continue` in the order of the request, stopping at the first that fails; with it in the database's order. */
function collect(
  outcomes: readonly ItemOutcome[],
  goOn: boolean,
  pieces: readonly Uint8Array[],
  indexes: readonly (number | undefined)[],
): Result {
  const failed = outcomes.findIndex((outcome) => 'error' in outcome);
  if (failed >= 0) {
    const reached = goOn ? outcomes : outcomes.slice(0, failed + 1);
    throw batchError({ outcomes: reached, rolledBack: false });
  }
  const order = goOn ? [...new Set(indexes as number[])].sort((a, b) => a - b) : (indexes as number[]);
  return resultOf(arrayOfPieces(order.map((index) => pieces[index] as Uint8Array)));
}

type GoodKey = Exclude<Key, { error: unknown }>;
type Find = (
  keys: readonly Key[],
  operation: Operation,
  deadline: Deadline,
) => Promise<{ rows: Rows; indexes: (number | undefined)[] }>;

/**
 * Finds records by their keys: one statement for a single key field, one for each record where the key is composite.
 * The rows' hidden columns begin with the key.
 */
export function planFind(
  table: TableView,
  keys: readonly FieldView[],
  outputs: readonly Output[],
  read: Pick<Read, 'rowFilter'>,
  context: ServiceContext,
): Find {
  const { dialect, source } = context;
  const hidden = hiddenOutputs(keys, dialect);
  const [key] = keys;
  const single = compileByKey(table, [...hidden, ...outputs], keys, recordBinder, read.rowFilter, context);
  const alone = async (params: readonly Param[], operation: Operation, deadline: Deadline): Promise<Rows> =>
    source.run(bind(single, bindContextOf(operation, params)), deadline);
  const many = keys.length === 1 && key ? manyOf(table, key, outputs, read, context) : undefined;
  const isExact = key !== undefined && isWhole(key);

  const each = async (good: readonly GoodKey[], operation: Operation, deadline: Deadline) => {
    const parts = await Promise.all(good.map(({ params }) => alone(params, operation, deadline)));
    let count = 0;
    const places = parts.map((part) => (part.count > 0 ? count++ : undefined));
    return { rows: joinRows(parts.map((part) => firstRows(part, 1))), places };
  };

  const together = async (good: readonly GoodKey[], operation: Operation, deadline: Deadline) => {
    const fetch = (some: readonly GoodKey[]): Promise<Rows> =>
      source.run(
        (many as ListTemplate).bind(
          some.map(({ params }) => params[0] as Param),
          bindContextOf(operation),
        ),
        deadline,
      );
    const rows = await fetch(good);
    const width = rows.count > 0 ? rows.hidden.length / rows.count : 0;
    const byKey = new Map<string, number>();
    for (let i = rows.count - 1; i >= 0; i--) byKey.set(String(rows.hidden[i * width]), i);
    const places = good.map(({ params }) => byKey.get(String(params[0])));
    const lost = good.filter((_, i) => places[i] === undefined);
    if (isExact || rows.count === 0 || lost.length === 0 || (await fetch(lost)).count === 0) return { rows, places };
    // Keys that the database writes in another form than they were asked in.
    const found = await each(lost, operation, deadline);
    let next = 0;
    const all = places.map((place) => {
      if (place !== undefined) return place;
      const behind = found.places[next++];
      return behind === undefined ? undefined : rows.count + behind;
    });
    return { rows: joinRows([rows, found.rows]), places: all };
  };

  return async (wanted, operation, deadline) => {
    const good = wanted.flatMap((one) => ('error' in one ? [] : [one]));
    const { rows, places } = await (many ? together : each)(good, operation, deadline);
    let next = 0;
    return { rows, indexes: wanted.map((one) => ('error' in one ? undefined : places[next++])) };
  };
}

function joinRows(parts: readonly Rows[]): Rows {
  const filled = parts.filter((part) => part.count > 0);
  const [only] = filled;
  if (filled.length === 1 && only) return only;
  const pieces = filled.flatMap((part) => Array.from({ length: part.count }, (_, i) => rowAt(part, i)));
  const json = arrayOfPieces(pieces);
  const ends: number[] = [];
  for (const piece of pieces) ends.push((ends.length > 0 ? (ends.at(-1) as number) + 1 : 0) + piece.length);
  return {
    count: pieces.length,
    json: json.subarray(1, json.length - 1),
    ends,
    hidden: filled.flatMap((part) => part.hidden),
    affected: 0,
  };
}

/** What follows the key among the hidden columns. */
export function withoutKeys(rows: Rows, keyCount: number): Rows {
  if (rows.count === 0) return rows;
  const width = rows.hidden.length / rows.count;
  return { ...rows, hidden: rows.hidden.filter((_, i) => i % width >= keyCount) };
}

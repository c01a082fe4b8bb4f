import { type ItemOutcome, invalid } from '#common/errors.ts';
import { missing } from '#common/records/keys.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import { batchError, type Runner, recordsOf, resultOf } from '#common/records/result.ts';
import { describeTable } from '#common/schema/describe.ts';
import type { TableView } from '#common/schema/extras.ts';
import { findTable } from '#common/schema/find.ts';
import { BatchMode, type Read, type Result, Target } from '#proto/data/v1/data_pb.ts';
import { conditionOf, type ServiceContext } from './context.ts';
import { Finder } from './keys.ts';
import { planCount, planList } from './list.ts';
import { outputsOf } from './outputs.ts';
import { piecesOf } from './pieces.ts';
import { planRelated, type RelatedReader } from './related.ts';

/** @throws MillraceError invalid, not_found: all that can be said before the store is asked */
export function planRead(read: Read, context: ServiceContext): Runner {
  const table = findTable(context.view, read.table);
  const run = runnerOf(read, table, context);
  if (!read.includeSchema) return run;
  const schemaJson = Buffer.from(JSON.stringify(describeTable(context.view, table, 'wire')));
  return async (operation, deadline) => ({ ...(await run(operation, deadline)), schemaJson });
}

function runnerOf(read: Read, table: TableView, context: ServiceContext): Runner {
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
  const finder = new Finder(table, read.idField, context);
  const outputs = outputsOf(read.selection, table, read.idField, related.localFields);
  return async (operation, deadline) => {
    const key = finder.one(operation);
    const condition = conditionOf([read.rowFilter], table, operation, context);
    const [document] = await finder.find([key], condition, outputs.fields, deadline);
    if (!document || read.offset > 0) throw missing(key.shown);
    const [json] = await piecesOf([document], outputs, related, operation, deadline);
    return resultOf(json as Uint8Array);
  };
}

function keysRunner(read: Read, table: TableView, related: RelatedReader, context: ServiceContext): Runner {
  const finder = new Finder(table, read.idField, context);
  const outputs = outputsOf(read.selection, table, read.idField, related.localFields);
  const goOn = read.mode === BatchMode.CONTINUE;
  return async (operation, deadline) => {
    const { reader } = finder;
    const wanted =
      read.target === Target.RECORDS ? reader.ofRecords(recordsOf(operation)) : reader.list(operation.keys);
    if (wanted.length === 0) throw invalid('The request contains no valid identifiers.');
    const condition = conditionOf([read.rowFilter], table, operation, context);
    const good = wanted.flatMap((key) => ('error' in key ? [] : [key]));
    const found = await finder.find(good, condition, outputs.fields, deadline);
    const there = found.filter((one) => one !== undefined);
    const pieces = await piecesOf(there, outputs, related, operation, deadline);
    let place = 0;
    let next = 0;
    const outcomes = wanted.map((key): ItemOutcome => {
      if ('error' in key) return key;
      return found[place++] ? { json: pieces[next++] as Uint8Array } : { error: missing(key.shown) };
    });
    return collect(outcomes, goOn);
  };
}

/** In the order of the request; without `continue` it stops at the first that fails. */
function collect(outcomes: readonly ItemOutcome[], goOn: boolean): Result {
  const failed = outcomes.findIndex((outcome) => 'error' in outcome);
  if (failed >= 0) {
    throw batchError({ outcomes: goOn ? outcomes : outcomes.slice(0, failed + 1), rolledBack: false });
  }
  return resultOf(arrayOfPieces(outcomes.map((outcome) => (outcome as { json: Uint8Array }).json)));
}

/** Deletion of documents: one by its key, several by keys, all that meet a filter, or everything (database-api §4.2). */
import type { Deadline } from '#common/deadline.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { missing } from '#common/records/keys.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import { type Runner, recordsOf, resultOf } from '#common/records/result.ts';
import type { TableView } from '#common/schema/extras.ts';
import { findTable } from '#common/schema/find.ts';
import { type Delete, type Operation, type Result, Target } from '#proto/data/v1/data_pb.ts';
import type { StoredDocument } from '../document.ts';
import type { Write } from '../engine.ts';
import { isNever } from '../plan/conditions.ts';
import { split } from '../plan/split.ts';
import { runSteps, type Step } from './batch.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { Finder } from './keys.ts';
import { outputsOf } from './outputs.ts';
import { piecesOf } from './pieces.ts';
import { planRelated } from './related.ts';
import { scan } from './scan.ts';

const SUCCESS = Buffer.from('{"success":true}');
/** Documents of a filter that are deleted by one request of the store. */
const CHUNK = 500;

export function planDelete(deletion: Delete, context: ServiceContext): Runner {
  const table = findTable(context.view, deletion.table);
  return deletion.target === Target.FILTER ? byFilter(deletion, table, context) : byKeys(deletion, table, context);
}

function byFilter(deletion: Delete, table: TableView, context: ServiceContext): Runner {
  const { filter, rowFilter, everything } = deletion;
  if (!filter && !everything) throw invalid('No filter or records given for delete request.');
  const { source, engine } = context;
  const stored = storedOf(table, context);
  const related = planRelated(deletion.related, table, context);
  const outputs = outputsOf(deletion.selection, table, deletion.idField, related.localFields);
  const finder = new Finder(table, [], context);
  return async (operation, deadline) => {
    const condition = conditionOf([filter, rowFilter], table, operation, context);
    const { pushed, residual } = split(condition, engine.pushdown, stored);
    if (everything && !residual && source.deleteWhere && !(condition && isNever(condition))) {
      await source.deleteWhere(stored, pushed, deadline);
      return resultOf(SUCCESS);
    }
    const pieces: Uint8Array[] = [];
    let some: StoredDocument[] = [];
    const flush = async (): Promise<void> => {
      // What belongs to them may go with them.
      if (!everything) pieces.push(...(await piecesOf(some, outputs, related, operation, deadline)));
      const writes = some.map((one): Write => ({ kind: 'delete', key: finder.keyOf(one.members()) }));
      some = [];
      for (const outcome of await source.write(stored, writes, false, deadline)) {
        if ('error' in outcome) throw outcome.error;
      }
    };
    const fields = everything ? stored.key.map(({ name }) => name) : undefined;
    const wanted = { table: stored, condition, order: [], offset: 0, limit: undefined, fields };
    for await (const document of scan(wanted, context, deadline)) {
      some.push(document);
      if (some.length >= CHUNK) await flush();
    }
    if (some.length > 0) await flush();
    return resultOf(everything ? SUCCESS : arrayOfPieces(pieces));
  };
}

function byKeys(deletion: Delete, table: TableView, context: ServiceContext): Runner {
  const finder = new Finder(table, deletion.idField, context);
  const { stored, reader } = finder;
  const related = planRelated(deletion.related, table, context);
  const outputs = outputsOf(deletion.selection, table, deletion.idField, related.localFields);
  const isOne = deletion.target === Target.ONE;
  return async (operation: Operation, deadline: Deadline): Promise<Result> => {
    const wanted = isOne
      ? [finder.one(operation)]
      : deletion.target === Target.RECORDS
        ? reader.ofRecords(recordsOf(operation))
        : reader.list(operation.keys);
    if (wanted.length === 0) throw invalid('The request contains no valid identifiers.');
    const condition = conditionOf([deletion.rowFilter], table, operation, context);
    const good = wanted.flatMap((key) => ('error' in key ? [] : [key]));
    const found = await finder.keysOf(good, condition, deadline);
    const there = found.filter((one) => one !== undefined);
    const shown = await piecesOf(
      there.map(({ document }) => document),
      outputs,
      related,
      operation,
      deadline,
    );
    const pieces: (Uint8Array | undefined)[] = [];
    let place = 0;
    let next = 0;
    const steps = wanted.map((key): Step => {
      const known = 'error' in key ? undefined : found[place++];
      pieces.push(known && shown[next++]);
      if ('error' in key) return key;
      if (!known) return { error: missing(key.shown) };
      return { write: { kind: 'delete', key: known.key }, before: known.document };
    });
    const gone = (index: number): MillraceError => missing((wanted[index] as { shown: string }).shown);
    if (isOne) {
      const [step] = steps as [Step];
      if ('error' in step) throw step.error;
      const outcome = await context.writes.write(stored, step.write, deadline);
      if ('error' in outcome) throw outcome.error;
      if ('missing' in outcome) throw gone(0);
      return resultOf(pieces[0] as Uint8Array);
    }
    const told = (_: unknown, index: number): Uint8Array => pieces[index] as Uint8Array;
    await runSteps(steps, deletion.mode, stored, gone, told, context, deadline);
    return resultOf(arrayOfPieces(pieces.filter((piece) => piece !== undefined)));
  };
}

/** New documents: one joins the next request of the store, many go together, each failing alone. */
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import { batchError, type Runner, recordsOf, resultOf } from '#common/records/result.ts';
import { objectOf } from '#common/records/values.ts';
import { findTable } from '#common/schema/find.ts';
import type { Create } from '#proto/data/v1/data_pb.ts';
import type { StoreTable } from '../engine.ts';
import { runSteps, type Step } from './batch.ts';
import { type ServiceContext, storedOf } from './context.ts';
import { type WriteOne, writeNested } from './nested-writes.ts';
import { droppedOf, notTaken, readNew } from './new-document.ts';
import { documentJson } from './outputs.ts';
import { bringsRelated, RecordReader, requireReached } from './records.ts';
import { Shower } from './shower.ts';
import type { Done } from './undo.ts';

export function planCreate(create: Create, context: ServiceContext): Runner {
  const table = findTable(context.view, create.table);
  const stored = storedOf(table, context);
  const reader = new RecordReader(table, context);
  const shower = new Shower(create, table, stored, context);
  return async (operation, deadline) => {
    const records = recordsOf(operation);
    if (records.length === 0) throw invalid('No record(s) detected in request.');
    if (bringsRelated(records, table)) {
      requireReached(records, table, context);
      const writes = records.map(
        (record): WriteOne =>
          async (writer) =>
            writer.create(table, objectOf(record)),
      );
      const { pieces } = await writeNested(writes, create, shower, operation, deadline, context);
      return resultOf(arrayOfPieces(pieces));
    }
    const read = records.map((record) => readNew(record, stored, reader, operation));
    const dropped = droppedOf(read);
    const steps = read.map(
      (one): Step => ('error' in one ? one : { write: { kind: 'insert', document: one.members } }),
    );
    const [only] = steps;
    const done =
      steps.length === 1 && only
        ? [await insertOne(only, stored, context, deadline)]
        : await runSteps(steps, create.mode, stored, notTaken, ({ key }) => documentJson(key), context, deadline);
    return resultOf(arrayOfPieces(await shower.show(done, operation, deadline)), { dropped });
  };
}

async function insertOne(step: Step, table: StoreTable, context: ServiceContext, deadline: Deadline): Promise<Done> {
  try {
    if ('error' in step) throw step.error;
    const outcome = await context.writes.write(table, step.write, deadline);
    if ('error' in outcome) throw outcome.error;
    if ('missing' in outcome) throw notTaken();
    return outcome;
  } catch (thrown) {
    const error = MillraceError.from(thrown);
    if (concernsAll(error)) throw error;
    throw batchError({ outcomes: [{ error }], rolledBack: false });
  }
}

/** Collection writes whose records bring related records, or whose answer shows them: written, then read again. */

import type { Deadline } from '#common/deadline.ts';
import { type ItemOutcome, MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import { batchError } from '#common/records/result.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { BatchMode, type Operation, type Related, type Selection } from '#proto/data/v1/data_pb.ts';
import { again, isCollision } from '../collision.ts';
import { operandCoercionOf } from '../compile/coerce.ts';
import { hiddenOutputs, outputsOf } from '../plan/selection.ts';
import type { Param } from '../statement.ts';
import type { ServiceContext } from './context.ts';
import { NestedWriter } from './nested.ts';
import { planFind, withoutKeys } from './read.ts';
import { planRelated, type RelatedReader } from './related.ts';

type Key = readonly Param[];
/** Writes one record inside a transaction; the key of what was written. */
export type WriteOne = (writer: NestedWriter) => Promise<ReadonlyMap<FieldView, string | null>>;

export interface NestedOptions {
  readonly keys: readonly FieldView[];
  readonly selection?: Selection | undefined;
  readonly related: readonly Related[];
  readonly idField: readonly string[];
  readonly allowDelete: boolean;
}

/**
 * Runs the writes as the mode says: each record with its relations in a transaction of its own, or all in one for
 * `rollback`. @returns the records' JSON, read after the last write  @throws MillraceError with a BatchFailure
 */
export async function writeNested(
  writes: readonly WriteOne[],
  mode: BatchMode,
  table: TableView,
  options: NestedOptions,
  operation: Operation,
  deadline: Deadline,
  context: ServiceContext,
): Promise<Uint8Array[]> {
  // Before anything is written: what may not be shown is refused, or its rules are asked for.
  const related = planRelated(options.related, table, context);
  const written = mode === BatchMode.ROLLBACK ? await together() : await apart();
  const good = written.flatMap((one) => ('error' in one ? [] : [one.key]));
  const shown = await reread(good, related, table, options, operation, deadline, context);
  let next = 0;
  const outcomes = written.map((one): ItemOutcome => ('error' in one ? one : { json: shown[next++] as Uint8Array }));
  if (outcomes.some((outcome) => 'error' in outcome)) {
    throw batchError({ outcomes, rolledBack: mode === BatchMode.ROLLBACK });
  }
  return outcomes.map((outcome) => (outcome as { json: Uint8Array }).json);

  async function apart(): Promise<({ key: Key } | { error: MillraceError })[]> {
    const done: ({ key: Key } | { error: MillraceError })[] = [];
    for (const write of writes) {
      try {
        const key = await again(deadline, isCollision, () =>
          context.source.transaction(async (run) => {
            const fields = await write(new NestedWriter(run, operation, options.allowDelete, context));
            return keyOf(fields);
          }, deadline),
        );
        done.push({ key });
      } catch (thrown) {
        const error = MillraceError.from(thrown);
        if (concernsAll(error) && done.every((one) => 'error' in one)) throw error;
        done.push({ error });
        if (mode !== BatchMode.CONTINUE) break;
      }
    }
    return done;
  }

  async function together(): Promise<({ key: Key } | { error: MillraceError })[]> {
    let done: { key: Key }[] = [];
    try {
      await again(deadline, isCollision, () => {
        done = [];
        return context.source.transaction(async (run) => {
          const writer = new NestedWriter(run, operation, options.allowDelete, context);
          for (const write of writes) done.push({ key: keyOf(await write(writer)) });
        }, deadline);
      });
      return done;
    } catch (thrown) {
      const error = MillraceError.from(thrown);
      if (concernsAll(error)) throw error;
      // Nothing of it is there any more: only the failure can be shown.
      const outcomes: ItemOutcome[] = done.map(() => ({ json: Buffer.from('{}') }));
      throw batchError({ outcomes: [...outcomes, { error }], rolledBack: true });
    }
  }

  function keyOf(fields: ReadonlyMap<FieldView, string | null>): Key {
    return options.keys.map((field) => operandCoercionOf(field, context.dialect)(fields.get(field) ?? null));
  }
}

async function reread(
  keys: readonly Key[],
  related: RelatedReader,
  table: TableView,
  options: NestedOptions,
  operation: Operation,
  deadline: Deadline,
  context: ServiceContext,
): Promise<Uint8Array[]> {
  if (keys.length === 0) return [];
  const { dialect } = context;
  const shown = outputsOf(options.selection, table, options.idField, dialect, { extra: related.localFields });
  const outputs = [...hiddenOutputs(related.localFields, dialect), ...shown];
  const find = planFind(table, options.keys, outputs, {}, context);
  const wanted = keys.map((params) => ({ params, shown: params.map(String).join(',') }));
  const { rows, indexes } = await find(wanted, operation, deadline);
  const pieces = await related.attach(withoutKeys(rows, options.keys.length), operation, deadline);
  return indexes.map((index) => (index === undefined ? Buffer.from('{}') : (pieces[index] as Uint8Array)));
}

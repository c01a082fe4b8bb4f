/** Several writes of one request: what happens when one of them fails (database-api §4.6), undone by hand if need be. */
import type { Deadline } from '#common/deadline.ts';
import { type ItemOutcome, MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import { batchError } from '#common/records/result.ts';
import { BatchMode } from '#proto/data/v1/data_pb.ts';
import type { StoredDocument } from '../document.ts';
import type { StoreTable, Write, WriteOutcome } from '../engine.ts';
import type { ServiceContext } from './context.ts';
import { type Done, inverseOf, requireTakenBack } from './undo.ts';

/** A write, with the document as it was before where that is known, or why there is none. */
export type Step =
  | { readonly write: Write; readonly before?: StoredDocument | undefined }
  | { readonly error: MillraceError };

/**
 * Runs the steps in order as the mode says.
 * @param missing  how a write fails whose document is not there
 * @throws MillraceError with a BatchFailure when one failed; what was done is told by `shown`
 */
export async function runSteps(
  steps: readonly Step[],
  mode: BatchMode,
  table: StoreTable,
  missing: (index: number) => MillraceError,
  shown: (done: Done, index: number) => Uint8Array,
  context: ServiceContext,
  deadline: Deadline,
): Promise<Done[]> {
  const goOn = mode === BatchMode.CONTINUE;
  const firstBad = steps.findIndex((step) => 'error' in step);
  const reached = goOn || firstBad < 0 ? steps : steps.slice(0, firstBad);
  const places = reached.flatMap((step, i) => ('write' in step ? [i] : []));
  const writes = places.map((i) => (steps[i] as { write: Write }).write);
  const together = mode === BatchMode.ROLLBACK && fitsTransaction(writes, table, context);
  const { source } = context;
  const outcomes =
    writes.length === 0
      ? []
      : together && source.writeTogether
        ? await source.writeTogether(table, writes, deadline)
        : await source.write(table, writes, !goOn, deadline);
  const results = new Map(outcomes.map((outcome, i) => [places[i] as number, outcome]));
  const items: (Done | MillraceError)[] = [];
  for (const [i, step] of steps.entries()) {
    const item = 'error' in step ? step.error : resultOf(results.get(i), () => missing(i));
    if (!item) break; // behind the one that stopped it
    if (item instanceof MillraceError && concernsAll(item) && !goOn) throw item;
    items.push(item);
    if (!goOn && item instanceof MillraceError) break;
  }
  if (!items.some((item) => item instanceof MillraceError)) return items as Done[];
  if (mode === BatchMode.ROLLBACK && !(together && results.size > 0 && firstBad < 0)) {
    await undo(steps, items, table, context, deadline);
  }
  const told = items.map(
    (item, i): ItemOutcome => (item instanceof MillraceError ? { error: item } : { json: shown(item, i) }),
  );
  throw batchError({ outcomes: told, rolledBack: mode === BatchMode.ROLLBACK });
}

function resultOf(outcome: WriteOutcome | undefined, missing: () => MillraceError): Done | MillraceError | undefined {
  if (!outcome) return undefined;
  if ('error' in outcome) return outcome.error;
  return 'missing' in outcome ? missing() : outcome;
}

function fitsTransaction(writes: readonly Write[], { key }: StoreTable, { engine, source }: ServiceContext): boolean {
  const { transactions } = engine.pushdown;
  if (!transactions || !source.writeTogether || writes.length > transactions.writesMax) return false;
  if (!transactions.samePartition) return true;
  const first = key[0]?.name ?? '';
  const partition = (write: Write) => (write.kind === 'insert' ? write.document[first] : write.key[0]);
  return writes.every((write) => partition(write) === partition(writes[0] as Write));
}

/** @throws MillraceError conflict where one cannot be undone */
async function undo(
  steps: readonly Step[],
  items: readonly (Done | MillraceError)[],
  table: StoreTable,
  { source }: ServiceContext,
  deadline: Deadline,
): Promise<void> {
  const inverses = items.flatMap((item, i) => {
    const step = steps[i];
    if (item instanceof MillraceError || !step || 'error' in step) return [];
    return inverseOf(step.write, step.before, item, table) ?? [];
  });
  if (inverses.length > 0) requireTakenBack(await source.write(table, inverses.toReversed(), false, deadline));
}

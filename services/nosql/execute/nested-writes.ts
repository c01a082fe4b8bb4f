/** Records that bring related ones: each succeeds or fails with all of its own, or all together for `rollback`. */
import type { Deadline } from '#common/deadline.ts';
import { type ItemOutcome, MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import { batchError } from '#common/records/result.ts';
import { BatchMode, type Operation } from '#proto/data/v1/data_pb.ts';
import type { ServiceContext } from './context.ts';
import { NestedWriter, type Written } from './nested.ts';
import { documentJson } from './outputs.ts';
import type { Shower } from './shower.ts';
import { type Done, Journal } from './undo.ts';

/** Writes one record with its relations. */
export type WriteOne = (writer: NestedWriter) => Promise<Written>;

export interface NestedOptions {
  readonly mode: BatchMode;
  readonly allowRelatedDelete: boolean;
}

export interface ShownWrites {
  readonly pieces: readonly Uint8Array[];
  /** One of the records was not there before. */
  readonly created: boolean;
}

/** @returns the records, read after the last write  @throws MillraceError with a BatchFailure */
export async function writeNested(
  writes: readonly WriteOne[],
  { mode, allowRelatedDelete }: NestedOptions,
  shower: Shower,
  operation: Operation,
  deadline: Deadline,
  context: ServiceContext,
): Promise<ShownWrites> {
  const writerOf = (journal: Journal): NestedWriter =>
    new NestedWriter(journal, allowRelatedDelete, operation, deadline, context);
  const written = mode === BatchMode.ROLLBACK ? await together(writes, writerOf, context) : await apart();
  const good = written.flatMap((one) => ('error' in one ? [] : [one]));
  const shown = await shower.show(good, operation, deadline);
  if (good.length === written.length) return { pieces: shown, created: good.some(({ created }) => created) };
  let next = 0;
  const outcomes = written.map((one): ItemOutcome => ('error' in one ? one : { json: shown[next++] as Uint8Array }));
  throw batchError({ outcomes, rolledBack: false });

  async function apart(): Promise<(Done | { error: MillraceError })[]> {
    const items: (Done | { error: MillraceError })[] = [];
    for (const write of writes) {
      const journal = new Journal(context);
      try {
        items.push((await orUndo(journal, () => write(writerOf(journal)))).done);
      } catch (thrown) {
        const error = MillraceError.from(thrown);
        if (concernsAll(error) && items.every((one) => 'error' in one)) throw error;
        items.push({ error });
        if (mode !== BatchMode.CONTINUE) break;
      }
    }
    return items;
  }
}

async function together(
  writes: readonly WriteOne[],
  writerOf: (journal: Journal) => NestedWriter,
  context: ServiceContext,
): Promise<Done[]> {
  const journal = new Journal(context);
  const items: Done[] = [];
  try {
    await orUndo(journal, async () => {
      const writer = writerOf(journal);
      for (const write of writes) items.push((await write(writer)).done);
    });
    return items;
  } catch (thrown) {
    const error = MillraceError.from(thrown);
    if (concernsAll(error)) throw error;
    const told = items.map(({ key }): ItemOutcome => ({ json: documentJson(key) }));
    throw batchError({ outcomes: [...told, { error }], rolledBack: true });
  }
}

/** @throws MillraceError what failed, once all is taken back; conflict where it could not be */
async function orUndo<T>(journal: Journal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await journal.undo();
    throw error;
  }
}

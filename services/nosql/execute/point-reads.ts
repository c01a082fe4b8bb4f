/** Point reads of one table that arrive together become one request of the store. */
import { Batcher, type BatchOutcome } from '#common/batcher.ts';
import type { Deadline } from '#common/deadline.ts';
import { jointDeadline } from '#common/joint-deadline.ts';
import { stillWaitedFor } from '#common/still-waited-for.ts';
import type { StoredDocument } from '../document.ts';
import type { DocumentKey, NoSqlSource, StoreTable } from '../engine.ts';

interface PointRead {
  readonly table: StoreTable;
  readonly key: DocumentKey;
  readonly fields: readonly string[] | undefined;
  readonly deadline: Deadline;
}

/** Two requests in flight: one runs in the store while the documents of the other are written out. */
const BOUNDS = { batchMax: 500, waitingMax: 20_000, lines: 2, linesMax: 6, slowMs: 20 };

export class PointReads {
  readonly #source: NoSqlSource;
  readonly #batcher: Batcher<PointRead, StoredDocument | undefined>;

  constructor(source: NoSqlSource) {
    this.#source = source;
    this.#batcher = new Batcher((reads) => stillWaitedFor(reads, (some) => this.#run(some)), BOUNDS);
  }

  read(
    table: StoreTable,
    key: DocumentKey,
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<StoredDocument | undefined> {
    return this.#batcher.add({ table, key, fields, deadline });
  }

  async #run(reads: readonly PointRead[]): Promise<BatchOutcome<StoredDocument | undefined>[]> {
    const groups = new Map<string, PointRead[]>();
    for (const read of reads) {
      const group = groups.get(groupOf(read));
      if (group) group.push(read);
      else groups.set(groupOf(read), [read]);
    }
    const outcomes = new Map<PointRead, BatchOutcome<StoredDocument | undefined>>();
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const found = await this.#together(group);
        for (const [i, read] of group.entries()) outcomes.set(read, found[i] as BatchOutcome<undefined>);
      }),
    );
    return reads.map((read) => outcomes.get(read) as BatchOutcome<StoredDocument | undefined>);
  }

  async #together(group: readonly PointRead[]): Promise<BatchOutcome<StoredDocument | undefined>[]> {
    const [first] = group as readonly [PointRead];
    const deadline = jointDeadline(group.map((read) => read.deadline));
    const keys = group.map(({ key }) => key);
    try {
      const found = await this.#source.get(first.table, keys, first.fields, deadline);
      return group.map((_, i) => ({ value: found[i] }));
    } catch (error) {
      if (group.length === 1) return [{ error }];
      // One key that the store does not take must not fail the others.
      return Promise.all(group.map(async (read) => (await this.#together([read]))[0] as BatchOutcome<undefined>));
    }
  }
}

const groupOf = ({ table, fields }: PointRead): string => JSON.stringify([table.name, fields ?? null]);

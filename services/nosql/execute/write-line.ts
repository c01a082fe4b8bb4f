/** Single writes that gather while the last request runs share the next one, in which each fails alone. */
import { Batcher, type BatchOutcome } from '#common/batcher.ts';
import type { Deadline } from '#common/deadline.ts';
import { jointDeadline } from '#common/joint-deadline.ts';
import { stillWaitedFor } from '#common/still-waited-for.ts';
import type { NoSqlSource, StoreTable, Write, WriteOutcome } from '../engine.ts';

interface SingleWrite {
  readonly table: StoreTable;
  readonly write: Write;
  readonly deadline: Deadline;
}

const BOUNDS = { batchMax: 500, waitingMax: 20_000, lines: 2, linesMax: 6, slowMs: 15 };

export class WriteLine {
  readonly #source: NoSqlSource;
  readonly #batcher: Batcher<SingleWrite, WriteOutcome>;

  constructor(source: NoSqlSource) {
    this.#source = source;
    this.#batcher = new Batcher((writes) => stillWaitedFor(writes, (some) => this.#run(some)), BOUNDS);
  }

  write(table: StoreTable, write: Write, deadline: Deadline): Promise<WriteOutcome> {
    return this.#batcher.add({ table, write, deadline });
  }

  async #run(writes: readonly SingleWrite[]): Promise<BatchOutcome<WriteOutcome>[]> {
    const groups = new Map<StoreTable, SingleWrite[]>();
    for (const one of writes) {
      const group = groups.get(one.table);
      if (group) group.push(one);
      else groups.set(one.table, [one]);
    }
    const done = new Map<SingleWrite, BatchOutcome<WriteOutcome>>();
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const outcomes = await this.#together(group);
        for (const [i, one] of group.entries()) done.set(one, outcomes[i] as BatchOutcome<WriteOutcome>);
      }),
    );
    return writes.map((one) => done.get(one) as BatchOutcome<WriteOutcome>);
  }

  async #together(group: readonly SingleWrite[]): Promise<BatchOutcome<WriteOutcome>[]> {
    const [{ table }] = group as readonly [SingleWrite];
    const deadline = jointDeadline(group.map((one) => one.deadline));
    try {
      const outcomes = await this.#source.write(
        table,
        group.map(({ write }) => write),
        false,
        deadline,
      );
      return group.map((_, i) => {
        const outcome = outcomes[i];
        return outcome ? { value: outcome } : { error: new Error('A write has no outcome.') };
      });
    } catch (error) {
      return group.map(() => ({ error }));
    }
  }
}

/** Point reads of one shape that arrive together become one statement: `… where key in (all of them)`. */
import { Batcher, type BatchOutcome } from '#common/batcher.ts';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { jointDeadline } from '#common/joint-deadline.ts';
import { isMismatch } from '#common/schema/mismatch.ts';
import { stillWaitedFor } from '#common/still-waited-for.ts';
import type { Operation } from '#proto/data/v1/data_pb.ts';
import { bind, type Template } from '../compile/builder.ts';
import type { ListTemplate } from '../compile/list.ts';
import type { SqlSource } from '../engine.ts';
import type { Param, Rows } from '../statement.ts';
import { bindContextOf } from './context.ts';
import { rowAt } from './rows.ts';

interface PointRead {
  readonly operation: Operation;
  readonly key: Param;
  readonly deadline: Deadline;
}

/** Two statements of one shape in flight: one runs in the database while the other's rows are written out. */
const BOUNDS = { batchMax: 500, waitingMax: 20_000, lines: 1, linesMax: 4, slowMs: 20 };

export class PointReads {
  readonly #source: SqlSource;
  readonly #single: Template;
  readonly #many: ListTemplate;
  readonly #isExact: boolean;
  readonly #batcher: Batcher<PointRead, Uint8Array | undefined>;

  /**
   * @param single   finds one record by one key
   * @param many     finds all of the keys; its first column is the key, hidden
   * @param isExact  keys are equal exactly where their text is
   */
  constructor(source: SqlSource, single: Template, many: ListTemplate, { isExact }: { readonly isExact: boolean }) {
    this.#source = source;
    this.#single = single;
    this.#many = many;
    this.#isExact = isExact;
    this.#batcher = new Batcher((reads) => stillWaitedFor(reads, (some) => this.#run(some)), BOUNDS);
  }

  /** @returns the record's JSON, or undefined where there is none */
  read(operation: Operation, key: Param, deadline: Deadline): Promise<Uint8Array | undefined> {
    return this.#batcher.add({ operation, key, deadline });
  }

  async #run(reads: readonly PointRead[]): Promise<BatchOutcome<Uint8Array | undefined>[]> {
    const [first] = reads;
    if (!first) return [];
    if (reads.length === 1) return [await this.#alone(first)];
    // Conditions with parameters (a role's row filter) hold for one caller: those of the same values go together.
    if (first.operation.parameters.length > 0) return this.#grouped(reads);
    return this.#together(reads);
  }

  async #grouped(reads: readonly PointRead[]): Promise<BatchOutcome<Uint8Array | undefined>[]> {
    const groups = new Map<string, PointRead[]>();
    for (const read of reads) {
      const key = JSON.stringify(read.operation.parameters);
      const group = groups.get(key);
      if (group) group.push(read);
      else groups.set(key, [read]);
    }
    const outcomes = new Map<PointRead, BatchOutcome<Uint8Array | undefined>>();
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const done = await this.#together(group);
        for (const [i, read] of group.entries()) outcomes.set(read, done[i] as BatchOutcome<Uint8Array | undefined>);
      }),
    );
    return reads.map((read) => outcomes.get(read) as BatchOutcome<Uint8Array | undefined>);
  }

  async #together(reads: readonly PointRead[]): Promise<BatchOutcome<Uint8Array | undefined>[]> {
    const [first] = reads as readonly [PointRead];
    if (reads.length === 1) return [await this.#alone(first)];
    let rows: Rows;
    try {
      rows = await this.#fetch(reads);
    } catch (thrown) {
      const error = MillraceError.from(thrown);
      if (error.code !== 'invalid' || isMismatch(error)) return reads.map(() => ({ error }));
      // One key that the database does not take must not fail the others.
      return Promise.all(reads.map((read) => this.#alone(read)));
    }
    return this.#shareOut(reads, rows);
  }

  #fetch(reads: readonly PointRead[]): Promise<Rows> {
    const [first] = reads as readonly [PointRead];
    const keys = reads.map((read) => read.key);
    return this.#source.run(
      this.#many.bind(keys, bindContextOf(first.operation)),
      jointDeadline(reads.map((read) => read.deadline)),
    );
  }

  async #shareOut(reads: readonly PointRead[], rows: Rows): Promise<BatchOutcome<Uint8Array | undefined>[]> {
    const byKey = new Map<string, number>();
    for (const [index, key] of rows.hidden.entries()) if (!byKey.has(String(key))) byKey.set(String(key), index);
    const indexes = reads.map((read) => byKey.get(String(read.key)));
    // The database may compare more loosely than text does: who got nothing although there is something goes alone.
    const unsure =
      !this.#isExact && rows.count > 0 && (await this.#anyOf(reads.filter((_, i) => indexes[i] === undefined)));
    return Promise.all(
      reads.map((read, i) => {
        const index = indexes[i];
        if (index !== undefined) return { value: rowAt(rows, index) };
        return unsure ? this.#alone(read) : { value: undefined };
      }),
    );
  }

  async #anyOf(reads: readonly PointRead[]): Promise<boolean> {
    return reads.length === 1 || (reads.length > 1 && (await this.#fetch(reads)).count > 0);
  }

  async #alone({ operation, key, deadline }: PointRead): Promise<BatchOutcome<Uint8Array | undefined>> {
    try {
      const context = { ...bindContextOf(operation), record: [key] };
      const rows = await this.#source.run(bind(this.#single, context), deadline);
      return { value: rows.count > 0 ? rowAt(rows, 0) : undefined };
    } catch (error) {
      return { error };
    }
  }
}

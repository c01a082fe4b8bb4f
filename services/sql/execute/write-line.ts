/**
 * Group commit: single-record writes that gather while the last commit runs share the next one. Inserts of one form
 * become one statement; whatever fails is run again alone, so that it fails alone.
 */
import { Batcher, type BatchOutcome } from '#common/batcher.ts';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { jointDeadline } from '#common/joint-deadline.ts';
import { stillWaitedFor } from '#common/still-waited-for.ts';
import type { SqlSource, StatementOutcome } from '../engine.ts';
import type { Param, Rows, Statement } from '../statement.ts';
import { rowAt } from './rows.ts';

export interface SingleWrite {
  readonly statement: Statement;
  readonly deadline: Deadline;
  /** An insert that can be joined with others of the same form. */
  readonly bulk: BulkForm | undefined;
  readonly values: readonly Param[];
}

/** Inserts of the same columns into the same table, with the same answer. */
export interface BulkForm {
  /** Rows that one statement takes, descending to 1; undefined: any number. */
  readonly sizes: readonly number[] | undefined;
  /** The database kept some out without a word: nobody could tell whose the others are. Each goes alone from then on. */
  isUneven: boolean;
  many(rows: readonly (readonly Param[])[]): Statement;
}

/** Lines stay few: the fuller a commit, the cheaper each write in it. A lock held elsewhere opens others. */
const BOUNDS = { batchMax: 500, waitingMax: 20_000, lines: 2, linesMax: 6, slowMs: 15 };

export class WriteLine {
  readonly #source: SqlSource;
  readonly #batcher: Batcher<SingleWrite, Rows>;

  constructor(source: SqlSource) {
    this.#source = source;
    this.#batcher = new Batcher((writes) => stillWaitedFor(writes, (some) => this.#run(some)), BOUNDS);
  }

  /** @returns the rows that the write returned */
  write(write: SingleWrite): Promise<Rows> {
    return this.#batcher.add(write);
  }

  async #run(writes: readonly SingleWrite[]): Promise<BatchOutcome<Rows>[]> {
    const deadline = jointDeadline(writes.map((write) => write.deadline));
    const groups = groupByForm(writes).flatMap((group) => partsOf(group, group[0]?.bulk?.sizes));
    const statements = groups.map((group) => statementOf(group));
    const options = { mode: 'continue', optimistic: true } as const;
    const outcomes = await this.#source.runEach(statements, options, deadline);
    const done = new Map<SingleWrite, BatchOutcome<Rows>>();
    await Promise.all(
      groups.map(async (group, i) => {
        const shared = await this.#share(group, outcomes[i], deadline);
        for (const [j, write] of group.entries()) done.set(write, shared[j] as BatchOutcome<Rows>);
      }),
    );
    return writes.map((write) => done.get(write) as BatchOutcome<Rows>);
  }

  async #share(
    group: readonly SingleWrite[],
    outcome: StatementOutcome | undefined,
    deadline: Deadline,
  ): Promise<BatchOutcome<Rows>[]> {
    if (!outcome) return group.map(() => ({ error: new Error('A write has no outcome.') }));
    if (group.length === 1) return ['rows' in outcome ? { value: outcome.rows } : outcome];
    if ('rows' in outcome) return sharedOut(group, outcome.rows);
    if (!isOfOneRow(outcome.error)) return group.map(() => outcome);
    const statements = group.map((write) => write.statement);
    const alone = await this.#source.runEach(statements, { mode: 'continue', optimistic: false }, deadline);
    return group.map((_, i) => {
      const one = alone[i];
      if (!one) return { error: new Error('A write has no outcome.') };
      return 'rows' in one ? { value: one.rows } : one;
    });
  }
}

/** A single record may be what the database did not take; anything else concerns all of them. */
export function isOfOneRow(thrown: unknown): boolean {
  const { code } = MillraceError.from(thrown);
  return code === 'invalid' || code === 'conflict';
}

function groupByForm(writes: readonly SingleWrite[]): SingleWrite[][] {
  const groups: SingleWrite[][] = [];
  const byForm = new Map<BulkForm, SingleWrite[]>();
  for (const write of writes) {
    const bulk = write.bulk?.isUneven ? undefined : write.bulk;
    const known = bulk && byForm.get(bulk);
    if (known) {
      known.push(write);
      continue;
    }
    const group = [write];
    groups.push(group);
    if (bulk) byForm.set(bulk, group);
  }
  return groups;
}

/** A list in parts of the sizes, the biggest first; without sizes: all of it. */
export function partsOf<T>(list: readonly T[], sizes: readonly number[] | undefined): (readonly T[])[] {
  if (!sizes) return [list];
  const parts: (readonly T[])[] = [];
  let at = 0;
  for (const size of sizes) {
    for (; list.length - at >= size; at += size) parts.push(list.slice(at, at + size));
  }
  return parts;
}

function statementOf(group: readonly SingleWrite[]): Statement {
  const [first] = group as readonly [SingleWrite];
  if (group.length === 1 || !first.bulk) return first.statement;
  return first.bulk.many(group.map((write) => write.values));
}

function sharedOut(group: readonly SingleWrite[], rows: Rows): BatchOutcome<Rows>[] {
  const [first] = group as readonly [SingleWrite];
  // Also where a row was written and is not found again.
  const isUneven = rows.affected < group.length || (rows.count > 0 && rows.count < group.length);
  if (isUneven && first.bulk) first.bulk.isUneven = true;
  return group.map((_, i) => ({ value: isUneven || i >= rows.count ? NOTHING_SHOWN : singleRow(rows, i) }));
}

const NOTHING_SHOWN: Rows = { count: 0, json: new Uint8Array(), ends: [], hidden: [], affected: 1 };

function singleRow(rows: Rows, index: number): Rows {
  const json = rowAt(rows, index);
  const width = rows.hidden.length / rows.count;
  return {
    count: 1,
    json,
    ends: [json.length],
    hidden: rows.hidden.slice(index * width, (index + 1) * width),
    affected: 1,
  };
}

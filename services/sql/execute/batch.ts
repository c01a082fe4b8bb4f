/** Several writes of one request: what happens when one of them fails (database-api §4.6). */

import type { Deadline } from '#common/deadline.ts';
import { type ItemOutcome, MillraceError } from '#common/errors.ts';
import { concernsAll } from '#common/of-all.ts';
import { arrayOfPieces } from '#common/records/pieces.ts';
import { batchError } from '#common/records/result.ts';
import { BatchMode } from '#proto/data/v1/data_pb.ts';
import { again, isCollision } from '../collision.ts';
import type { SqlSource } from '../engine.ts';
import type { Rows, Statement } from '../statement.ts';
import { rowAt } from './rows.ts';

/** From this many statements on, all are tried at once first; below, a failure costs nothing twice. */
const OPTIMISTIC_FROM = 33;

/** A statement to run, or why its record cannot be written. */
export type Step =
  | { readonly statement: Statement; readonly onRows?: (rows: Rows) => void }
  | { readonly error: MillraceError };

const EMPTY_OBJECT = Buffer.from('{}');

/**
 * Runs the steps in order as the mode says. A statement that returns no row failed: `missing` says how.
 * @throws MillraceError with a BatchFailure when one failed
 */
export async function runSteps(
  steps: readonly Step[],
  mode: BatchMode,
  source: SqlSource,
  missing: (index: number) => MillraceError,
  deadline: Deadline,
): Promise<Uint8Array[]> {
  const goOn = mode === BatchMode.CONTINUE;
  const firstBad = steps.findIndex((step) => 'error' in step);
  const reached = goOn || firstBad < 0 ? steps : steps.slice(0, firstBad + 1);
  const outcomes =
    mode === BatchMode.ROLLBACK
      ? await rollingBack(reached, source, missing, deadline)
      : await apart(reached, goOn, source, missing, deadline);
  if (outcomes.some((outcome) => 'error' in outcome)) {
    throw batchError({ outcomes, rolledBack: mode === BatchMode.ROLLBACK });
  }
  return outcomes.map((outcome) => (outcome as { json: Uint8Array }).json);
}

export function stepsResult(pieces: readonly Uint8Array[]): Uint8Array {
  return arrayOfPieces(pieces);
}

async function apart(
  steps: readonly Step[],
  goOn: boolean,
  source: SqlSource,
  missing: (index: number) => MillraceError,
  deadline: Deadline,
): Promise<ItemOutcome[]> {
  const places = steps.flatMap((step, index) => ('statement' in step ? [index] : []));
  const statements = places.map((index) => (steps[index] as { statement: Statement }).statement);
  const options = { mode: goOn ? 'continue' : 'stop', optimistic: statements.length >= OPTIMISTIC_FROM } as const;
  const done = statements.length > 0 ? await source.runEach(statements, options, deadline) : [];
  const outcomes = new Map<number, ItemOutcome>();
  done.forEach((outcome, i) => {
    const index = places[i] as number;
    outcomes.set(
      index,
      'error' in outcome ? outcome : rowOutcome(steps[index] as Step, outcome.rows, () => missing(index)),
    );
  });
  const collected: ItemOutcome[] = [];
  for (const [index, step] of steps.entries()) {
    const outcome = 'error' in step ? step : outcomes.get(index);
    if (!outcome) break; // behind the one that stopped it
    collected.push(outcome);
    if (!goOn && 'error' in outcome) break;
  }
  return collected;
}

async function rollingBack(
  steps: readonly Step[],
  source: SqlSource,
  missing: (index: number) => MillraceError,
  deadline: Deadline,
): Promise<ItemOutcome[]> {
  return again(deadline, isCollision, async () => {
    const outcomes: ItemOutcome[] = [];
    const undo = new Error('rolled back');
    try {
      await source.transaction(async (run) => {
        for (const [index, step] of steps.entries()) {
          outcomes.push('error' in step ? step : await stepOutcome(step, run, () => missing(index)));
          if ('error' in (outcomes.at(-1) as ItemOutcome)) throw undo;
        }
      }, deadline);
    } catch (error) {
      if (error !== undo) throw error;
    }
    return outcomes;
  });
}

/** @throws MillraceError for what is not the record's fault */
async function stepOutcome(
  step: Exclude<Step, { error: unknown }>,
  run: (statement: Statement) => Promise<Rows>,
  missing: () => MillraceError,
): Promise<ItemOutcome> {
  try {
    return rowOutcome(step, await run(step.statement), missing);
  } catch (thrown) {
    const error = MillraceError.from(thrown);
    if (concernsAll(error) || isCollision(error)) throw error;
    return { error };
  }
}

function rowOutcome(step: Step, rows: Rows, missing: () => MillraceError): ItemOutcome {
  if (rows.count === 0) return rows.affected > 0 ? { json: EMPTY_OBJECT } : { error: missing() };
  if ('onRows' in step) step.onRows?.(rows);
  return { json: rowAt(rows, 0) };
}

/** Several records in one request: what happens when one of them fails (system-api §2.3, compatibility rule 6). */

import { type ItemOutcome, invalid, MillraceError } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import { BatchMode } from '#proto/data/v1/data_pb.ts';
import type { Changes, Dirty } from '../changes.ts';
import { fromDatabase } from '../database/errors.ts';
import type { Db } from '../database/open.ts';
import type { JsonObject } from './model.ts';

export type Verb = 'created' | 'updated' | 'deleted' | 'retrieved';

export const jsonBytes = (value: unknown): Uint8Array => Buffer.from(stringifyJson(value));

/** A record as it is answered, and what is left to do once it is committed. */
export interface Written {
  readonly json: JsonObject;
  readonly afterwards?: (() => Promise<void>) | undefined;
}

/**
 * Writes each item in a transaction of its own, or all in one where the mode is ROLLBACK.
 *
 * @throws MillraceError invalid with the outcome of every item that was reached
 */
export async function writeEach<T>(
  items: readonly T[],
  mode: BatchMode,
  verb: Verb,
  changes: Changes,
  dirty: Dirty,
  work: (item: T, db: Db) => Promise<Written>,
): Promise<JsonObject[]> {
  const outcomes: (JsonObject | MillraceError)[] = [];
  if (mode === BatchMode.ROLLBACK) {
    try {
      await changes.commit(dirty, async (trx) => {
        outcomes.length = 0;
        for (const item of items) {
          const written = await work(item, trx);
          if (written.afterwards) throw invalid('An e-mail cannot be taken back: leave rollback or send_invite out.');
          outcomes.push(written.json);
        }
      });
    } catch (error) {
      outcomes.push(fromDatabase(error));
    }
    return settle(outcomes, verb, true);
  }
  for (const item of items) {
    try {
      const written = await changes.commit(dirty, (trx) => work(item, trx));
      await written.afterwards?.();
      outcomes.push(written.json);
    } catch (error) {
      outcomes.push(fromDatabase(error));
      if (mode !== BatchMode.CONTINUE) break;
    }
  }
  return settle(outcomes, verb, false);
}

/** The records, where all went well. @throws MillraceError invalid that holds the outcomes otherwise */
export function settle(
  outcomes: readonly (JsonObject | MillraceError)[],
  verb: Verb,
  rolledBack: boolean,
): JsonObject[] {
  if (!outcomes.some(isError)) return outcomes as JsonObject[];
  const end = rolledBack ? ' All changes rolled back.' : '';
  const message = `Batch Error: Not all requested records could be ${verb}.${end}`;
  const items = outcomes.map(
    (outcome): ItemOutcome => (isError(outcome) ? { error: outcome } : { json: jsonBytes(outcome) }),
  );
  throw new MillraceError('invalid', message, undefined, undefined, { outcomes: items, rolledBack });
}

const isError = (outcome: JsonObject | MillraceError): outcome is MillraceError => outcome instanceof MillraceError;

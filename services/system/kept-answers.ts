/**
 * Writes that carry an Idempotency-Key are done once: the first claims the key, its answer is kept, and whoever sends
 * the same again, to whichever router, gets that answer.
 */
import type { Kysely } from 'kysely';
import { fromDatabase, isUniqueViolation } from './database/errors.ts';
import type { KeptAnswerTable, Tables } from './database/tables.ts';

export interface Claim {
  readonly key: string;
  readonly request: string;
  readonly leaseMs: number;
  readonly keepMs: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

export type Claimed =
  | { readonly state: 'claimed' | 'running' | 'other request' | 'unknown' }
  | { readonly state: 'answered'; readonly answer: Answer };

export class KeptAnswers {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** @throws MillraceError unavailable */
  async claim({ key, request, leaseMs, keepMs }: Claim): Promise<Claimed> {
    const now = Date.now();
    try {
      await this.#db.deleteFrom('kept_answer').where('key', '=', key).where('expires_at', '<=', now).execute();
      const row = { key, request, lease_until: now + leaseMs, expires_at: now + keepMs };
      await this.#db.insertInto('kept_answer').values(row).execute();
      return { state: 'claimed' };
    } catch (error) {
      if (!isUniqueViolation(error)) throw fromDatabase(error);
    }
    const known = await this.#db.selectFrom('kept_answer').selectAll().where('key', '=', key).executeTakeFirst();
    // Released in between: whoever asks again may claim it.
    return known ? became(known, request, now) : { state: 'running' };
  }

  async keep(key: string, { status, headers, body }: Answer): Promise<void> {
    const answer = { status, headers: JSON.stringify(headers), body: body.toString('base64') };
    await this.#db.updateTable('kept_answer').set(answer).where('key', '=', key).execute();
  }

  async release(key: string): Promise<void> {
    await this.#db.deleteFrom('kept_answer').where('key', '=', key).where('status', 'is', null).execute();
  }

  async forgetExpired(): Promise<void> {
    await this.#db.deleteFrom('kept_answer').where('expires_at', '<=', Date.now()).execute();
  }
}

function became(known: KeptAnswerTable, request: string, now: number): Claimed {
  if (known.request !== request) return { state: 'other request' };
  if (known.status === null) return { state: Number(known.lease_until) > now ? 'running' : 'unknown' };
  const headers = JSON.parse(known.headers ?? '[]') as [string, string][];
  return {
    state: 'answered',
    answer: { status: known.status, headers, body: Buffer.from(known.body ?? '', 'base64') },
  };
}

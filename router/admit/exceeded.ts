/** A request beyond a limit: the answer that the original gives, and when to come back (system-api §7.3). */
import { MillraceError } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import type { Limit } from '#proto/access/v1/access_pb.ts';
import type { Headers } from '../http/reply.ts';

export interface Exceeded {
  readonly limit: Limit;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export class LimitsExceeded extends MillraceError {
  readonly exceeded: readonly Exceeded[];

  constructor(exceeded: readonly Exceeded[]) {
    super('limited', 'API limit(s) exceeded. ');
    this.exceeded = exceeded;
  }

  /** The limits as clients know them. */
  get facts(): readonly unknown[] {
    return this.exceeded.map(({ limit: { id, name, recordJson } }) => ({ id, name, object: parseJson(recordJson) }));
  }

  /** Of the one that ends last: what came before it is of no use. The names of the original, and those of the draft. */
  headers(now = Date.now()): Headers {
    const last = this.exceeded.reduce((a, b) => (b.until > a.until ? b : a));
    const seconds = Math.max(1, Math.ceil((last.until - now) / 1000));
    const { rate } = last.limit;
    return [
      ['X-RateLimit-Limit', String(rate)],
      ['X-RateLimit-Remaining', '0'],
      ['X-RateLimit-Reset', String(Math.ceil(last.until / 1000))],
      ['RateLimit-Limit', String(rate)],
      ['RateLimit-Remaining', '0'],
      ['RateLimit-Reset', String(seconds)],
      ['Retry-After', String(seconds)],
    ];
  }
}

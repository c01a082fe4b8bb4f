/** Answers too large for the shared stream, waiting to be fetched by Export. */
import { randomUUID } from 'node:crypto';
import type { Result } from '#proto/data/v1/data_pb.ts';
import { PARKED_LIFETIME_MS } from '../bounds.ts';

export class ParkedAnswers {
  readonly #waiting = new Map<string, { result: Result; timer: NodeJS.Timeout }>();

  /** @returns the ticket; it is good for PARKED_LIFETIME_MS and for one fetch */
  park(result: Result): string {
    const ticket = randomUUID();
    const timer = setTimeout(() => this.#waiting.delete(ticket), PARKED_LIFETIME_MS);
    timer.unref();
    this.#waiting.set(ticket, { result, timer });
    return ticket;
  }

  take(ticket: string): Result | undefined {
    const parked = this.#waiting.get(ticket);
    if (!parked) return undefined;
    clearTimeout(parked.timer);
    this.#waiting.delete(ticket);
    return parked.result;
  }
}

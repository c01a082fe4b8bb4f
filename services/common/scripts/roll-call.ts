/**
 * Which workers of a lane are there, as one router knows it. NATS says at once when nobody listens on a worker's own
 * subject: that is how its death is told from its being busy. And as what one sender sends to one receiver arrives in
 * order, a batch for which no receipt came before every living worker answered a later roll call is with none of them.
 */
export class RollCall {
  /** Subject of a worker → the last call that it has answered. */
  readonly #workers = new Map<string, number>();
  #call = 0;

  /** The number of the last call; what is sent now comes behind it. */
  get current(): number {
    return this.#call;
  }

  get workers(): Iterable<string> {
    return this.#workers.keys();
  }

  /** @returns the number of the new call */
  begin(): number {
    this.#call += 1;
    return this.#call;
  }

  /** It is there: it sends a receipt, or says hello. */
  heard(worker: string): void {
    if (!this.#workers.has(worker)) this.#workers.set(worker, 0);
  }

  answered(worker: string, call: number): void {
    this.#workers.set(worker, Math.max(call, this.#workers.get(worker) ?? 0));
  }

  gone(worker: string): void {
    this.#workers.delete(worker);
  }

  /** The last call that all have answered: batches that were sent before it and have no receipt are lost. */
  get settled(): number {
    return this.#workers.size === 0 ? 0 : Math.min(...this.#workers.values());
  }
}

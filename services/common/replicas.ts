/** The replicas of one tier: the less loaded of two drawn by chance, and failing ones rest for a while. */

export interface Replica {
  readonly inFlight: number;
  close(): void;
}

interface Place<R> {
  readonly replica: R;
  /** Not picked before this moment, milliseconds: it has just failed. */
  restsUntil: number;
  failures: number;
}

const REST_MS = 200;
const REST_MAX_MS = 5_000;

export class Replicas<R extends Replica> {
  readonly #places: readonly Place<R>[];

  constructor(replicas: readonly R[]) {
    this.#places = replicas.map((replica) => ({ replica, restsUntil: 0, failures: 0 }));
  }

  get size(): number {
    return this.#places.length;
  }

  pick(): R | undefined {
    if (this.#places.length === 1) return this.#places[0]?.replica;
    const now = Date.now();
    const rested = this.#places.filter((place) => place.restsUntil <= now);
    // All failing: any is better than none.
    const candidates = rested.length > 0 ? rested : this.#places;
    const a = candidates[Math.floor(Math.random() * candidates.length)]?.replica;
    const b = candidates[Math.floor(Math.random() * candidates.length)]?.replica;
    return a && b && b.inFlight < a.inFlight ? b : a;
  }

  failed(replica: R): void {
    const place = this.#places.find((one) => one.replica === replica);
    if (!place) return;
    place.failures += 1;
    place.restsUntil = Date.now() + Math.min(REST_MAX_MS, REST_MS * 2 ** Math.min(10, place.failures - 1));
  }

  succeeded(replica: R): void {
    const place = this.#places.length > 1 ? this.#places.find((one) => one.replica === replica) : undefined;
    if (place) place.failures = 0;
  }

  get inFlight(): number {
    return this.#places.reduce((sum, { replica }) => sum + replica.inFlight, 0);
  }

  close(): void {
    for (const { replica } of this.#places) replica.close();
  }
}

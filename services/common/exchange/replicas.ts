/** The replicas of one tier: the less loaded of two drawn by chance, and failing ones rest for a while. */

/** Whoever speaks with one of them. */
export interface ReplicaClient {
  readonly inFlight: number;
  close(): void;
}

interface Replica<C extends ReplicaClient> {
  readonly client: C;
  /** Not picked before this moment, milliseconds: it has just failed. */
  restsUntil: number;
  failures: number;
}

const REST_MS = 200;
const REST_MAX_MS = 5_000;

export class Replicas<C extends ReplicaClient> {
  readonly #replicas: readonly Replica<C>[];

  /** @param clients  one for each address of the tier */
  constructor(clients: readonly C[]) {
    this.#replicas = clients.map((client) => ({ client, restsUntil: 0, failures: 0 }));
  }

  pick(): C | undefined {
    if (this.#replicas.length === 1) return this.#replicas[0]?.client;
    const now = Date.now();
    const rested = this.#replicas.filter((replica) => replica.restsUntil <= now);
    // All failing: any is better than none.
    const candidates = rested.length > 0 ? rested : this.#replicas;
    const a = candidates[Math.floor(Math.random() * candidates.length)];
    const b = candidates[Math.floor(Math.random() * candidates.length)];
    return a && b && b.client.inFlight < a.client.inFlight ? b.client : a?.client;
  }

  failed(client: C): void {
    const replica = this.#replicas.find((one) => one.client === client);
    if (!replica) return;
    replica.failures += 1;
    replica.restsUntil = Date.now() + Math.min(REST_MAX_MS, REST_MS * 2 ** Math.min(10, replica.failures - 1));
  }

  succeeded(client: C): void {
    const replica = this.#replicas.length > 1 ? this.#replicas.find((one) => one.client === client) : undefined;
    if (replica) replica.failures = 0;
  }

  get inFlight(): number {
    return this.#replicas.reduce((sum, replica) => sum + replica.client.inFlight, 0);
  }

  close(): void {
    for (const replica of this.#replicas) replica.client.close();
  }
}

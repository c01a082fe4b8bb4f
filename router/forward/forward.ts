/** Sends an operation to the tier that serves it. Work that changes nothing is tried once more elsewhere. */
import type { RecordPiece } from '#common/connector.ts';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { ExchangeClient } from '#common/exchange/client.ts';
import type { Replicas } from '#common/replicas.ts';
import type { Operation, Result } from '#proto/data/v1/data_pb.ts';

export interface Forwarded {
  readonly result: Result;
  /** The JSON is too large for one piece: it comes from here, chunk by chunk. */
  readonly chunks: AsyncGenerator<Uint8Array> | undefined;
}

export class Forwarder {
  readonly #tiers: ReadonlyMap<string, Replicas<ExchangeClient>>;

  constructor(tiers: ReadonlyMap<string, Replicas<ExchangeClient>>) {
    this.#tiers = tiers;
  }

  /**
   * @param repeatable  the operation may run twice without harm
   * @throws MillraceError unavailable when no replica answers; whatever the connector says
   */
  send(tier: string, operation: Operation, deadline: Deadline, repeatable: boolean): Promise<Forwarded> {
    const replicas = this.#tiers.get(tier);
    if (!replicas) {
      return Promise.reject(unknownTier());
    }
    const sent = this.#once(replicas, operation, deadline);
    if (!repeatable) return sent;
    return sent.catch((error: unknown) => {
      if (!isLost(error) || deadline.reason) throw error;
      return this.#once(replicas, operation, deadline);
    });
  }

  /**
   * The answer to a Read of everything, as it comes. Leaving the loop early ends the query.
   * @throws MillraceError unavailable when no replica is known
   */
  stream(tier: string, operation: Operation, deadline: Deadline): AsyncGenerator<Uint8Array> {
    const client = this.#tiers.get(tier)?.pick();
    if (!client) throw unknownTier();
    return client.stream(operation, deadline);
  }

  /** A Create whose records come in pieces. @throws MillraceError whatever the connector says */
  async import(
    tier: string,
    operation: Operation,
    pieces: AsyncIterable<RecordPiece>,
    deadline: Deadline,
  ): Promise<Forwarded> {
    const client = this.#tiers.get(tier)?.pick();
    if (!client) throw unknownTier();
    return { result: await client.import(operation, pieces, deadline), chunks: undefined };
  }

  get inFlight(): number {
    let sum = 0;
    for (const replicas of this.#tiers.values()) sum += replicas.inFlight;
    return sum;
  }

  close(): void {
    for (const replicas of this.#tiers.values()) replicas.close();
  }

  #once(replicas: Replicas<ExchangeClient>, operation: Operation, deadline: Deadline): Promise<Forwarded> {
    const client = replicas.pick();
    if (!client) return Promise.reject(unknownTier());
    return client.send(operation, deadline).then(
      ({ result, ticket }) => {
        replicas.succeeded(client);
        return { result, chunks: ticket === undefined ? undefined : client.fetch(ticket) };
      },
      (error: unknown) => {
        if (isLost(error)) replicas.failed(client);
        throw error;
      },
    );
  }
}

const unknownTier = () => new MillraceError('unavailable', 'No connector is configured for this type of service.');

/** Only a lost line has a cause: what the connector itself reports is no reason to avoid it. */
function isLost(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'unavailable' && error.cause !== undefined;
}

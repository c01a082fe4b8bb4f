/** Transactions, where the server has them: those of a replica set and routers of a sharded cluster do. */
import { type Document as BsonDocument, type ClientSession, MongoServerError } from 'mongodb';
import type { Deadline } from '#common/deadline.ts';
import type { WriteOutcome } from '../engine.ts';

/** What is asked of the driver. */
export interface Sessions {
  /** Answers a command to the database. */
  command(command: BsonDocument): Promise<BsonDocument>;
  startSession(): Pick<ClientSession, 'withTransaction' | 'endSession'>;
  /** Reads anything within a session. */
  read(session: ClientSession): Promise<unknown>;
}

/** What a server says that is part of something larger. @param hello  its answer */
export const mayHaveTransactions = (hello: BsonDocument): boolean =>
  typeof hello['logicalSessionTimeoutMinutes'] === 'number' &&
  (typeof hello['setName'] === 'string' || hello['msg'] === 'isdbgrid');

export class Transactions {
  readonly #sessions: Sessions;
  #areThere = false;
  #areRefused = false;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  get areThere(): boolean {
    return this.#areThere;
  }

  /**
   * Finds out, until it is known that there are some. Not every server that says it is one of a set has them: one that
   * only reads is tried.
   */
  async look(): Promise<void> {
    if (this.#areThere || this.#areRefused) return;
    try {
      if (!mayHaveTransactions(await this.#sessions.command({ hello: 1 }))) return;
      await this.#within((session) => this.#sessions.read(session));
      this.#areThere = true;
    } catch (error) {
      // Whoever cannot be reached has said nothing; one that does not know the words never will.
      this.#areRefused = error instanceof MongoServerError && !isTransient(error);
    }
  }

  /**
   * Writes that are all done, or none of them where one is not.
   * @param write  called again where the transaction met another one; what it rejects with takes all back
   */
  async run(
    write: (session: ClientSession) => Promise<readonly WriteOutcome[]>,
    deadline: Deadline,
  ): Promise<readonly WriteOutcome[]> {
    const work = async (session: ClientSession): Promise<readonly WriteOutcome[]> => {
      deadline.throwIfAborted();
      const outcomes = await write(session);
      // Whoever has gone was told that nothing was done.
      deadline.throwIfAborted();
      if (!outcomes.every((one) => 'key' in one)) throw new Undone(outcomes);
      return outcomes;
    };
    try {
      return await this.#within(work, { maxCommitTimeMS: Math.max(1, Math.ceil(deadline.remainingMs())) });
    } catch (error) {
      if (error instanceof Undone) return error.outcomes;
      throw error;
    }
  }

  async #within<T>(work: (session: ClientSession) => Promise<T>, options = {}): Promise<T> {
    const session = this.#sessions.startSession();
    try {
      return await session.withTransaction(work, options);
    } finally {
      await session.endSession().catch(() => {});
    }
  }
}

/** The same transaction may succeed at the next attempt. */
export const isTransient = (error: unknown): boolean =>
  (error as { hasErrorLabel?(label: string): boolean }).hasErrorLabel?.('TransientTransactionError') ?? false;

/** Takes a transaction back. */
class Undone extends Error {
  readonly outcomes: readonly WriteOutcome[];

  constructor(outcomes: readonly WriteOutcome[]) {
    super('One of the writes was not done.');
    this.outcomes = outcomes;
  }
}

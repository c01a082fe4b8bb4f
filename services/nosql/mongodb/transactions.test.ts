/** When transactions are used, and what becomes of them; the driver and its server are stand-ins. */
import { type ClientSession, type Collection, type Document, MongoNetworkError, MongoServerError } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { callerGone, Deadline } from '#common/deadline.ts';
import type { Write } from '../engine.ts';
import { mayHaveTransactions, type Sessions, Transactions } from './transactions.ts';
import { MongoWrites } from './writes.ts';

const SESSIONS = { logicalSessionTimeoutMinutes: 30 };
const serverError = (code: number, ...labels: string[]): MongoServerError => {
  const error = new MongoServerError({ message: 'No.', code });
  for (const label of labels) error.addErrorLabel(label);
  return error;
};

test.each([
  ['one of a replica set', { ...SESSIONS, setName: 'rs0' }, true],
  ['a router of a sharded cluster', { ...SESSIONS, msg: 'isdbgrid' }, true],
  ['one that stands alone', SESSIONS, false],
  ['a set that knows no sessions', { setName: 'rs0' }, false],
  ['what answers otherwise', { ok: 1 }, false],
])('a server: %s', (_, hello, there) => {
  expect(mayHaveTransactions(hello)).toBe(there);
});

/** Of the driver: what it is told of transactions, in order. Each is begun anew where an error says that it may be. */
class Stand implements Sessions {
  readonly told: string[] = [];
  hello: () => Promise<Document> = async () => ({ ...SESSIONS, setName: 'rs0' });
  answers: (() => Promise<unknown>)[] = [];

  command(): Promise<Document> {
    this.told.push('hello');
    return this.hello();
  }

  read(): Promise<unknown> {
    this.told.push('read');
    return (this.answers.shift() ?? (async () => null))();
  }

  startSession(): ClientSession {
    const session = {
      withTransaction: async (work: (session: ClientSession) => Promise<unknown>) => {
        for (;;) {
          this.told.push('begin');
          try {
            const result = await work(session);
            this.told.push('commit');
            return result;
          } catch (error) {
            this.told.push('abort');
            if (!(error instanceof MongoServerError && error.hasErrorLabel('TransientTransactionError'))) throw error;
          }
        }
      },
      endSession: async () => void this.told.push('end'),
    } as unknown as ClientSession;
    return session;
  }
}

describe('transactions are looked for', () => {
  test('where there are some, once', async () => {
    const stand = new Stand();
    const transactions = new Transactions(stand);
    expect(transactions.areThere).toBe(false);
    await transactions.look();
    await transactions.look();
    expect([transactions.areThere, stand.told]).toEqual([true, ['hello', 'begin', 'read', 'commit', 'end']]);
  });

  test('again, where a server stood alone', async () => {
    const stand = new Stand();
    stand.hello = async () => SESSIONS;
    const transactions = new Transactions(stand);
    await transactions.look();
    expect([transactions.areThere, stand.told]).toEqual([false, ['hello']]);
    stand.hello = async () => ({ ...SESSIONS, setName: 'rs0' });
    await transactions.look();
    expect(transactions.areThere).toBe(true);
  });

  test('not again, where a server only says that it has them', async () => {
    const stand = new Stand();
    stand.answers = [() => Promise.reject(serverError(9))];
    const transactions = new Transactions(stand);
    await transactions.look();
    await transactions.look();
    expect([transactions.areThere, stand.told]).toEqual([false, ['hello', 'begin', 'read', 'abort', 'end']]);
  });

  test('again, where nobody answered', async () => {
    const stand = new Stand();
    stand.answers = [() => Promise.reject(new MongoNetworkError('Gone.'))];
    const transactions = new Transactions(stand);
    await transactions.look();
    expect(transactions.areThere).toBe(false);
    await transactions.look();
    expect(transactions.areThere).toBe(true);
  });
});

describe('writes of a transaction', () => {
  const INSERT: Write = { kind: 'insert', document: { _id: 1, n: 1 } };
  const REPLACE: Write = { kind: 'replace', key: [2], document: { n: 2 }, upsert: false };
  const MERGE: Write = { kind: 'merge', key: [3], members: { n: 3 }, upsert: false };
  const DELETE: Write = { kind: 'delete', key: [4] };
  const ALL = [INSERT, REPLACE, MERGE, DELETE];
  const done = { key: { _id: 2 }, created: false };

  /** A collection whose operations answer as they are told, or with success. */
  function run(
    writes: readonly Write[],
    answers: Record<string, () => unknown> = {},
    deadline = Deadline.after(5_000),
  ) {
    const stand = new Stand();
    const operation =
      (name: string, good: object) =>
      async (...args: unknown[]) => {
        const { session } = (args.at(-1) ?? {}) as { session?: unknown };
        stand.told.push(session ? name : `${name} outside`);
        return answers[name]?.() ?? good;
      };
    const collection = {
      insertOne: operation('insert', {}),
      replaceOne: operation('replace', { matchedCount: 1 }),
      updateOne: operation('merge', { matchedCount: 1 }),
      deleteOne: operation('delete', { deletedCount: 1 }),
    } as unknown as Collection<Document>;
    const written = new MongoWrites(
      () => collection,
      (_, work) => work(),
    );
    const transactions = new Transactions(stand);
    const outcomes = transactions.run((session) => written.within(session, 't', writes, deadline), deadline);
    return { stand, outcomes };
  }

  test('all are done within it, in order', async () => {
    const { stand, outcomes } = run(ALL);
    expect(await outcomes).toMatchObject([
      { created: true },
      { created: false },
      { created: false },
      { created: false },
    ]);
    expect(stand.told).toEqual(['begin', 'insert', 'replace', 'merge', 'delete', 'commit', 'end']);
  });

  test.each([
    ['one that is not there', () => ({ matchedCount: 0 }), { missing: true }],
    ['a value that is taken', () => Promise.reject(serverError(11000)), { error: { code: 'conflict' } }],
  ])('%s takes all back, and ends it', async (_, merge, last) => {
    const { stand, outcomes } = run([REPLACE, MERGE, DELETE], { merge });
    expect(await outcomes).toMatchObject([done, last]);
    expect(stand.told).toEqual(['begin', 'replace', 'merge', 'abort', 'end']);
  });

  test('a record that cannot be stored takes all back', async () => {
    const { stand, outcomes } = run([REPLACE, { kind: 'insert', document: { $set: 1 } }]);
    expect(await outcomes).toMatchObject([done, { error: { code: 'invalid', context: { field: '$set' } } }]);
    expect(stand.told.slice(-2)).toEqual(['abort', 'end']);
  });

  test('one that met another is begun anew', async () => {
    let attempts = 0;
    const merge = () => (++attempts === 1 ? Promise.reject(serverError(112, 'TransientTransactionError')) : undefined);
    const { stand, outcomes } = run([REPLACE, MERGE], { merge });
    expect(await outcomes).toMatchObject([done, { key: { _id: 3 } }]);
    const once = ['begin', 'replace', 'merge'];
    expect(stand.told).toEqual([...once, 'abort', ...once, 'commit', 'end']);
  });

  test('nothing is committed behind the deadline', async () => {
    const deadline = Deadline.after(5_000);
    const { stand, outcomes } = run([REPLACE, MERGE], { replace: () => void deadline.abort(callerGone()) }, deadline);
    await expect(outcomes).rejects.toMatchObject({ code: expect.stringMatching(/cancelled|deadline/) });
    expect(stand.told).toEqual(['begin', 'replace', 'abort', 'end']);
  });
});

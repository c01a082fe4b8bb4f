/** What Cassandra does when it is not well, said by a driver that asks nobody. */
import { Client, errors } from 'cassandra-driver';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { callerGone, Deadline, deadlinePassed } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { NoSqlSource, StoreTable } from '../engine.ts';
import { isThrottled, translate } from './errors.ts';
import { engine } from './index.ts';
import { described } from './layout.ts';

const TABLE: StoreTable = {
  name: 'things',
  indexes: [],
  ...described({
    ...{ columns: { id: 'text', n: 'int' }, partition_key: ['id'], clustering_key: [] },
    ...{ clustering_order: {}, static: [] },
  }),
};
const said = (code: number, message = 'at 10.0.0.1'): Error => new errors.ResponseError(code, message);
const noHost = (...inner: Error[]): Error =>
  new errors.NoHostAvailableError(Object.fromEntries(inner.map((one, n) => [`10.0.0.${n}:9042`, one])));
const refusedConnection = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:9042'), { errno: -111 });
const OVERLOADED = 0x1001;
const BOOTSTRAPPING = 0x1002;

const ERRORS: readonly (readonly [why: string, thrown: unknown, code: string])[] = [
  ['it fails', said(0x0000), 'unavailable'],
  ['a value that it cannot read', said(0x0000, 'MarshalException: unable to make int'), 'invalid'],
  ['a token of another list', said(0x000a), 'invalid'],
  ['wrong credentials', said(0x0100), 'unavailable'],
  ['wrong credentials, seen by the driver', new errors.AuthenticationError('for user x at 10.0.0.1'), 'unavailable'],
  ['too few replicas', said(0x1000), 'unavailable'],
  ['too many requests', said(OVERLOADED), 'overloaded'],
  ['a node that has just begun', said(BOOTSTRAPPING), 'overloaded'],
  ['a write that took too long', said(0x1100), 'unavailable'],
  ['a read that took too long', said(0x1200), 'unavailable'],
  ['a read that failed', said(0x1300), 'unavailable'],
  ['a function that failed: a value of another type', said(0x1400), 'invalid'],
  ['a write that failed', said(0x1500), 'unavailable'],
  ['CQL that is none', said(0x2000), 'invalid'],
  ['no permission', said(0x2100), 'denied'],
  ['a request that is not taken', said(0x2200), 'invalid'],
  ['no table', said(0x2200, 'table nothing does not exist'), 'not_found'],
  ['no table, in other words', said(0x2200, 'unconfigured table nothing'), 'not_found'],
  ['no keyspace', said(0x2200, "Keyspace 'nothing' does not exist"), 'unavailable'],
  [
    'a column with an index',
    said(0x2200, 'Cannot drop column a because it has dependent secondary indexes (x)'),
    'conflict',
  ],
  ['an index that is there', said(0x2200, "Index 'x' already exists"), 'conflict'],
  ['a record that is too large', said(0x2200, 'Request is too big: length 17825860 exceeds maximum'), 'invalid'],
  ['a table that is there', said(0x2400), 'conflict'],
  ['something new', said(0x7777), 'unavailable'],
  ['nobody is there', noHost(), 'unavailable'],
  ['no connection', noHost(refusedConnection), 'unavailable'],
  ['no connection, and no keyspace', noHost(said(0x2200, "Keyspace 'nothing' does not exist")), 'unavailable'],
  ['wrong credentials, at each host', noHost(new errors.AuthenticationError('x')), 'unavailable'],
  ['too many requests, at each host', noHost(said(OVERLOADED), said(OVERLOADED)), 'overloaded'],
  ['too many requests at one, another is gone', noHost(refusedConnection, said(OVERLOADED)), 'unavailable'],
  ['a request that one host does not take', noHost(said(0x2200)), 'invalid'],
  ['too many requests for one connection', new errors.BusyConnectionError('10.0.0.1', 2048, 1), 'overloaded'],
  ['no answer', new errors.OperationTimedOutError('x', '10.0.0.1'), 'unavailable'],
  ['a connection that breaks', refusedConnection, 'unavailable'],
  ['a driver that knows no further', new errors.DriverInternalError('x'), 'unavailable'],
  ['a mistake of ours', new TypeError('10.0.0.1 is not a function'), 'internal'],
  ['no error at all', 'text', 'internal'],
];
test.each(ERRORS)('%s: in our words, and none of the store', (_, thrown, code) => {
  const error = translate(thrown);
  expect(error).toBeInstanceOf(MillraceError);
  expect(error).toMatchObject({ code, message: expect.not.stringMatching(/10\.0\.0|nothing|for user/) });
  expect(isThrottled(thrown)).toBe(code === 'overloaded');
});

test('what is in our words already stays', () => {
  const error = deadlinePassed();
  expect(translate(error)).toBe(error);
});

describe('a request', () => {
  let execute: MockInstance<() => Promise<unknown>>;
  let source: NoSqlSource;
  beforeEach(() => {
    execute = vi.spyOn(Client.prototype, 'execute') as unknown as typeof execute;
    const config = { hosts: '127.0.0.1', port: 1, keyspace: 'ks' };
    source = engine.open(config, { dataDir: '', serviceName: 'cassandra', connectionsMax: 4 });
  });
  afterEach(async () => {
    execute.mockRestore();
    await source.close();
  });

  const get = (deadline: Deadline) => source.get(TABLE, [['a']], undefined, deadline);
  const row = { rows: [{ values: () => ['"a"', '1'] }] };
  const never = () => new Promise<never>(() => {});

  test.each([
    ['too many requests', said(OVERLOADED)],
    ['a node that has just begun', said(BOOTSTRAPPING)],
    ['each host has too many', noHost(said(OVERLOADED))],
    ['a busy connection', new errors.BusyConnectionError('10.0.0.1', 2048, 1)],
  ])('is sent again: %s', async (_, thrown) => {
    execute.mockRejectedValueOnce(thrown).mockRejectedValueOnce(thrown).mockResolvedValue(row);
    const [found] = await get(Deadline.after(10_000));
    expect(found?.members()).toEqual({ id: 'a', n: 1 });
    expect(execute).toHaveBeenCalledTimes(3);
  });

  test('is sent again until the deadline', async () => {
    execute.mockRejectedValue(said(OVERLOADED));
    const overloaded = { code: 'overloaded', context: { retry_after_seconds: 1 } };
    await expect(get(Deadline.after(200))).rejects.toMatchObject(overloaded);
    const [outcome] = await source.write(TABLE, [{ kind: 'delete', key: ['a'] }], true, Deadline.after(200));
    expect(outcome).toMatchObject({ error: overloaded });
  });

  test.each([
    ['a write may have been done', said(0x1100), 'unavailable'],
    ['no connection', noHost(refusedConnection), 'unavailable'],
    ['it is not taken', said(0x2200), 'invalid'],
  ])('is sent once: %s', async (_, thrown, code) => {
    execute.mockRejectedValue(thrown);
    await expect(get(Deadline.after(10_000))).rejects.toMatchObject({ code });
    expect(execute).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['the deadline', deadlinePassed(), 'deadline'],
    ['a caller who goes away', callerGone(), 'cancelled'],
  ])('ends with %s', async (_, reason, code) => {
    const deadline = Deadline.after(60_000);
    execute.mockImplementation(() => {
      setImmediate(() => deadline.abort(reason));
      return never();
    });
    await expect(get(deadline)).rejects.toMatchObject({ code });
  });

  test('ends with the deadline where the driver is the first to see it', async () => {
    execute.mockRejectedValue(new errors.OperationTimedOutError('x', '10.0.0.1'));
    await expect(get(Deadline.after(10_000))).rejects.toMatchObject({ code: 'deadline' });
  });

  test('of several writes fails alone, unless nobody waits', async () => {
    const deadline = Deadline.after(60_000);
    const writes = ['a', 'b'].map((id) => ({ kind: 'delete', key: [id] }) as const);
    execute.mockRejectedValueOnce(said(0x1100)).mockResolvedValueOnce({ rows: [{ '[applied]': true }] });
    expect(await source.write(TABLE, writes, false, deadline)).toMatchObject([
      { error: { code: 'unavailable' } },
      { key: { id: 'b' } },
    ]);
    execute.mockImplementation(() => {
      deadline.abort(deadlinePassed());
      return never();
    });
    await expect(source.write(TABLE, writes, false, deadline)).rejects.toMatchObject({ code: 'deadline' });
  });

  test('that makes what somebody else has made and removed meanwhile is tried until the deadline', async () => {
    execute.mockResolvedValue({ rows: [{ '[applied]': false }] });
    const write = { kind: 'merge', key: ['a'], members: { n: 1 }, upsert: true } as const;
    expect(await source.write(TABLE, [write], false, Deadline.after(200))).toMatchObject([
      { error: { code: 'overloaded' } },
    ]);
  });
});

test('nobody is there', async () => {
  const config = { hosts: '127.0.0.1', port: 1, keyspace: 'ks' };
  const source = engine.open(config, { dataDir: '', serviceName: 'cassandra', connectionsMax: 4 });
  await expect(source.tables(Deadline.after(10_000))).rejects.toMatchObject({ code: 'unavailable' });
  await source.close();
  await source.close();
});

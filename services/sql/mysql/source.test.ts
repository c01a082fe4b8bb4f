/** A database that is silent, or no longer what it was. */
import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Deadline, deadlinePassed } from '#common/deadline.ts';
import type { Ask } from '#common/testing/bench.ts';
import { fields, insert, read, update } from '#common/testing/words.ts';
import { Target } from '#proto/data/v1/data_pb.ts';
import { type RunningMariadb, startMariadb } from '../../../deploy/testing/mariadb.ts';
import { suiteWith } from '../../../deploy/testing/suite.ts';
import { Bench } from '../conformance/bench.ts';
import { Gate } from '../testing/gate.ts';
import { mariadb as engine } from './index.ts';

suiteWith('mariadb', 'a MariaDB source', () => {
  let server: RunningMariadb;
  /** Changes the database from outside. */
  let outside: Bench;
  const benches: Bench[] = [];
  const open = (more: Record<string, unknown> = {}): Bench => {
    const { host, port, database, user: username, password } = server;
    const config = { host, port, database, username, password, ...more };
    const bench = new Bench({ engine, config, dataDir: tmpdir(), connectionsMax: 1 });
    benches.push(bench);
    return bench;
  };

  beforeAll(async () => {
    server = await startMariadb();
    outside = open();
    benches.pop();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all(benches.splice(0).map((bench) => bench.close()));
  });
  afterAll(async () => {
    await outside?.close();
    await server?.stop();
  });

  test('silent: the deadline holds, and its connections are given up', async () => {
    await outside.sql('create table t (id integer primary key)', 'insert into t values (1), (2)');
    const gate = new Gate(server.port);
    await gate.open();
    const bench = open({ port: gate.port });
    const ask = read('t', { countOnly: true });
    expect(await bench.outcome(ask)).toEqual({ json: 2 });
    gate.freeze();
    const deadline = Deadline.after(30_000);
    const outcome = bench.outcome(ask, deadline);
    await new Promise((resolve) => setImmediate(resolve)); // on its way by then
    deadline.abort(deadlinePassed());
    expect(await outcome).toEqual({ code: 'deadline' });
    expect(await bench.outcome(ask)).toEqual({ json: 2 });
    await gate.shut();
  });

  describe('a connection that was cut without a word while it rested', () => {
    const CASES: readonly [why: string, ask: Ask, first: unknown, second: unknown][] = [
      ['who reads does not notice', read('rest', { countOnly: true }), { json: 0 }, { json: 0 }],
      [
        'who writes is told, as it may have been done',
        insert('rest', [{ id: 1 }]),
        { code: 'unavailable' },
        { json: [{ id: 1 }] },
      ],
    ];
    test.each(CASES)('%s', async (_, ask, first, second) => {
      await outside.sql('drop table if exists rest', 'create table rest (id integer primary key)');
      const gate = new Gate(server.port);
      await gate.open();
      const bench = open({ port: gate.port });
      await bench.ask(read('rest', { limit: 1 }));
      gate.wither();
      expect(await bench.outcome(ask)).toEqual(first);
      expect(await bench.outcome(ask)).toEqual(second);
      await gate.shut();
    });
  });

  describe('a table that is changed behind our back', () => {
    /** Reads it in several ways, so that statements are prepared; then the clock is past the catalogue's rest. */
    async function known(): Promise<Bench> {
      await outside.sql(
        'drop table if exists made',
        'create table made (id integer primary key, a integer, b text)',
        `insert into made values (1, 10, 'x')`,
      );
      const bench = open();
      for (let i = 0; i < 2; i++) {
        await bench.ask(read('made', { order: [{ field: 'id' }] }));
        await bench.ask(read('made', { target: Target.ONE }, { keys: [1] }));
      }
      vi.useFakeTimers({ toFake: ['Date'] });
      vi.setSystemTime(Date.now() + 60_000);
      return bench;
    }

    const CASES: readonly [why: string, change: string[], record: Record<string, unknown>][] = [
      [
        'another type',
        ['alter table made modify a varchar(9)', "update made set a = '10!'"],
        { id: 1, a: '10!', b: 'x' },
      ],
      ['a field less', ['alter table made drop b'], { id: 1, a: 10 }],
      ['a field of another name', ['alter table made change b c text'], { id: 1, a: 10, c: 'x' }],
      [
        'dropped and made again',
        [
          'drop table made',
          'create table made (id integer primary key, z tinyint(1))',
          'insert into made values (1, true)',
        ],
        { id: 1, z: true },
      ],
    ];
    test.each(CASES)('%s: who reads does not notice', async (_, change, record) => {
      const bench = await known();
      await outside.sql(...change);
      expect(await bench.outcome(read('made', { target: Target.ONE }, { keys: [1] }))).toEqual({ json: record });
      expect(await bench.outcome(read('made'))).toEqual({ json: [record] });
    });

    test('another type is soon known to who writes', async () => {
      const bench = await known();
      const write = update('made', Target.ONE, { a: 'ten' }, fields('a'), { keys: [1] });
      expect(await bench.outcome(write)).toEqual({ code: 'invalid', field: 'a' });
      await outside.sql('alter table made modify a varchar(9)');
      await bench.ask(read('made', { order: [{ field: 'id' }] }));
      await vi.waitFor(async () => expect(await bench.outcome(write)).toEqual({ json: { a: 'ten' } }));
    });

    test('a table that is gone', async () => {
      const bench = await known();
      await outside.sql('drop table made');
      expect(await bench.outcome(read('made'))).toEqual({ code: 'not_found' });
    });
  });
});

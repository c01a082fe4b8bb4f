import { create } from '@bufbuild/protobuf';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import type { Catalogue } from '#common/schema/catalogue.ts';
import type { SchemaView } from '#common/schema/extras.ts';
import { MARK } from '#common/schema/table-marks.ts';
import { column, table } from '#common/testing/catalogue.ts';
import { type SchemaExtra, SchemaExtraSchema } from '#proto/access/v1/access_pb.ts';
import type { SqlSource } from './engine.ts';
import { SchemaCache, type SchemaCacheOptions } from './schema-cache.ts';

const of = (...names: string[]): Catalogue => ({ tables: names.map((name) => table(name, [column('id')])) });

let catalogue: Catalogue;
let failing: boolean;
let readings: number;
let lonely: string[];
let looks: number;
let state: string;
/** Ends the readings of all tables that are under way. */
let go: () => void;
let gate: Promise<void>;
const source = {
  introspect: async () => {
    readings += 1;
    const read = structuredClone(catalogue);
    await gate;
    if (failing) throw new MillraceError('unavailable', 'gone');
    return read;
  },
  introspectTables: async (names: readonly string[]) => {
    lonely.push(names.join());
    if (failing) throw new MillraceError('unavailable', 'gone');
    return structuredClone({ tables: catalogue.tables.filter(({ name }) => names.includes(name)) });
  },
  catalogueState: async () => {
    looks += 1;
    if (state === '') throw new MillraceError('unavailable', 'gone');
    return state;
  },
} as unknown as SqlSource;

const shut = (): void => {
  gate = new Promise((resolve) => {
    go = resolve;
  });
};

beforeEach(() => {
  vi.useFakeTimers();
  catalogue = of('a');
  failing = false;
  readings = 0;
  lonely = [];
  looks = 0;
  state = '1';
  gate = Promise.resolve();
});
afterEach(() => {
  vi.useRealTimers();
});

const make = (more: Partial<SchemaCacheOptions> = {}): SchemaCache =>
  new SchemaCache({ source, serviceId: 1, extras: [], log: pino({ level: 'silent' }), ...more });
const names = (cache: SchemaCache): string[] | undefined => namesOf(cache.current);
const namesOf = (view: SchemaView | undefined): string[] | undefined => view?.tables.map(({ name }) => name);
const say = (what: { table: string; relation?: string }, properties: object): SchemaExtra =>
  create(SchemaExtraSchema, { ...what, serviceId: 1, propertiesJson: Buffer.from(JSON.stringify(properties)) });

test('those who ask at once wait for one reading', async () => {
  const cache = make();
  expect(cache.current).toBeUndefined();
  const [one, other] = await Promise.all([cache.read(), cache.read()]);
  expect(one).toBe(other);
  expect(readings).toBe(1);
});

test('a failed reading is not remembered', async () => {
  const cache = make();
  failing = true;
  await expect(cache.read()).rejects.toMatchObject({ code: 'unavailable' });
  failing = false;
  await cache.read();
  expect(names(cache)).toEqual(['a']);
});

test('a reading afresh begins after the one that is under way', async () => {
  const cache = make();
  const first = cache.read();
  catalogue = of('a', 'b');
  await cache.readAfresh();
  await first;
  expect(names(cache)).toEqual(['a', 'b']);
  expect(readings).toBe(2);
});

test('an equal catalogue keeps the view, on which plans hang', async () => {
  const cache = make();
  const view = await cache.read();
  expect(await cache.readAfresh()).toBe(view);
  catalogue = of('b');
  expect(await cache.readAfresh()).not.toBe(view);
});

test('a doubt soon after a reading waits; later it reads at once', async () => {
  const cache = make();
  await cache.read();
  catalogue = of('b');
  expect(cache.doubt()).toBeUndefined();
  expect(cache.doubt()).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1100);
  expect(names(cache)).toEqual(['b']);
  expect(readings).toBe(2);

  await vi.advanceTimersByTimeAsync(5000);
  catalogue = of('c');
  const reading = cache.doubt();
  expect(cache.doubt()).toBe(reading);
  await reading;
  expect(names(cache)).toEqual(['c']);
  expect(readings).toBe(3);
});

test('unfounded doubts become rare, a founded one makes them quick again', async () => {
  const cache = make();
  await cache.read();
  for (let second = 0; second < 60; second++) {
    void cache.doubt();
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(readings).toBeLessThan(10);
  const before = readings;
  catalogue = of('b');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(names(cache)).toEqual(['b']);
  void cache.doubt();
  await vi.advanceTimersByTimeAsync(1100);
  expect(readings).toBe(before + 2);
});

test('a doubt that cannot be cleared keeps what is known', async () => {
  const cache = make();
  await cache.read();
  failing = true;
  await vi.advanceTimersByTimeAsync(5000);
  await cache.doubt();
  expect(names(cache)).toEqual(['a']);
  failing = false;
  catalogue = of('b');
  await cache.doubt();
  expect(names(cache)).toEqual(['b']);
});

test('a closed one reads no more', async () => {
  const cache = make();
  await cache.read();
  void cache.doubt();
  cache.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(readings).toBe(1);
});

describe('while the catalogue is being read', () => {
  beforeEach(() => {
    catalogue = of('a', 'b', 'c');
    shut();
  });

  test('a table is there before the rest', async () => {
    const cache = make();
    const view = await cache.readTable('a');
    expect(namesOf(view)).toEqual(['a']);
    expect(await cache.readTable('a')).toBe(view);
    expect(lonely).toEqual(['a']);
    expect(cache.current).toBeUndefined();
    go();
    expect(namesOf(await cache.readTable('nowhere'))).toEqual(['a', 'b', 'c']);
    expect(names(cache)).toEqual(['a', 'b', 'c']);
    expect(readings).toBe(1);
  });

  test('one that has an alias is found by it', async () => {
    const cache = make({ extras: [say({ table: 'b' }, { alias: 'second' })] });
    expect((await cache.readTable('Second')).byWireName.get('second')?.name).toBe('b');
    expect(lonely).toEqual(['b']);
    go();
  });

  test.each([
    ['relations of its own', 'a'],
    ['another spelling', 'B'],
  ])('one with %s waits for all', async (_, name) => {
    const cache = make({ extras: [say({ table: 'a', relation: 'r' }, { always_fetch: true })] });
    const view = cache.readTable(name);
    expect(await Promise.race([view, vi.advanceTimersByTimeAsync(10)])).toBe(vi);
    go();
    expect(namesOf(await view)).toEqual(['a', 'b', 'c']);
  });

  test('what does not fit waits for all', async () => {
    const cache = make();
    await cache.readTable('a');
    const doubt = cache.doubt();
    go();
    await doubt;
    expect(names(cache)).toEqual(['a', 'b', 'c']);
    expect(readings).toBe(1);
  });

  test('a database that cannot be read fails for who waits', async () => {
    failing = true;
    const cache = make();
    const view = cache.readTable('a');
    go();
    await expect(view).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a table that we have changed', () => {
  test('is read alone, and put in place of what it was', async () => {
    catalogue = of('b', 'd');
    const cache = make();
    const before = await cache.read();
    catalogue = { tables: [table('b', [column('id'), column('more')]), ...of('c', 'd').tables] };
    const after = await cache.refresh(['b', 'c']);
    expect(namesOf(after)).toEqual(['b', 'c', 'd']);
    expect(after.byName.get('b')?.fields.map(({ name }) => name)).toEqual(['id', 'more']);
    expect(after.byName.get('d')?.table).toBe(before.byName.get('d')?.table);
    catalogue = of('d');
    await cache.refresh(['b', 'c']);
    expect(names(cache)).toEqual(['d']);
    expect([readings, lonely]).toEqual([1, ['b,c', 'b,c']]);
  });

  test('is not replaced by what was read before the change', async () => {
    const cache = make();
    await cache.read();
    shut();
    const early = cache.readAfresh();
    await vi.advanceTimersByTimeAsync(0);
    const refreshed = cache.refresh(['b']);
    go();
    await early;
    catalogue = of('a', 'b');
    await refreshed;
    expect(names(cache)).toEqual(['a', 'b']);
  });

  test('by another connector, is read when its mark comes', async () => {
    const cache = make();
    await cache.read();
    catalogue = of('a', 'b');
    cache.setExtras([say({ table: 'b' }, { [MARK]: '1' })]);
    await vi.waitUntil(() => names(cache)?.length === 2);
    catalogue = of('a');
    cache.setExtras([]);
    await vi.waitUntil(() => names(cache)?.length === 1);
    expect([readings, lonely]).toEqual([1, ['b', 'b']]);
  });

  test('by us, is known when our own mark comes back', async () => {
    const cache = make();
    await cache.read();
    cache.expectMark('1');
    cache.setExtras([say({ table: 'a' }, { [MARK]: '1', label: 'A' })]);
    expect(cache.current?.byName.get('a')?.label).toBe('A');
    cache.setExtras([say({ table: 'a' }, { [MARK]: '1', label: 'B' })]);
    await vi.advanceTimersByTimeAsync(100);
    expect(lonely).toEqual([]);
  });
});

describe('changes by others', () => {
  const INTERVAL_MS = 100;
  const use = async (cache: SchemaCache, ms: number): Promise<void> => {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      void cache.current;
      await vi.advanceTimersByTimeAsync(5);
    }
  };

  test('are found while the service is used', async () => {
    const cache = make({ watchIntervalMs: INTERVAL_MS });
    await cache.read();
    catalogue = of('a', 'b');
    await use(cache, 3 * INTERVAL_MS);
    expect([names(cache), readings]).toEqual([['a'], 1]);
    state = '2';
    await use(cache, 2 * INTERVAL_MS);
    expect([names(cache), readings]).toEqual([['a', 'b'], 2]);
    expect(looks).toBeLessThan(8);
    cache.close();
  });

  test('are found while the change before is being read', async () => {
    const cache = make({ watchIntervalMs: INTERVAL_MS });
    await cache.read();
    shut();
    [catalogue, state] = [of('b'), '2'];
    await use(cache, 2 * INTERVAL_MS);
    expect(readings).toBe(2);
    [catalogue, state] = [of('c'), '3'];
    await use(cache, 2 * INTERVAL_MS);
    go();
    await use(cache, INTERVAL_MS / 2);
    expect(names(cache)).toEqual(['c']);
    cache.close();
  });

  test('are not looked for while nobody uses it, and at once when somebody does again', async () => {
    const cache = make({ watchIntervalMs: INTERVAL_MS });
    await cache.read();
    await use(cache, INTERVAL_MS);
    await vi.advanceTimersByTimeAsync(5 * INTERVAL_MS);
    const before = looks;
    await vi.advanceTimersByTimeAsync(20 * INTERVAL_MS);
    expect(looks).toBe(before);
    [catalogue, state] = [of('b'), '2'];
    await use(cache, 10);
    expect(names(cache)).toEqual(['b']);
    cache.close();
  });

  test('are found after a reading that failed', async () => {
    const cache = make({ watchIntervalMs: INTERVAL_MS });
    await cache.read();
    failing = true;
    [catalogue, state] = [of('b'), '2'];
    await use(cache, 2 * INTERVAL_MS);
    expect(names(cache)).toEqual(['a']);
    failing = false;
    await use(cache, 2 * INTERVAL_MS);
    expect(names(cache)).toEqual(['b']);
    cache.close();
  });

  test('a look that fails is tried again', async () => {
    const cache = make({ watchIntervalMs: INTERVAL_MS });
    await cache.read();
    state = '';
    await use(cache, 3 * INTERVAL_MS);
    [catalogue, state] = [of('b'), '2'];
    await use(cache, 3 * INTERVAL_MS);
    expect(names(cache)).toEqual(['b']);
    cache.close();
    const before = looks;
    await use(cache, 3 * INTERVAL_MS);
    expect(looks).toBe(before);
  });
});

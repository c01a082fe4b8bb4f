import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import type { SqlSource } from './engine.ts';
import type { Catalogue } from './schema.ts';
import { SchemaCache } from './schema-cache.ts';
import { column, table } from './testing/catalogue.ts';

const of = (...names: string[]): Catalogue => ({ tables: names.map((name) => table(name, [column('id')])) });

let catalogue: Catalogue;
let failing: boolean;
let readings: number;
const source = {
  introspect: async () => {
    readings += 1;
    if (failing) throw new MillraceError('unavailable', 'gone');
    return structuredClone(catalogue);
  },
} as unknown as SqlSource;

beforeEach(() => {
  vi.useFakeTimers();
  catalogue = of('a');
  failing = false;
  readings = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const make = (): SchemaCache => new SchemaCache(source, 1, [], pino({ level: 'silent' }));
const names = (cache: SchemaCache): string[] | undefined => cache.current?.tables.map(({ name }) => name);

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

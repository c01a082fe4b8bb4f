/** What goes wrong with servers of files, alike for all protocols: run by `<backend>/faults.test.ts`. */

import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { MIB } from '#common/bounds.ts';
import type { ServiceConfig } from '#common/engine.ts';
import type { StorageBackend, StorageSource } from '../backend.ts';
import { Bench, outcomeOf } from '../conformance/bench.ts';

export interface FaultyServer {
  /** On this machine; the server may write there. */
  readonly files: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultSubject<S extends FaultyServer> {
  readonly backend: StorageBackend;
  start(): Promise<S>;
  /** Settings for a folder of `files`. */
  config(server: S, folder: string): ServiceConfig;
  /** What is said of a full disk. */
  readonly full: RegExp;
  /** Settings that the server refuses, and what is then said. */
  readonly refused: readonly { readonly why: string; readonly config: ServiceConfig; readonly message: RegExp }[];
}

const DAY_MS = 24 * 3_600_000;
const FULL_BYTES = MIB;
const LARGE = Buffer.alloc(48 * MIB, 'x');

export function tryFaults<S extends FaultyServer>({ backend, start, config, refused, full }: FaultSubject<S>): void {
  let server: S;
  let folder: string;
  let bench: Bench;
  const at = (...names: string[]): string => join(server.files, folder, ...names);
  const makeOwned = (path: string): void => {
    mkdirSync(path, { recursive: true });
    chownSync(path, statSync(server.files).uid, statSync(server.files).gid);
  };
  const benchOf = (source: StorageSource): Bench => new Bench(source, { backend, lacks: {}, open: async () => source });
  const open = (over: ServiceConfig = {}, connectionsMax = 4): Bench =>
    benchOf(
      backend.open({ ...config(server, folder), ...over }, { dataDir: '', serviceName: 'files', connectionsMax }),
    );
  const failure = async (work: Promise<unknown>): Promise<unknown> => work.then(() => 'done').catch((error) => error);
  const parts = (): string[] => (existsSync(at('.millrace')) ? readdirSync(at('.millrace')) : []);

  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());
  beforeEach(() => {
    folder = randomUUID();
    makeOwned(at());
    bench = open();
  });
  afterEach(() => bench.source.close());

  test('killed in the middle of an upload: nothing is visible, and its part goes when the server is back', async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 64; n++) {
        if (n === 2) {
          await expect.poll(parts).toHaveLength(1);
          await server.kill();
        }
        yield Buffer.alloc(MIB, 'a');
      }
    }
    expect(await outcomeOf(bench.put('a', body()))).toBe('unavailable');
    expect(readdirSync(at())).toEqual(['.millrace']);
    const error = await failure(bench.stat('a'));
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/cannot be reached|was lost/) });
    await server.restart();
    expect(await bench.paths('')).toEqual([]);
    // What servers call by names of their own in there goes after a day.
    await expect.poll(() => parts().filter((name) => name.endsWith('.part')), { timeout: 10_000 }).toEqual([]);
    await bench.put('a', 'after');
    expect(await bench.text('a')).toBe('after');
  });

  test('killed in the middle of a download: an error, and no bytes that are none', async () => {
    await bench.put('a', LARGE);
    const { body } = await bench.source.read('a', {}, bench.deadline());
    let bytes = 0;
    const outcome = await outcomeOf(
      (async () => {
        for await (const piece of body) {
          if (bytes === 0) await server.kill();
          bytes += piece.length;
        }
      })(),
    );
    expect(outcome).toBe('unavailable');
    expect(bytes).toBeLessThan(LARGE.length);
    await server.restart();
    expect((await bench.bytes('a')).equals(LARGE)).toBe(true);
  });

  test('connections that died unnoticed are replaced', async () => {
    await bench.put('a', 'x');
    await server.kill();
    await server.restart();
    expect(await bench.text('a')).toBe('x');
    await bench.put('a', 'y');
    expect(await bench.paths('')).toEqual(['a']);
  });

  describe.each(refused)('$why', ({ config: wrong, message }) => {
    test('is said', async () => {
      const refusedBench = open(wrong);
      onTestFinished(() => refusedBench.source.close());
      const error = await failure(refusedBench.stat(''));
      expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(message) });
      expect(await outcomeOf(refusedBench.put('a', 'x'))).toBe('unavailable');
      expect(readdirSync(at())).toEqual([]);
    });
  });

  test('a container that is not there', async () => {
    folder = 'no/such';
    const nowhere = open();
    onTestFinished(() => nowhere.source.close());
    const expected = { code: 'unavailable', message: 'The container does not exist.' };
    expect(await failure(nowhere.stat(''))).toMatchObject(expected);
    expect(await failure(nowhere.list(''))).toMatchObject(expected);
    expect(await failure(nowhere.put('a', 'x'))).toMatchObject(expected);
  });

  test('what the server may not do', async () => {
    await bench.makeFolders('locked');
    await bench.put('locked/old', 'before');
    chmodSync(at('locked'), 0o500);
    for (const work of [
      () => bench.put('locked/old', 'after'),
      () => bench.put('locked/new', 'x'),
      () => bench.makeFolders('locked/folder'),
      () => bench.source.remove('locked/old', bench.deadline()),
    ]) {
      expect(await failure(work())).toMatchObject({ code: 'unavailable' });
    }
    expect(await bench.text('locked/old')).toBe('before');
    expect(await bench.paths('locked')).toEqual(['locked/old']);
    await expect.poll(parts).toEqual([]);
  });

  test('a full disk', async ({ skip }) => {
    makeOwned(at('disk'));
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${FULL_BYTES},mode=777`, 'tmpfs', at('disk')]);
    if (status !== 0) return skip('no file system can be mounted here');
    onTestFinished(
      () => void execFileSync('umount', ['-l', join(server.files, folder.split('/')[0] as string, 'disk')]),
    );
    folder = `${folder}/disk`;
    const disk = open();
    onTestFinished(() => disk.source.close());
    await disk.put('small', 'x');
    const outcome = await failure(disk.put('large', Buffer.alloc(FULL_BYTES * 4)));
    expect(outcome).toMatchObject({ code: 'unavailable', message: expect.stringMatching(full) });
    expect(await disk.paths('')).toEqual(['small']);
    await expect.poll(parts).toEqual([]);
    await disk.put('small', 'y');
    expect(await disk.text('small')).toBe('y');
  });

  test('what killed processes have left goes after a day', async () => {
    makeOwned(at('.millrace'));
    for (const [name, age] of [
      ['old.part', DAY_MS * 2],
      ['young.part', DAY_MS / 2],
    ] as const) {
      writeFileSync(at('.millrace', name), 'x');
      utimesSync(at('.millrace', name), new Date(), new Date(Date.now() - age));
    }
    expect(await bench.paths('')).toEqual([]);
    await expect.poll(parts).toEqual(['young.part']);
  });

  test('copies through us, more than there are connections', async () => {
    const narrow = open({}, 2);
    onTestFinished(() => narrow.source.close());
    const content = Buffer.alloc(3 * MIB, 'c');
    const names = Array.from({ length: 6 }, (_, n) => `f${n}`);
    for (const name of names) await narrow.put(name, content);
    const copy = async (name: string): Promise<void> => {
      const { body } = await narrow.source.read(name, {}, narrow.deadline());
      await narrow.put(`${name}-copy`, body);
    };
    await Promise.all(names.map(copy));
    for (const name of names) expect((await narrow.bytes(`${name}-copy`)).equals(content)).toBe(true);
  });
}

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '#common/observe/log.ts';
import { Keeper } from './keeper.ts';

const PROGRAM = fileURLToPath(new URL('testing/fake-keeper.mjs', import.meta.url));

let folder: string;
let keeper: Keeper;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-keeper-'));
  keeper = new Keeper({
    ...{ program: PROGRAM, execArgv: [], log: createLogger('test', 'silent') },
    env: { ...process.env, FAKE_FOLDER: folder },
  });
});
afterEach(async () => {
  await keeper.close();
  expect(running()).toEqual([]);
  rmSync(folder, { recursive: true });
});

const pids = (word: string): number[] =>
  readdirSync(folder).flatMap((name) => (name.startsWith(`${word}-`) ? [Number(name.slice(word.length + 1))] : []));

const running = (): number[] =>
  pids('pid').filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 5000, interval: 10 });

test('there is one, however often it is started, and none after its end', async () => {
  keeper.start();
  keeper.start();
  await soon(() => running().length).toBe(1);
  await keeper.close();
  expect([pids('pid').length, pids('closed')]).toEqual([1, pids('pid')]);
  keeper.start();
  expect(running()).toEqual([]);
});

test('one that dies is started again, again and again', async () => {
  keeper.start();
  for (let round = 1; round <= 3; round++) {
    await soon(() => running().length).toBe(1);
    process.kill(running()[0] as number, 'SIGKILL');
    await soon(() => pids('pid').length).toBe(round + 1);
  }
});

test('draining lets it end, and it does not come back', async () => {
  keeper.start();
  await soon(() => running().length).toBe(1);
  await keeper.drain(new AbortController().signal);
  expect([running(), pids('drained')]).toEqual([[], pids('pid')]);
});

test('one that does not listen is killed at the deadline', async () => {
  writeFileSync(join(folder, 'deaf'), '');
  keeper.start();
  await soon(() => running().length).toBe(1);
  await keeper.drain(AbortSignal.timeout(50));
  expect(running()).toEqual([]);
});

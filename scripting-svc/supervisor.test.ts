import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '#common/observe/log.ts';
import { hasSessionNice } from './session-nice.ts';
import { Supervisor } from './supervisor.ts';
import type { WorkerPlace } from './worker-place.ts';

const PROGRAM = fileURLToPath(new URL('testing/fake-worker.mjs', import.meta.url));
const PLACES: WorkerPlace[] = [
  { lane: 'quick', address: 'unix:/quick' },
  { lane: 'patient', address: undefined },
];

let folder: string;
let supervisor: Supervisor;
/** After how long those that died were to be started again. */
let delaysMs: number[];
/** Those that may not use every processor. */
let confined: Set<number>;
const note = ({ delayMs }: { delayMs?: number }): void => void (delayMs !== undefined && delaysMs.push(delayMs));

beforeEach(() => {
  delaysMs = [];
  confined = new Set();
  folder = mkdtempSync(join(tmpdir(), 'millrace-supervisor-'));
});
afterEach(async () => {
  await supervisor.close();
  expect([running(), spares()]).toEqual([[], []]);
  rmSync(folder, { recursive: true });
});

function supervise(places = PLACES, program = PROGRAM, hasSpare = false): void {
  supervisor = new Supervisor({
    ...{ program, execArgv: [], places, hasSpare },
    confine: (pid, isConfined) => void (isConfined ? confined.add(pid) : confined.delete(pid)),
    env: { ...process.env, FAKE_FOLDER: folder },
    log: new Proxy(createLogger('test', 'silent'), {
      get: (log, name, receiver) => (name === 'error' ? note : Reflect.get(log, name, receiver)),
    }),
  });
  supervisor.start();
}

const say = (word: string): void => writeFileSync(join(folder, word), '');
const unsay = (word: string): void => rmSync(join(folder, word));

interface Worker {
  readonly pid: number;
  readonly place: WorkerPlace;
}

/** Those that have stood by at some time and have not ended. */
const spares = (): number[] =>
  readdirSync(folder)
    .map((name) => Number(/^spare-(\d+)$/.exec(name)?.[1]))
    .filter((pid) => pid > 0 && isAlive(pid));

/** Workers that were ready at some time and have not ended. */
const running = (): Worker[] =>
  readdirSync(folder).flatMap((name) => {
    const pid = Number(/^pid-(\d+)$/.exec(name)?.[1]);
    if (!pid || !isAlive(pid)) return [];
    return [{ pid, place: JSON.parse(readFileSync(join(folder, name), 'utf8')) }];
  });

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const soon = <T>(look: () => T) => expect.poll(look, { timeout: 5000, interval: 10 });
const count = (): number => running().length;
/** Its process; NaN: there is none. */
const inLane = (lane: string): number => running().find(({ place }) => place.lane === lane)?.pid ?? Number.NaN;
const others = (than: readonly Worker[]): Worker[] =>
  running().filter(({ pid }) => !than.some((one) => one.pid === pid));

test('each place has its worker, once', async () => {
  supervise();
  supervisor.start();
  await soon(count).toBe(2);
  expect(running().map(({ place }) => place)).toEqual(
    expect.arrayContaining([{ lane: 'quick', address: 'unix:/quick' }, { lane: 'patient' }]),
  );
});

test('a patient one is confined from its start, and one that takes its place, whatever holds it', async () => {
  supervise(PLACES, PROGRAM, true);
  await soon(() => [count(), spares().length]).toEqual([2, 1]);
  const [patient, quick] = [inLane('patient'), inLane('quick')];
  await soon(() => [...confined]).toEqual([patient]);
  const [spare] = spares() as [number];
  process.kill(patient, 'SIGKILL');
  await soon(() => inLane('patient')).toBe(spare);
  expect([confined.has(spare), confined.has(quick)]).toEqual([true, false]);
  confined.delete(spare);
  process.kill(spare, 'SIGWINCH');
  await soon(() => confined.has(spare)).toBe(true);
  confined.delete(spare);
  process.kill(spare, 'SIGWINCH');
  await soon(() => confined.has(spare)).toBe(true);
});

test('a quick one is confined while a script holds it, and one that takes its place', async () => {
  supervise(PLACES, PROGRAM, true);
  await soon(() => [count(), spares().length]).toEqual([2, 1]);
  const quick = inLane('quick');
  const [spare] = spares() as [number];
  process.kill(quick, 'SIGWINCH');
  await soon(() => confined.has(quick)).toBe(true);
  process.kill(quick, 'SIGWINCH');
  await soon(() => confined.has(quick)).toBe(false);
  say('slow');
  process.kill(quick, 'SIGKILL');
  await soon(() => inLane('quick')).toBe(spare);
  expect(confined.has(spare)).toBe(false);
  process.kill(spare, 'SIGWINCH');
  await soon(() => confined.has(spare)).toBe(true);
});

test('a spare one is confined until it stands ready, or is needed by a quick place', async () => {
  say('slow');
  supervise(PLACES, PROGRAM, true);
  await soon(() => [count(), spares().length]).toEqual([2, 1]);
  const [spare] = spares() as [number];
  expect(confined.has(spare)).toBe(true);
  process.kill(inLane('quick'), 'SIGKILL');
  await soon(() => inLane('quick')).toBe(spare);
  expect(confined.has(spare)).toBe(false);
  const another = (): number[] => spares().filter((pid) => pid !== spare);
  await soon(() => another().map((pid) => confined.has(pid))).toEqual([true]);
  unsay('slow');
  await soon(() => another().map((pid) => confined.has(pid))).toEqual([false]);
});

test('one that dies is started again, again and again, and the others go on', async () => {
  supervise();
  await soon(count).toBe(2);
  const [victim, other] = running() as [Worker, Worker];
  let last = victim;
  for (let round = 0; round < 3; round++) {
    process.kill(last.pid, 'SIGKILL');
    await soon(() => others([last, other]).length).toBe(1);
    last = others([last, other])[0] as Worker;
    expect(last.place).toEqual(victim.place);
  }
  expect(isAlive(other.pid)).toBe(true);
});

test('the place of one that dies is taken by the spare one, and there is a spare one again', async () => {
  supervise(PLACES, PROGRAM, true);
  await soon(() => spares().length).toBe(1);
  const before = running() as [Worker, Worker];
  for (let round = 0; round < 2; round++) {
    const [spare] = spares().filter((pid) => !running().some((one) => one.pid === pid)) as [number];
    const [victim] = running() as [Worker];
    process.kill(victim.pid, 'SIGKILL');
    await soon(() => running().find(({ pid }) => pid === spare)?.place).toEqual(victim.place);
    await soon(() => spares().filter((pid) => !running().some((one) => one.pid === pid)).length).toBe(1);
  }
  expect(others(before)).toHaveLength(2);
});

test.skipIf(!hasSessionNice())('the spare one gives way to others until it has a place', async () => {
  supervise(PLACES, PROGRAM, true);
  await soon(() => spares().length).toBe(1);
  const [spare] = spares() as [number];
  const nice = (): string => readFileSync(`/proc/${spare}/autogroup`, 'latin1').trim().replace(/^\S+ /, '');
  await soon(nice).toBe('nice 10');
  process.kill((running()[0] as Worker).pid, 'SIGKILL');
  await soon(() => running().some(({ pid }) => pid === spare)).toBe(true);
  await soon(nice).toBe('nice 0');
});

test('a spare one that dies is started again', async () => {
  supervise(PLACES, PROGRAM, true);
  await soon(() => spares().length).toBe(1);
  const [first] = spares() as [number];
  process.kill(first, 'SIGKILL');
  await soon(() => spares().filter((pid) => pid !== first).length).toBe(1);
  expect(count()).toBe(2);
});

test.each([
  { which: 'have run something', isBusy: true, waits: [0, 0, 0, 0] },
  { which: 'have run nothing', isBusy: false, waits: [0, 200, 400, 500] },
])('how long the place of those that $which stays empty when they die again and again', async ({ isBusy, waits }) => {
  if (isBusy) say('busy');
  supervise(PLACES.slice(0, 1));
  const all: Worker[] = [];
  for (const _ of waits) {
    await soon(() => others(all).length).toBe(1);
    all.push(...others(all));
    if (isBusy) await soon(() => existsSync(join(folder, `ran-${all.at(-1)?.pid}`))).toBe(true);
    process.kill((all.at(-1) as Worker).pid, 'SIGKILL');
  }
  await soon(() => delaysMs).toEqual(waits);
});

test('one that wants to be replaced stays until the new one is ready', async () => {
  supervise(PLACES.slice(0, 1));
  await soon(count).toBe(1);
  const before = running();
  const [old] = before as [Worker];
  say('broken');
  process.kill(old.pid, 'SIGUSR2');
  const broken = () => readdirSync(folder).filter((name) => name.startsWith('broken-')).length;
  await soon(broken).toBeGreaterThan(1);
  expect(isAlive(old.pid)).toBe(true);
  unsay('broken');
  await soon(() => others(before).length).toBe(1);
  await soon(() => isAlive(old.pid)).toBe(false);
  expect(count()).toBe(1);
});

test('draining ends all of them, and none comes back', async () => {
  supervise();
  await soon(count).toBe(2);
  await supervisor.drain(new AbortController().signal);
  expect(count()).toBe(0);
});

test.each([
  ['comes', () => AbortSignal.timeout(50)],
  ['is over', () => AbortSignal.abort()],
])('one that does not listen is killed when the deadline %s', async (_when, deadline) => {
  say('deaf');
  supervise();
  await soon(count).toBe(2);
  await supervisor.drain(deadline());
  expect(count()).toBe(0);
});

test('a program that cannot be started is tried again', async () => {
  const program = join(folder, 'worker.mjs');
  supervise(PLACES.slice(0, 1), program);
  writeFileSync(program, readFileSync(PROGRAM));
  await soon(count).toBe(1);
});

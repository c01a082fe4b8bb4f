/** Scripts by strangers who mean harm, each in a process of its own. */
import { spawn } from 'node:child_process';
import { appendFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Failure_Kind, Lane } from '#proto/script/v1/script_pb.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const LIMITS = { cpu_ms: 500, wall_ms: 3000, memory_mb: 32, log_lines: 50 };
/** From the first look at a cap to the answer, on a busy machine. */
const GRACE_MS = 2500;

const capped = (message: RegExp) => ({ kind: Failure_Kind.CAPPED, message: expect.stringMatching(message) });
const thrown = (message: RegExp) => ({ kind: Failure_Kind.THROWN, message: expect.stringMatching(message) });
const CPU = /500 ms of processor time/;
/** Which cap is reached first depends on the machine. */
const EITHER = /500 ms of processor time|32 MB of memory/;

const SENT_AWAY = { elsewhere: Lane.PATIENT };
const DIES_OR_SENDS_AWAY = 'dies or sends it away';

interface Case {
  readonly name: string;
  readonly want: object;
  readonly type?: string;
  readonly limits?: object;
  readonly times?: number;
  /** A thread or an isolate is lost: the process goes on, and wants to be replaced. */
  readonly isSuspect?: boolean | 'maybe';
  readonly afterwardsMs?: number;
  /** What its process may grow by. */
  readonly memoryGrowthMb?: number;
  /** What the quick lane does, where that is tried: a reply, or what happens to its process. */
  readonly quick?: object | 'dies' | typeof DIES_OR_SENDS_AWAY;
}

const CASES: Case[] = [
  { name: 'endless-loop', want: capped(CPU), quick: SENT_AWAY },
  { name: 'endless-finally', want: capped(CPU) },
  { name: 'regular-expression', want: capped(CPU), quick: SENT_AWAY },
  { name: 'gigabyte-array', want: capped(EITHER), isSuspect: 'maybe', quick: DIES_OR_SENDS_AWAY },
  { name: 'growing-array', want: capped(EITHER), quick: SENT_AWAY },
  { name: 'array-spread', want: capped(EITHER), isSuspect: 'maybe' },
  // The watchdog counts what the collector spends on other threads, too.
  { name: 'string-repeat', want: capped(EITHER), isSuspect: 'maybe', quick: DIES_OR_SENDS_AWAY },
  { name: 'string-doubling', want: capped(EITHER), isSuspect: 'maybe', quick: DIES_OR_SENDS_AWAY },
  { name: 'buffers', want: capped(EITHER), memoryGrowthMb: 100 },
  { name: 'tiny-buffers', want: capped(EITHER), quick: DIES_OR_SENDS_AWAY, memoryGrowthMb: 300 },
  {
    name: 'locales',
    want: capped(/32 MB of memory/),
    limits: { cpu_ms: 10_000, wall_ms: 20_000 },
    quick: SENT_AWAY,
    memoryGrowthMb: 300,
  },
  { name: 'resizable-buffer', want: thrown(/resize is not a function/), quick: thrown(/resize is not a function/) },
  { name: 'memory-outside-the-heap', want: thrown(/WebAssembly is not defined/), quick: thrown(/WebAssembly/) },
  { name: 'shared-memory', want: thrown(/Atomics is not defined/), quick: thrown(/Atomics/) },
  { name: 'promise-flood', want: capped(CPU) },
  { name: 'microtask-growth', want: capped(/processor time|memory|20000 times/), isSuspect: 'maybe' },
  { name: 'async-loop', want: capped(CPU), quick: SENT_AWAY },
  { name: 'deep-recursion', want: thrown(/call stack/), quick: thrown(/call stack/) },
  { name: 'deep-answer', want: thrown(/call stack/), limits: { memory_mb: 256, cpu_ms: 20_000, wall_ms: 20_000 } },
  { name: 'prototype-pollution', want: { returned: { constructor: { prototype: { polluted: 1 } } } } },
  {
    name: 'reaching-out',
    want: { returned: { reached: [], looked: true } },
    limits: { cpu_ms: 20_000, wall_ms: 20_000 },
  },
  { name: 'huge-answer', want: capped(/10485760 bytes/), quick: capped(/10485760 bytes/) },
  { name: 'huge-answer-inside', want: capped(EITHER), isSuspect: 'maybe', quick: DIES_OR_SENDS_AWAY },
  {
    name: 'wide-answer',
    want: capped(/bytes|memory|processor/),
    isSuspect: 'maybe',
    limits: { memory_mb: 256, cpu_ms: 10_000 },
  },
  { name: 'log-flood', want: capped(CPU), quick: SENT_AWAY },
  { name: 'api-loop', want: capped(/100 calls/), type: 'v8js', quick: SENT_AWAY },
  { name: 'api-flood', want: capped(/100 calls/) },
  { name: 'api-fan', want: { returned: 99 } },
  { name: 'timer-flood', want: capped(/20000 times|500 ms|3000 ms/) },
  { name: 'question-flood', want: capped(/20000 times|500 ms|3000 ms/) },
  { name: 'getters', want: capped(CPU), quick: SENT_AWAY },
  { name: 'proxies', want: capped(CPU) },
  { name: 'thrown-proxy', want: thrown(/cannot be described/), quick: thrown(/cannot be described/) },
  { name: 'thrown-getters', want: capped(CPU), quick: SENT_AWAY },
  { name: 'endless-then', want: capped(CPU) },
  { name: 'memory-held', want: { returned: expect.any(Number) }, times: 60, limits: { cpu_ms: 5000 } },
  { name: 'uninterruptible', want: capped(CPU), isSuspect: true, afterwardsMs: 2500, quick: 'dies' },
  { name: 'finalizers', want: thrown(/FinalizationRegistry is not defined/), quick: thrown(/FinalizationRegistry/) },
  { name: 'host-error', want: { returned: ['end'] } },
];

interface Report {
  readonly reply: object;
  readonly ms: number;
  readonly after: object;
  readonly isPolluted: boolean;
  readonly isHealthy: boolean;
  readonly slowestMs: number;
  readonly neighbourRuns: number;
  /** The most that the process has held, and what it held before. */
  readonly peakMb: number;
  readonly beforeMb: number;
}

/** The report of the process; undefined: it died before. */
async function runAlone(one: Case, lane: string): Promise<Report | undefined> {
  const limits = { ...LIMITS, ...one.limits };
  const settings = JSON.stringify({ limits });
  const args = ['--no-node-snapshot', '--import', 'tsx', 'run.ts', one.name, lane, one.type ?? 'nodejs', settings];
  const child = spawn(process.execPath, [...args, String(one.times ?? 1)], {
    cwd: FOLDER,
    env: { ...process.env, AFTERWARDS_MS: String(one.afterwardsMs ?? 0) },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 40_000);
  let out = '';
  for await (const chunk of child.stdout) out += chunk;
  clearTimeout(timer);
  const line = out.split('\n').find((text) => text.startsWith('{"reply"'));
  if (process.env['HOSTILE_TABLE'])
    appendFileSync(process.env['HOSTILE_TABLE'], `${lane} ${one.name}: ${line ?? child.signalCode}\n`);
  return line === undefined ? undefined : (JSON.parse(line) as Report);
}

test('every script has its case', () => {
  const names = readdirSync(FOLDER).filter((file) => file.endsWith('.script'));
  expect(names.map((file) => file.replace('.script', '')).sort()).toEqual(CASES.map((one) => one.name).sort());
});

describe('in the patient lane the process goes on', () => {
  test.each(CASES)('$name', async (one) => {
    const report = (await runAlone(one, 'patient'))!;
    expect(report.reply).toMatchObject(one.want);
    expect(report.after).toMatchObject({ returned: 'POST' });
    expect(report.isPolluted).toBe(false);
    if (one.isSuspect !== 'maybe') expect(report.isHealthy).toBe(one.isSuspect !== true);
    if (one.memoryGrowthMb) expect(report.peakMb - report.beforeMb).toBeLessThan(one.memoryGrowthMb);
    const { wall_ms } = { ...LIMITS, ...one.limits } as typeof LIMITS;
    expect(report.ms).toBeLessThan(wall_ms + (one.afterwardsMs ?? 0) + GRACE_MS);
  });
});

describe('in the quick lane it is sent away, or the process dies', () => {
  test.each(CASES.filter((one) => one.quick !== undefined))('$name', async (one) => {
    const report = await runAlone(one, 'quick');
    if (one.quick === 'dies' || (one.quick === DIES_OR_SENDS_AWAY && report === undefined)) {
      expect(report).toBeUndefined();
      return;
    }
    expect(report?.reply).toMatchObject(typeof one.quick === 'object' ? one.quick : SENT_AWAY);
    expect(report?.after).toMatchObject({ returned: 'POST' });
    expect(report?.isPolluted).toBe(false);
  });
});

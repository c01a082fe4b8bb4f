import { expect, test } from 'vitest';
import { SCRIPT_CASES } from './cases.ts';
import { hostileKinds } from './hostile-kinds.ts';
import { hostileTable, type Outcome } from './hostile-table.ts';
import { allowedMs, excessOf, p99Of, ratioOf, type Waited, waitedIn } from './waited.ts';

const waited = (p99Ms: number, aloneMs: number, failed = 0): Waited => ({ failed, looks: [{ p99Ms, aloneMs }] });
const ALONE = { plain: waited(3, 3), scripted: waited(4, 4) };

test('no two figures have one name', () => {
  const names = SCRIPT_CASES.flatMap(({ figures }) => figures.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});

test('a script that calls itself has its own name in it, and a sleeping one is harmless without a word', () => {
  const kinds = hostileKinds();
  const textOf = (name: string) =>
    (kinds.find((each) => each.name === name)?.service.config as { content: string } | undefined)?.content;
  expect(textOf('api-loop')).toContain("platform.api.get('hostile-api-loop')");
  const sleepers = kinds.filter(({ harmlessPath }) => harmlessPath !== undefined);
  expect(sleepers.length).toBeGreaterThan(0);
  for (const { path, harmlessPath } of sleepers) expect(path.startsWith(`${harmlessPath}?`)).toBe(true);
});

test.each([
  { why: 'short times by milliseconds', alone: 0.5, allowed: 2.5 },
  { why: 'long ones by their length', alone: 3, allowed: 6 },
])('$why', ({ alone, allowed }) => {
  expect(allowedMs(alone)).toBe(allowed);
});

test.each([
  { why: 'nobody waits', plain: waited(6, 3), scripted: waited(8, 4), verdict: 'ok' },
  { why: 'a call waits', plain: waited(6.1, 3), scripted: waited(8, 4), verdict: 'missed' },
  { why: 'a call with a script waits', plain: waited(6, 3), scripted: waited(8.1, 4), verdict: 'missed' },
  { why: 'calls fail', plain: waited(6, 3, 1), scripted: waited(8, 4, 2), verdict: '3 calls failed' },
])('where $why the verdict is $verdict', ({ plain, scripted, verdict }) => {
  const outcome: Outcome = {
    ...{ name: 'loop', answers: ['500 Too much.'], medianMs: 1, longestMs: 2, plain, scripted },
    ...{ fullMs: -3, goneMs: 0, replaced: 1 },
  };
  const { lines } = hostileTable([outcome], ALONE);
  expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  expect(lines.at(-1)?.at(-1)).toBe(verdict);
});

test('each time is held against the quiet ones next to it, and not against itself', () => {
  /** A call each 5 ms: 1 ms long in the first second, ten times as long from then on; beside a script three times that. */
  const between = ({ from, to }: { from: number; to: number }) =>
    Array.from({ length: (to - from) / 5 }, (_, n) => {
      const at = from + 5 * n;
      const slow = at < 1000 ? 1 : 10;
      return { at, ms: at % 1000 < 500 ? slow : 3 * slow, isGood: at !== 1500 };
    });
  const second = (from: number) => ({ from, to: from + 100 });
  const quiet = [0, 400, 1000, 1400].map(second);
  const beside = waitedIn([600, 1600].map(second), quiet, between);
  expect(beside).toEqual({
    failed: 0,
    looks: [
      { p99Ms: 3, aloneMs: 10 },
      { p99Ms: 30, aloneMs: 10 },
    ],
  });
  expect([p99Of(beside), ratioOf(beside), excessOf(beside)]).toEqual([16.5, 1.65, (3 / 20 + 30 / 20) / 2]);
  expect(waitedIn([second(1500)], quiet, between)).toEqual({ failed: 1, looks: [{ p99Ms: 30, aloneMs: 10 }] });
  const alone = waitedIn(quiet, quiet, between);
  expect(alone.looks.map(({ aloneMs }) => aloneMs)).toEqual([1, 10, 10, 10]);
});

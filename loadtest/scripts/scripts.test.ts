import { expect, test } from 'vitest';
import { SCRIPT_CASES } from './cases.ts';
import { hostileKinds } from './hostile-kinds.ts';
import { allowedMs, hostileTable, type Outcome, type Waited } from './hostile-table.ts';

const waited = (p99Ms: number, failed = 0): Waited => ({ failed, p99Ms, p99s: [p99Ms] });
const ALONE = { plain: waited(3), scripted: waited(4) };

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
  expect(allowedMs(waited(alone))).toBe(allowed);
});

test.each([
  { why: 'nobody waits', plain: waited(6), scripted: waited(8), verdict: 'ok' },
  { why: 'a call waits', plain: waited(6.1), scripted: waited(8), verdict: 'missed' },
  { why: 'a call with a script waits', plain: waited(6), scripted: waited(8.1), verdict: 'missed' },
  { why: 'calls fail', plain: waited(6, 1), scripted: waited(8, 2), verdict: '3 calls failed' },
])('where $why the verdict is $verdict', ({ plain, scripted, verdict }) => {
  const outcome: Outcome = {
    ...{ name: 'loop', answers: ['500 Too much.'], medianMs: 1, longestMs: 2, plain, scripted },
    ...{ fullMs: -3, goneMs: 0, replaced: 1 },
  };
  const { lines } = hostileTable([outcome], ALONE);
  expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  expect(lines.at(-1)?.at(-1)).toBe(verdict);
});

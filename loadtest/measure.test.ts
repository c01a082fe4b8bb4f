import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ContestCase, ContestOptions } from './contest.ts';
import { DATABASE_CASES } from './database/cases.ts';
import { measureCase } from './measure.ts';
import { parseOptions } from './options.ts';
import { type RunScope, Teardown } from './process.ts';

let scope: RunScope;
beforeEach(() => {
  const folder = mkdtempSync(`${tmpdir()}/millrace-loadtest-`);
  scope = { teardown: new Teardown(), signal: new AbortController().signal, folder };
});
afterEach(() => rmSync(scope.folder, { recursive: true }));

const optionsOf = (...args: string[]) => parseOptions(args, DATABASE_CASES) as ContestOptions;
const figure = (name: string) => ({ name, title: name, unit: 's', targets: [] }) as const;

test.each([
  { list: 'load', expected: ['load-ndjson', 'load-json', 'load-csv'] },
  { list: 'mariadb-get,export', expected: ['export', 'mariadb-get'] },
])('--cases $list selects $expected', ({ list, expected }) => {
  expect(optionsOf('--cases', list).cases.map((each) => each.name)).toEqual(expected);
});

test('no two figures have one name', () => {
  const names = DATABASE_CASES.flatMap((each) => each.figures.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});

test('the sides alternate after the warm-up, which does not count, and what the case started ends with it', async () => {
  const calls: string[] = [];
  const measured = (key: 'A' | 'C', ...figures: string[]) => ({
    key,
    label: key,
    measure: async (seconds: number) => {
      calls.push(`${key} ${seconds}`);
      return Object.fromEntries(figures.map((name) => [name, calls.length]));
    },
  });
  const each: ContestCase = {
    name: 'one',
    needs: 'postgres',
    figures: [figure('time'), figure('memory')],
    prepare: async (own) => {
      own.teardown.add(async () => void calls.push('end'));
      return {
        server: 'PostgreSQL 15',
        millrace: undefined,
        warmUps: 2,
        sides: [measured('A', 'time'), measured('C', 'time', 'memory')],
      };
    },
  };
  const options = optionsOf('--rounds', '2', '--seconds', '5', '--warmup', '7');
  const { results } = await measureCase(each, options, scope);
  expect(calls).toEqual(['A 7', 'C 7', 'A 7', 'C 7', 'A 5', 'C 5', 'A 5', 'C 5', 'end']);
  expect(results).toEqual([
    { ...figure('time'), samples: { A: [5, 7], C: [6, 8] } },
    { ...figure('memory'), samples: { C: [6, 8] } },
  ]);
});

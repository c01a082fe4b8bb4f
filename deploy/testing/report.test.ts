import { expect, test } from 'vitest';
import { tally } from './report.ts';

const one = (status: string, ...titles: string[]) => ({ ancestorTitles: titles, title: 'works', status });

const CASES = [
  {
    why: 'tests are counted over all files',
    files: [
      { name: '/r/a.test.ts', status: 'passed', assertionResults: [one('passed'), one('passed')] },
      { name: '/r/b.test.ts', status: 'failed', assertionResults: [one('passed'), one('failed')] },
    ],
    expected: { passed: 3, failed: 1, leftOut: [] },
  },
  {
    why: 'a file that does not load is one failure',
    files: [{ name: '/r/a.test.ts', status: 'failed', assertionResults: [] }],
    expected: { passed: 0, failed: 1, leftOut: [] },
  },
  {
    why: 'a failing hook is one failure, and what it kept from running is named',
    files: [{ name: '/r/a.test.ts', status: 'failed', assertionResults: [one('skipped', 'suite')] }],
    expected: { passed: 0, failed: 1, leftOut: ['a.test.ts: suite (1 left out)'] },
  },
  {
    why: 'a suite that was left out is named once, with its reason and size',
    files: [
      {
        name: '/r/x/a.test.ts',
        status: 'passed',
        assertionResults: [one('skipped', 'db: not installed', 'read'), one('skipped', 'db: not installed', 'write')],
      },
    ],
    expected: { passed: 0, failed: 0, leftOut: ['x/a.test.ts: db: not installed (2 left out)'] },
  },
  {
    why: 'a single test that was left out is named by its title, whatever the word for it',
    files: [{ name: '/r/a.test.ts', status: 'passed', assertionResults: [one('todo'), one('passed')] }],
    expected: { passed: 1, failed: 0, leftOut: ['a.test.ts: works (1 left out)'] },
  },
];
test.each(CASES)('$why', ({ files, expected }) => {
  expect(tally({ testResults: files }, '/r')).toEqual(expected);
});

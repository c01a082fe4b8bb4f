import { expect, test } from 'vitest';
import { type BenchCase, CASES } from './cases.ts';
import { type BenchOptions, parseOptions } from './options.ts';

const options = (...args: string[]) => parseOptions(args, CASES) as BenchOptions<BenchCase>;

test('a run of everything leaves results behind, a part of it or a profiled one does not', () => {
  expect(options().cases).toEqual(CASES);
  expect(options().resultsFolder).toMatch(/loadtest\/results$/);
  expect(options('--cases', 'get').resultsFolder).toBeUndefined();
  expect(options('--profile').resultsFolder).toBeUndefined();
  expect(options('--cases', 'get', '--results', 'here').resultsFolder).toBe('here');
});

test.each([
  { list: 'get', expected: ['get'] },
  { list: 'list', expected: ['list-100', 'list-1000'] },
  { list: 'update, start', expected: ['start-time', 'start-memory', 'update'] },
  { list: 'insert-1', expected: ['insert-1'] },
])('--cases $list selects $expected', ({ list, expected }) => {
  expect(options('--cases', list).cases.map((each) => each.name)).toEqual(expected);
});

test.each([
  { args: ['--cases', 'nonsense'], names: /nonsense/ },
  { args: ['--rounds', '0'], names: /--rounds/ },
  { args: ['--seconds', '1.5'], names: /--seconds/ },
  { args: ['--connections', 'many'], names: /--connections/ },
  { args: ['--unheard-of'], names: /unheard-of/ },
])('$args is refused', ({ args, names }) => {
  expect(() => parseOptions(args, CASES)).toThrow(names);
});

test('sizes are those of the program, but for those that are given', () => {
  const sizesOf = (...args: string[]) =>
    (parseOptions(args, CASES, { files: 9, mb: 1 }) as BenchOptions<BenchCase>).sizes;
  expect(sizesOf()).toEqual({ files: 9, mb: 1 });
  expect(sizesOf('--sizes', 'mb=5')).toEqual({ files: 9, mb: 5 });
  for (const list of ['other=1', 'mb=0', 'mb']) expect(() => sizesOf('--sizes', list)).toThrow(/sizes/);
});

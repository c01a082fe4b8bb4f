import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { JsonNumber } from '#common/json.ts';
import { RoleAccessSchema } from '#proto/access/v1/access_pb.ts';
import type { Filter } from '#proto/data/v1/data_pb.ts';
import { rowFilterOf, shiftParameters } from './row-filter.ts';

type Stored = readonly [name: string, operator: string, value: string];

const compile = (op: string, filters: readonly Stored[], replace = (text: string): string | undefined => text) =>
  rowFilterOf(
    create(RoleAccessSchema, {
      filterOp: op,
      filters: filters.map(([name, operator, value]) => ({ name, operator, value })),
    }),
    replace,
  );

/** A tree as text, its values by their index. */
function shown({ node }: Filter): string {
  switch (node.case) {
    case 'comparison': {
      const { field, comparator, operands } = node.value;
      return `${field} ${comparator}${operands.map(({ kind }) => ` $${kind.value}`).join('')}`;
    }
    case 'not':
      return `!(${shown(node.value)})`;
    case 'all':
    case 'any':
      return `${node.case}(${node.value.filters.map(shown).join(', ')})`;
    default:
      return '?';
  }
}

describe('a rule becomes a tree', () => {
  const CASES: { why: string; op?: string; filters: Stored[]; tree: string; values: string[] }[] = [
    { why: 'one condition stands alone', filters: [['a', '=', '1']], tree: 'a 1 $0', values: ['1'] },
    {
      why: 'and',
      filters: [
        ['a', '=', '1'],
        ['b', '>', '2'],
      ],
      tree: 'all(a 1 $0, b 3 $1)',
      values: ['1', '2'],
    },
    {
      why: 'or, in any case',
      op: 'or',
      filters: [
        ['a', '=', '1'],
        ['b', '<', '2'],
      ],
      tree: 'any(a 1 $0, b 5 $1)',
      values: ['1', '2'],
    },
    { why: 'a list', filters: [['a', 'in', '1, 2']], tree: 'a 11 $0 $1', values: ['1', '2'] },
    { why: 'a list in parentheses', filters: [['a', 'IN', "('x', 'y')"]], tree: 'a 11 $0 $1', values: ['x', 'y'] },
    { why: 'not in', filters: [['a', 'NOT  IN', '1']], tree: '!(a 11 $0)', values: ['1'] },
    { why: 'null', filters: [['a', 'is null', 'ignored']], tree: 'a 13', values: [] },
    { why: 'not null', filters: [['a', 'does exist', '']], tree: '!(a 13)', values: [] },
    {
      why: 'both spellings',
      op: 'AND',
      filters: [
        ['a', 'start with', 'x'],
        ['a', 'ENDS WITH', 'y'],
      ],
      tree: 'all(a 9 $0, a 10 $1)',
      values: ['x', 'y'],
    },
    {
      why: 'quotes around a value are not part of it',
      filters: [['a', '=', "'it''s'"]],
      tree: 'a 1 $0',
      values: ["it''s"],
    },
    { why: 'syntax in a value is a value', filters: [['a', '=', "x' or 1=1"]], tree: 'a 1 $0', values: ["x' or 1=1"] },
  ];
  test.each(CASES)('$why', ({ op = 'AND', filters, tree, values }) => {
    const compiled = compile(op, filters)!;
    expect(shown(compiled.filter)).toBe(tree);
    expect(compiled.parameters.map(({ kind }) => kind.value)).toEqual(values);
  });

  test('no conditions are no filter', () => expect(compile('AND', [])).toBeUndefined());

  test.each([
    { why: 'an operator that is none', filters: [['a', 'or 1=1 --', 'x']] as Stored[] },
    { why: 'a name that is none', filters: [[' ', '=', 'x']] as Stored[] },
  ])('$why lets nothing through', ({ filters }) => {
    expect(() => compile('AND', filters)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  test('counted behind the parameters of the caller, at every depth', () => {
    const { filter } = compile('OR', [
      ['a', '=', '1'],
      ['b', 'not in', '2,3'],
    ])!;
    expect(shown(shiftParameters(filter, 4))).toBe('any(a 1 $4, !(b 11 $5 $6))');
  });
});

describe('lookups', () => {
  const replace = (text: string) => (text.includes('{none}') ? undefined : text.replaceAll('{me}', "a, b') or (1"));
  test('a value of one can be neither more values nor syntax', () => {
    const { filter, parameters } = compile('AND', [['a', 'in', '({me}, c)']], replace)!;
    expect(shown(filter)).toBe('a 11 $0 $1');
    expect(parameters.map(({ kind }) => kind.value)).toEqual(["a, b') or (1", 'c']);
  });

  test.each(['=', '!=', 'not in', '<', 'like', 'not like'])(
    'one that stands for nothing admits nothing: %s',
    (operator) => {
      const { filter, parameters, admits } = compile(
        'OR',
        [
          ['a', operator, '{none}'],
          ['b', '=', '1'],
        ],
        replace,
      )!;
      expect(shown(filter)).toBe('any(any(), b 1 $0)');
      expect(parameters).toHaveLength(1);
      expect(admits({ a: 'x' }, true)).toBe(false);
      expect(admits({ a: 'x', b: '1' }, true)).toBe(true);
    },
  );
});

describe('a record that is written', () => {
  const CASES: {
    why: string;
    op?: string;
    filters: Stored[];
    record: object;
    creating?: boolean;
    admitted: boolean;
  }[] = [
    { why: 'satisfies it', filters: [['a', '=', '1']], record: { a: 1 }, admitted: true },
    { why: 'does not', filters: [['a', '=', '1']], record: { a: 2 }, admitted: false },
    { why: 'lacks it when created', filters: [['a', '=', '1']], record: { b: 1 }, admitted: false },
    { why: 'lacks it when changed', filters: [['a', '=', '1']], record: { b: 1 }, creating: false, admitted: true },
    { why: 'takes it away', filters: [['a', '=', '1']], record: { a: null }, creating: false, admitted: false },
    { why: 'in another case', filters: [['Owner', '=', '1']], record: { owner: 2 }, creating: false, admitted: false },
    { why: 'in two cases, the good one first', filters: [['a', '=', '1']], record: { a: 1, A: 2 }, admitted: false },
    { why: 'in two cases, the good one last', filters: [['a', '=', '1']], record: { A: 2, a: 1 }, admitted: false },
    { why: 'as text', filters: [['a', '=', '1']], record: { a: '1' }, admitted: true },
    { why: 'as a text that is another one', filters: [['a', '=', '1']], record: { a: '01' }, admitted: false },
    { why: 'as a number in another form', filters: [['a', '=', '1.50']], record: { a: 1.5 }, admitted: true },
    { why: 'as a hexadecimal text', filters: [['a', '=', '16']], record: { a: '0x10' }, admitted: false },
    {
      why: 'a large number',
      filters: [['a', '=', '9007199254740993']],
      record: { a: new JsonNumber('9007199254740993') },
      admitted: true,
    },
    {
      why: 'the large number beside it',
      filters: [['a', '=', '9007199254740992']],
      record: { a: new JsonNumber('9007199254740993') },
      admitted: false,
    },
    { why: 'yes as 1', filters: [['a', '=', 'true']], record: { a: 1 }, admitted: true },
    { why: 'yes as true', filters: [['a', '=', '1']], record: { a: true }, admitted: true },
    { why: 'no for yes', filters: [['a', '=', '1']], record: { a: false }, admitted: false },
    { why: 'a list around the value', filters: [['a', '=', '1']], record: { a: ['1'] }, admitted: false },
    ...['=', '!=', '>', 'not in', 'contains', 'not like'].map((operator) => ({
      why: `an object, which is not ${operator} anything`,
      filters: [['a', operator, 'A']] as Stored[],
      record: { a: { toString: 1 } },
      admitted: false,
    })),
    { why: 'an object, which is something', filters: [['a', 'is not null', '']], record: { a: {} }, admitted: true },
    {
      why: 'an object with the value',
      filters: [['a', '=', '1']],
      record: { a: { expression: '1' } },
      admitted: false,
    },
    { why: 'unequal', filters: [['a', '!=', '1']], record: { a: 2 }, admitted: true },
    { why: 'unequal as text, equal as number', filters: [['a', '!=', '1']], record: { a: '01' }, admitted: false },
    { why: 'unequal in its case only', filters: [['a', '!=', 'x']], record: { a: 'X ' }, admitted: false },
    { why: 'nothing is not unequal', filters: [['a', '!=', '1']], record: { a: null }, admitted: false },
    { why: 'in', filters: [['a', 'in', '1,2']], record: { a: 2 }, admitted: true },
    { why: 'not in', filters: [['a', 'not in', '1,2']], record: { a: 3 }, admitted: true },
    { why: 'not in, but is', filters: [['a', 'not in', '1,2']], record: { a: '2.0' }, admitted: false },
    { why: 'nothing is not out of a list', filters: [['a', 'not in', '1,2']], record: {}, admitted: false },
    { why: 'greater as number', filters: [['a', '>', '9']], record: { a: 10 }, admitted: true },
    { why: 'less as text', filters: [['a', '<', 'b']], record: { a: 'a' }, admitted: true },
    { why: 'at least', filters: [['a', '>=', '9']], record: { a: 8 }, admitted: false },
    { why: 'at most', filters: [['a', '<=', '9']], record: { a: 9 }, admitted: true },
    { why: 'contains', filters: [['a', 'contains', 'x']], record: { a: 'axb' }, admitted: true },
    { why: 'starts with', filters: [['a', 'starts with', 'x']], record: { a: 'axb' }, admitted: false },
    { why: 'ends with', filters: [['a', 'ends with', 'b']], record: { a: 'axb' }, admitted: true },
    { why: 'like', filters: [['a', 'like', 'a_c%']], record: { a: 'abcd' }, admitted: true },
    {
      why: 'like, with characters of expressions',
      filters: [['a', 'like', 'a.c']],
      record: { a: 'abc' },
      admitted: false,
    },
    { why: 'like, over several lines', filters: [['a', 'like', 'a%c']], record: { a: 'a\nb\nc' }, admitted: true },
    { why: 'not like', filters: [['a', 'not like', 'a%']], record: { a: 'b' }, admitted: true },
    { why: 'not like, in another case', filters: [['a', 'not like', 'a%']], record: { a: 'ABC' }, admitted: false },
    { why: 'null', filters: [['a', 'is null', '']], record: { a: 'b' }, admitted: false },
    { why: 'null where it is left out', filters: [['a', 'is null', '']], record: {}, admitted: true },
    {
      why: 'both of two',
      filters: [
        ['a', '=', '1'],
        ['b', '=', '2'],
      ],
      record: { a: 1, b: 3 },
      admitted: false,
    },
    {
      why: 'one of two',
      op: 'OR',
      filters: [
        ['a', '=', '1'],
        ['b', '=', '2'],
      ],
      record: { a: 1, b: 3 },
      admitted: true,
    },
    {
      why: 'none of two',
      op: 'OR',
      filters: [
        ['a', '=', '1'],
        ['b', '=', '2'],
      ],
      record: { a: 3 },
      admitted: false,
    },
    {
      why: 'a change that leaves the one it may have been in by',
      op: 'OR',
      filters: [
        ['a', '=', '1'],
        ['b', '=', '2'],
      ],
      record: { a: 3 },
      creating: false,
      admitted: false,
    },
    {
      why: 'a change of something else',
      op: 'OR',
      filters: [
        ['a', '=', '1'],
        ['b', '=', '2'],
      ],
      record: { c: 3 },
      creating: false,
      admitted: true,
    },
    {
      why: 'a change into the other one',
      op: 'OR',
      filters: [
        ['a', '=', '1'],
        ['b', '=', '2'],
      ],
      record: { a: 3, b: 2 },
      creating: false,
      admitted: true,
    },
  ];
  test.each(CASES)('$why: $admitted', ({ op = 'AND', filters, record, creating = true, admitted }) => {
    expect(compile(op, filters)!.admits(record as Record<string, unknown>, creating)).toBe(admitted);
  });

  test('a pattern of many wildcards takes no time', () => {
    const { admits } = compile('AND', [['a', 'like', `${'%a'.repeat(30)}%b`]])!;
    const started = performance.now();
    expect(admits({ a: 'a'.repeat(20_000) }, true)).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

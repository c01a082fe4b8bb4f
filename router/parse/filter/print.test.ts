import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MillraceError } from '#common/errors.ts';
import { Comparator, type Filter, Moment_Base, type Operand, type Value } from '#proto/data/v1/data_pb.ts';
import { all, any, comparison, moment, not, parameter, textValue } from './nodes.ts';
import { BY_COMPARATOR, type Takes } from './operators.ts';
import { parseFilter } from './parse.ts';
import { printFilter } from './print.ts';

const CASES = { numRuns: Number(process.env['FILTER_CASES'] ?? 5000) };

/** The tree with its values in place, so that trees compare whatever the order of their parameters. */
function resolved(filter: Filter, parameters: readonly Value[]): unknown {
  const { node } = filter;
  switch (node.case) {
    case 'comparison': {
      const { field, comparator, operands } = node.value;
      return { field, comparator, operands: operands.map((each) => resolvedOperand(each, parameters)) };
    }
    case 'not':
      return { not: resolved(node.value, parameters) };
    case 'all':
    case 'any':
      return { [node.case]: node.value.filters.map((each) => resolved(each, parameters)) };
    default:
      throw new Error('an empty node');
  }
}

function resolvedOperand({ kind }: Operand, parameters: readonly Value[]): unknown {
  if (kind.case === 'parameter') return parameters[kind.value]!.kind;
  return kind.case === 'value' ? kind.value.kind : kind.value;
}

/** Prints, parses again and compares. */
function expectSameAgain(filter: Filter, parameters: readonly Value[]): void {
  const { text, params } = printFilter(filter, parameters);
  const again = parseFilter(text, params);
  expect(resolved(again.filter!, again.parameters), text).toStrictEqual(resolved(filter, parameters));
}

const WORDS = ['and', 'or', 'xor', 'nor', 'not', 'null', 'is', 'in', 'like', 'between', 'contains', 'starts', 'with'];
const SYMBOLS = ['&&', '||', '=', '!=', '<>', '<', '>=', '(', ')', ',', "'", '"', "''", '""', ':x', ':n', '.', '-'];
const PIECES = ['a', 'name', '1', ' ', '  ', '\t', '\u00a0', '(now())', '(current_date - 1 day)', 'é', '{user.id}'];

const snippet = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...WORDS.map((word) => ` ${word} `), ...SYMBOLS, ...PIECES) },
  { weight: 2, arbitrary: fc.constantFrom('a = 1', "name = 'x'", 'b in (1, 2)', ' and b like ', 'c between 1 and 2') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom('\ud800', '\udc00', '\0') },
);
const anyText = fc.array(snippet, { maxLength: 24 }).map((parts) => parts.join(''));

const text = fc.oneof(
  anyText,
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', ' ', ...WORDS, ...SYMBOLS),
);
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: text.map(textValue) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<Value['kind']>(
        { case: 'number', value: '12.50' },
        { case: 'boolean', value: true },
        { case: 'null', value: true },
      )
      .map((kind): Value => ({ $typeName: 'millrace.data.v1.Value', kind })),
  },
);
const inline = value.map(
  (each): Operand => ({
    $typeName: 'millrace.data.v1.Operand',
    kind: { case: 'value', value: each },
  }),
);
const clock = fc
  .tuple(
    fc.constantFrom(Moment_Base.TIMESTAMP, Moment_Base.DATE, Moment_Base.TIME),
    fc.oneof(fc.constant(0), fc.integer(), fc.maxSafeInteger()),
  )
  .map(([base, offset]) => moment(base, offset));

const bareName = fc.constantFrom('a', 'b_2', 'customer.country', 'größe', 'first-name', '2fa', '$x');
const name = fc.oneof(
  bareName,
  fc.constantFrom(...WORDS, '1', 'Order Date', '"', '-x'),
  text.filter((each) => each !== ''),
);

const COUNTS: Readonly<Record<Takes, readonly [number, number]>> = {
  value: [1, 1],
  text: [1, 1],
  list: [1, 4],
  range: [2, 2],
  nothing: [0, 0],
};

function leaf(field: fc.Arbitrary<string>, operand: fc.Arbitrary<Operand>): fc.Arbitrary<Filter> {
  return fc.constantFrom(...BY_COMPARATOR.values()).chain(({ comparator, takes }) => {
    const [minLength, maxLength] = COUNTS[takes];
    const operands = fc.array(takes === 'text' ? inline : operand, { minLength, maxLength });
    return fc.tuple(field, operands).map(([named, of]) => comparison(named, comparator, of));
  });
}

function tree(leaves: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> {
  return fc.letrec<{ tree: Filter }>((tie) => {
    const several = fc.array(tie('tree'), { minLength: 2, maxLength: 4 });
    return {
      tree: fc.oneof(
        { maxDepth: 5, depthSize: 'small' },
        { weight: 3, arbitrary: leaves },
        { weight: 1, arbitrary: tie('tree').map(not) },
        { weight: 2, arbitrary: several.map(all) },
        { weight: 2, arbitrary: several.map(any) },
      ),
    };
  }).tree;
}

describe('whatever the text', () => {
  test('it is refused, or its tree prints as text with the same tree', () => {
    const params = new Map([
      [':x', textValue('(now())')],
      [':n', textValue("it's")],
    ]);
    const property = fc.property(anyText, (filter) => {
      let parsed: ReturnType<typeof parseFilter>;
      try {
        parsed = parseFilter(filter, params);
      } catch (error) {
        expect(error).toBeInstanceOf(MillraceError);
        expect((error as MillraceError).code).toBe('invalid');
        const { position } = (error as MillraceError).context as { position: number };
        expect(position).toBeGreaterThanOrEqual(1);
        expect(position).toBeLessThanOrEqual(filter.length + 1);
        return;
      }
      if (parsed.filter === undefined) expect(filter.trim()).toBe('');
      else expectSameAgain(parsed.filter, parsed.parameters);
    });
    fc.assert(property, CASES);
  });
});

describe('whatever the tree', () => {
  test('its text has the same tree', () => {
    fc.assert(
      fc.property(tree(leaf(name, fc.oneof(inline, clock))), (filter) => expectSameAgain(filter, [])),
      CASES,
    );
  });

  test('more parentheses and white space change nothing', () => {
    const blank = fc.constantFrom(' ', '\t\n ', '\u00a0 ');
    // Only values that stand in the text: keys of parameters would collide between the parts.
    const quoted = text.map(
      (each): Operand => ({
        $typeName: 'millrace.data.v1.Operand',
        kind: { case: 'value', value: textValue(each) },
      }),
    );
    const leaves = leaf(bareName, quoted).filter((each) => printFilter(each, []).params.size === 0);
    const property = fc.property(tree(leaves), blank, fc.integer({ min: 1, max: 3 }), (filter, space, pairs) => {
      const wrap = (part: string) => `${`(${space}`.repeat(pairs)}${part}${`${space})`.repeat(pairs)}`;
      const noisy = ({ node }: Filter): string => {
        switch (node.case) {
          case 'not':
            return `${space}nOt${space}${wrap(noisy(node.value))}`;
          case 'all':
          case 'any':
            return node.value.filters
              .map((each) => wrap(noisy(each)))
              .join(node.case === 'all' ? `${space}And${space}` : ' oR');
          case 'comparison':
            return space + printFilter({ $typeName: 'millrace.data.v1.Filter', node }, []).text + space;
          default:
            throw new Error('an empty node');
        }
      };
      const again = parseFilter(noisy(filter), new Map());
      expect(resolved(again.filter!, again.parameters)).toStrictEqual(resolved(filter, []));
    });
    fc.assert(property, CASES);
  });
});

describe('the printer', () => {
  test('writes a list of one as its filter', () => {
    const one = comparison('a', Comparator.IS_NULL, []);
    expect(printFilter(any([all([one])]), []).text).toBe('a IS NULL');
  });

  const empty: Operand = { $typeName: 'millrace.data.v1.Operand', kind: { case: undefined } };
  const HOLES: readonly (readonly [why: string, filter: Filter])[] = [
    ['an empty node', { $typeName: 'millrace.data.v1.Filter', node: { case: undefined } }],
    ['an empty list', all([])],
    ['an unknown comparator', comparison('a', Comparator.UNSPECIFIED, [parameter(0)])],
    ['no field', comparison('', Comparator.EQ, [parameter(0)])],
    ['no value', comparison('a', Comparator.EQ, [])],
    ['half a range', comparison('a', Comparator.BETWEEN, [parameter(0)])],
    ['a parameter that is not there', comparison('a', Comparator.EQ, [parameter(1)])],
    ['an empty operand', comparison('a', Comparator.EQ, [empty])],
    ['an unknown moment', comparison('a', Comparator.EQ, [moment(Moment_Base.UNSPECIFIED, 0)])],
    ['a moment as text', comparison('a', Comparator.CONTAINS, [moment(Moment_Base.DATE, 0)])],
  ];
  test.each(HOLES)('refuses a tree with %s', (_why, filter) => {
    expect(() => printFilter(filter, [textValue('x')])).toThrow(MillraceError);
  });
});

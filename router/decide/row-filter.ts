/**
 * A role's row conditions (system-api §4.7, database-api §8.1) as a tree that is joined to the caller's tree by AND,
 * and as a check of the records that a caller wants to write.
 */
import { MillraceError } from '#common/errors.ts';
import type { RoleAccess, RowCondition } from '#proto/access/v1/access_pb.ts';
import { Comparator, type Filter, type Operand, type Value } from '#proto/data/v1/data_pb.ts';

export interface RowFilter {
  readonly filter: Filter;
  readonly parameters: readonly Value[];
  /** Does a record that is being written satisfy it? Fields that an update does not set are not looked at. */
  admits(record: Readonly<Record<string, unknown>>, creating: boolean): boolean;
}

interface Condition {
  readonly name: string;
  readonly comparator: Comparator;
  readonly negated: boolean;
  readonly values: readonly string[];
}

const OPERATORS: Readonly<Record<string, readonly [Comparator, negated: boolean]>> = {
  '=': [Comparator.EQ, false],
  eq: [Comparator.EQ, false],
  '!=': [Comparator.NE, false],
  '<>': [Comparator.NE, false],
  ne: [Comparator.NE, false],
  '>': [Comparator.GT, false],
  gt: [Comparator.GT, false],
  '>=': [Comparator.GE, false],
  gte: [Comparator.GE, false],
  '<': [Comparator.LT, false],
  lt: [Comparator.LT, false],
  '<=': [Comparator.LE, false],
  lte: [Comparator.LE, false],
  like: [Comparator.LIKE, false],
  'not like': [Comparator.LIKE, true],
  in: [Comparator.IN, false],
  'not in': [Comparator.IN, true],
  contains: [Comparator.CONTAINS, false],
  'starts with': [Comparator.STARTS_WITH, false],
  'start with': [Comparator.STARTS_WITH, false],
  'ends with': [Comparator.ENDS_WITH, false],
  'end with': [Comparator.ENDS_WITH, false],
  'is null': [Comparator.IS_NULL, false],
  'is not null': [Comparator.IS_NULL, true],
  'does exist': [Comparator.IS_NULL, true],
  'does not exist': [Comparator.IS_NULL, false],
};

/**
 * @param replace  puts the caller's lookups into a value
 * @returns undefined where the entry has no conditions
 * @throws MillraceError internal when a stored condition is incomplete: letting everything through is no answer
 */
export function rowFilterOf(access: RoleAccess, replace: (text: string) => string): RowFilter | undefined {
  if (access.filters.length === 0) return undefined;
  const conditions = access.filters.map((stored) => readCondition(stored, replace));
  const joinedByOr = access.filterOp.toUpperCase() === 'OR';
  const parameters: Value[] = [];
  const filters = conditions.map((condition) => toFilter(condition, parameters));
  const [only] = filters;
  const joined: Filter =
    filters.length === 1 && only
      ? only
      : node({ case: joinedByOr ? 'any' : 'all', value: { $typeName: 'millrace.data.v1.FilterList', filters } });
  return {
    filter: joined,
    parameters,
    admits: (record, creating) => {
      const verdicts = conditions.map((condition) => verdict(condition, record, creating));
      return joinedByOr ? verdicts.some((good) => good) : verdicts.every((good) => good);
    },
  };
}

function readCondition({ name, operator, value }: RowCondition, replace: (text: string) => string): Condition {
  const known = OPERATORS[operator.trim().toLowerCase().replace(/\s+/g, ' ')];
  if (!known || !name.trim()) {
    throw new MillraceError('internal', 'Invalid server-side filter configuration detected.');
  }
  const [comparator, negated] = known;
  return { name: name.trim(), comparator, negated, values: valuesOf(comparator, value, replace) };
}

/** Lists are taken with and without parentheses; lookups are replaced after the split, so no value can add another. */
function valuesOf(comparator: Comparator, value: string, replace: (text: string) => string): string[] {
  if (comparator === Comparator.IS_NULL) return [];
  if (comparator !== Comparator.IN) return [replace(unquoted(value.trim()))];
  const list = value.trim().replace(/^\((.*)\)$/s, '$1');
  return list.split(',').map((part) => replace(unquoted(part.trim())));
}

function unquoted(text: string): string {
  const quoted = text.length > 1 && (text[0] === "'" || text[0] === '"') && text.at(-1) === text[0];
  return quoted ? text.slice(1, -1) : text;
}

function toFilter({ name, comparator, negated, values }: Condition, parameters: Value[]): Filter {
  const operands = values.map((text): Operand => {
    parameters.push({ $typeName: 'millrace.data.v1.Value', kind: { case: 'text', value: text } });
    return { $typeName: 'millrace.data.v1.Operand', kind: { case: 'parameter', value: parameters.length - 1 } };
  });
  const positive = node({
    case: 'comparison',
    value: { $typeName: 'millrace.data.v1.Comparison', field: name, comparator, operands },
  });
  return negated ? node({ case: 'not', value: positive }) : positive;
}

function node(value: Filter['node']): Filter {
  return { $typeName: 'millrace.data.v1.Filter', node: value };
}

/** The same tree with its parameters counted from an offset: behind the caller's own. */
export function shiftParameters(filter: Filter, offset: number): Filter {
  if (offset === 0) return filter;
  switch (filter.node.case) {
    case 'comparison': {
      const { value } = filter.node;
      const operands = value.operands.map(
        (operand): Operand =>
          operand.kind.case === 'parameter'
            ? { ...operand, kind: { case: 'parameter', value: operand.kind.value + offset } }
            : operand,
      );
      return node({ case: 'comparison', value: { ...value, operands } });
    }
    case 'all':
    case 'any': {
      const filters = filter.node.value.filters.map((inner) => shiftParameters(inner, offset));
      return node({ case: filter.node.case, value: { ...filter.node.value, filters } });
    }
    case 'not':
      return node({ case: 'not', value: shiftParameters(filter.node.value, offset) });
    default:
      return filter;
  }
}

function verdict(condition: Condition, record: Readonly<Record<string, unknown>>, creating: boolean): boolean {
  const key = Object.keys(record).find((name) => name.toLowerCase() === condition.name.toLowerCase());
  if (key === undefined && !creating) return true;
  const value = key === undefined ? null : record[key];
  return compare(condition, value) !== condition.negated;
}

function compare({ comparator, values }: Condition, value: unknown): boolean {
  const empty = value === null || value === undefined;
  if (comparator === Comparator.IS_NULL) return empty;
  const text = empty ? '' : String(value);
  const wanted = values[0] ?? '';
  switch (comparator) {
    case Comparator.EQ:
      return !empty && same(text, wanted);
    case Comparator.NE:
      return !empty && !same(text, wanted);
    case Comparator.IN:
      return !empty && values.some((each) => same(text, each));
    case Comparator.GT:
      return !empty && order(text, wanted) > 0;
    case Comparator.GE:
      return !empty && order(text, wanted) >= 0;
    case Comparator.LT:
      return !empty && order(text, wanted) < 0;
    case Comparator.LE:
      return !empty && order(text, wanted) <= 0;
    case Comparator.CONTAINS:
      return !empty && text.includes(wanted);
    case Comparator.STARTS_WITH:
      return !empty && text.startsWith(wanted);
    case Comparator.ENDS_WITH:
      return !empty && text.endsWith(wanted);
    case Comparator.LIKE:
      return !empty && likePattern(wanted).test(text);
    default:
      return false;
  }
}

/** Loose, as the columns' types are not known here: numbers as numbers, true and false also as 1 and 0. */
function same(a: string, b: string): boolean {
  return a === b || order(a, b) === 0 || truth(a) === truth(b);
}

function truth(text: string): string {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === '1') return 'true';
  if (lower === 'false' || lower === '0') return 'false';
  return `=${text}`;
}

function order(a: string, b: string): number {
  const numeric = a.trim() !== '' && b.trim() !== '' && Number.isFinite(Number(a)) && Number.isFinite(Number(b));
  if (numeric) return Number(a) - Number(b);
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function likePattern(pattern: string): RegExp {
  const source = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${source}$`, 'is');
}

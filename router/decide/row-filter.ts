/**
 * A role's row conditions (system-api §4.7, database-api §8.1) as a tree that is joined to the caller's tree by AND,
 * and as a check of the records that a caller wants to write.
 */
import { MillraceError } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
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
  /** undefined: a lookup in them stands for nothing, so that nothing satisfies the condition. */
  readonly values: readonly string[] | undefined;
}

/** Puts the caller's lookups into a value; undefined where one of them stands for nothing that may stand there. */
type Replace = (text: string, isPattern: boolean) => string | undefined;

const PATTERNS: ReadonlySet<Comparator> = new Set([
  Comparator.LIKE,
  Comparator.CONTAINS,
  Comparator.STARTS_WITH,
  Comparator.ENDS_WITH,
]);

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
 * @returns undefined where the entry has no conditions
 * @throws MillraceError internal when a stored condition is incomplete: letting everything through is no answer
 */
export function rowFilterOf(access: RoleAccess, replace: Replace): RowFilter | undefined {
  if (access.filters.length === 0) return undefined;
  const conditions = access.filters.map((stored) => readCondition(stored, replace));
  const joinedByOr = access.filterOp.toUpperCase() === 'OR';
  const parameters: Value[] = [];
  const filters = conditions.map((condition) => toFilter(condition, parameters));
  const [only] = filters;
  return {
    filter: filters.length === 1 && only ? only : joined(filters, joinedByOr),
    parameters,
    admits: (record, creating) => {
      const verdicts = conditions.map((condition) => verdict(condition, record, creating));
      if (!joinedByOr) return !verdicts.includes(false);
      // Which of the conditions the record satisfies now is not known: what is set must satisfy one of them itself.
      return verdicts.includes(true) || !verdicts.includes(false);
    },
  };
}

function joined(filters: Filter[], byOr: boolean): Filter {
  return node({ case: byOr ? 'any' : 'all', value: { $typeName: 'millrace.data.v1.FilterList', filters } });
}

function readCondition({ name, operator, value }: RowCondition, replace: Replace): Condition {
  const known = OPERATORS[operator.trim().toLowerCase().replace(/\s+/g, ' ')];
  if (!known || !name.trim()) {
    throw new MillraceError('internal', 'Invalid server-side filter configuration detected.');
  }
  const [comparator, negated] = known;
  return { name: name.trim(), comparator, negated, values: valuesOf(comparator, value, replace) };
}

/** Lists are taken with and without parentheses; lookups are replaced after the split, so no value can add another. */
function valuesOf(comparator: Comparator, value: string, replace: Replace): string[] | undefined {
  if (comparator === Comparator.IS_NULL) return [];
  const list =
    comparator === Comparator.IN
      ? value
          .trim()
          .replace(/^\((.*)\)$/s, '$1')
          .split(',')
      : [value];
  const values = list.map((part) => replace(unquoted(part.trim()), PATTERNS.has(comparator)));
  return values.includes(undefined) ? undefined : (values as string[]);
}

function unquoted(text: string): string {
  const quoted = text.length > 1 && (text[0] === "'" || text[0] === '"') && text.at(-1) === text[0];
  return quoted ? text.slice(1, -1) : text;
}

function toFilter({ name, comparator, negated, values }: Condition, parameters: Value[]): Filter {
  // One of no conditions: no row satisfies that.
  if (!values) return joined([], true);
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

/**
 * Does what is set satisfy the condition, in every spelling of the field's name? The columns' types are not known here:
 * where a value may be read in several ways, all of them must satisfy it.
 * @returns undefined where the field is left as it is
 */
function verdict(
  condition: Condition,
  record: Readonly<Record<string, unknown>>,
  creating: boolean,
): boolean | undefined {
  const name = condition.name.toLowerCase();
  const keys = Object.keys(record).filter((key) => key.toLowerCase() === name);
  if (keys.length === 0) return creating ? satisfies(condition, null) : undefined;
  return keys.every((key) => satisfies(condition, record[key]));
}

function satisfies({ comparator, negated, values }: Condition, value: unknown): boolean {
  const empty = value === null || value === undefined;
  if (comparator === Comparator.IS_NULL) return empty !== negated;
  // To a database nothing is neither equal to a value nor unequal to it.
  if (empty || !values) return false;
  // What a column makes of a list or an object is not known here.
  if (typeof value === 'object' && !(value instanceof JsonNumber)) return false;
  const [wanted = ''] = values;
  const text = String(value);
  switch (comparator) {
    case Comparator.EQ:
      return isSame(value, wanted);
    case Comparator.NE:
      return !isAlike(text, wanted);
    case Comparator.IN:
      return negated ? !values.some((each) => isAlike(text, each)) : values.some((each) => isSame(value, each));
    case Comparator.GT:
      return order(text, wanted) > 0;
    case Comparator.GE:
      return order(text, wanted) >= 0;
    case Comparator.LT:
      return order(text, wanted) < 0;
    case Comparator.LE:
      return order(text, wanted) <= 0;
    case Comparator.CONTAINS:
      return text.includes(wanted);
    case Comparator.STARTS_WITH:
      return text.startsWith(wanted);
    case Comparator.ENDS_WITH:
      return text.endsWith(wanted);
    case Comparator.LIKE:
      return negated ? !isLike(text.toLowerCase(), wanted.toLowerCase()) : isLike(text, wanted);
    default:
      return false;
  }
}

/** Equal in every reading: 1 is not 01 to a column of texts. Yes and no are also 1 and 0, as forms and files write them. */
function isSame(value: unknown, wanted: string): boolean {
  const text = String(value);
  if (text === wanted || truth(text) === truth(wanted)) return true;
  if (typeof value === 'string' || !isNumeric(text) || !isNumeric(wanted)) return false;
  // Beyond this, unequal numbers become equal.
  return Number(text) === Number(wanted) && Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER;
}

/** Equal in some reading: as text without regard to case and blanks at the end, as number, as yes or no. */
function isAlike(text: string, wanted: string): boolean {
  return folded(text) === folded(wanted) || order(text, wanted) === 0 || truth(text) === truth(wanted);
}

function folded(text: string): string {
  return text.trim().toLowerCase();
}

function truth(text: string): string {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === '1') return 'true';
  if (lower === 'false' || lower === '0') return 'false';
  return `=${text}`;
}

function isNumeric(text: string): boolean {
  return /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(text);
}

function order(a: string, b: string): number {
  if (isNumeric(a) && isNumeric(b)) return Number(a) - Number(b);
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** SQL's LIKE. In steps of one character and without going back further than the last `%`: patterns may hold many. */
function isLike(text: string, pattern: string): boolean {
  let at = 0;
  let place = 0;
  let anyPlace = -1;
  let anyAt = 0;
  while (at < text.length) {
    if (pattern[place] === '%') {
      anyPlace = place++;
      anyAt = at;
    } else if (place < pattern.length && (pattern[place] === '_' || pattern[place] === text[at])) {
      at++;
      place++;
    } else if (anyPlace >= 0) {
      place = anyPlace + 1;
      at = ++anyAt;
    } else return false;
  }
  while (pattern[place] === '%') place++;
  return place === pattern.length;
}

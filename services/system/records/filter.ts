/** A filter tree as a condition of the system database. Every literal is bound; secrets cannot be compared. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { FILTER_DEPTH_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import {
  Comparator,
  type Comparison,
  type Filter,
  type Moment,
  Moment_Base,
  type Operand,
  type Value,
} from '#proto/data/v1/data_pb.ts';
import type { EngineName } from '../database/open.ts';
import { type Column, columnOf, isComparable, type Model } from './model.ts';

export type Condition = RawBuilder<SqlBool>;

export const ALWAYS: Condition = sql<SqlBool>`1 = 1`;
export const NEVER: Condition = sql<SqlBool>`1 = 0`;

/** A comparable column by its name. @throws MillraceError invalid */
export function comparable(model: Model, name: string): Column {
  const column = columnOf(model, name.trim());
  if (!column || !isComparable(column)) {
    throw invalid(`Invalid or unparsable field in filter request: '${name}'`);
  }
  return column;
}

export const allOf = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? ALWAYS : sql<SqlBool>`(${sql.join(conditions, sql` and `)})`;

export const keyIs = (model: Model, key: string | number): Condition => sql<SqlBool>`${sql.ref(model.key)} = ${key}`;

/** The condition that makes the records of a view. */
export const inScope = (model: Model): Condition =>
  allOf(
    Object.entries(model.scope).map(([name, value]) =>
      value === null ? sql<SqlBool>`${sql.ref(name)} is null` : sql<SqlBool>`${sql.ref(name)} = ${value}`,
    ),
  );

export class FilterCompiler {
  readonly #model: Model;
  readonly #parameters: readonly Value[];
  readonly #engine: EngineName;

  constructor(model: Model, parameters: readonly Value[], engine: EngineName) {
    this.#model = model;
    this.#parameters = parameters;
    this.#engine = engine;
  }

  /** @throws MillraceError invalid */
  compile(filter: Filter | undefined, depth = 0): Condition {
    if (depth > FILTER_DEPTH_MAX) throw invalid('The filter is nested too deeply.');
    const node = filter?.node;
    switch (node?.case) {
      case undefined:
        return ALWAYS;
      case 'comparison':
        return this.#comparison(node.value);
      case 'not':
        return sql<SqlBool>`not (${this.compile(node.value, depth + 1)})`;
      case 'all':
        return allOf(node.value.filters.map((part) => this.compile(part, depth + 1)));
      case 'any':
        if (node.value.filters.length === 0) return NEVER;
        return sql<SqlBool>`(${sql.join(
          node.value.filters.map((part) => this.compile(part, depth + 1)),
          sql` or `,
        )})`;
      case 'native':
        throw invalid('A filter of this service is text: an object is none.', { field: 'filter' });
    }
  }

  #comparison({ field, comparator, operands }: Comparison): Condition {
    const column = comparable(this.#model, field);
    const ref = sql.ref(column.name);
    if (comparator === Comparator.IS_NULL) return sql<SqlBool>`${ref} is null`;
    const pattern = LIKE_PATTERNS[comparator];
    if (pattern) return this.#like(column, pattern(this.#text(operands[0])));
    const values = operands.flatMap((operand) => this.#values(operand, column));
    const [first] = values;
    if (first === undefined) throw invalid(`The condition on '${field}' has no value.`);
    switch (comparator) {
      case Comparator.EQ:
        return first === null ? sql<SqlBool>`${ref} is null` : sql<SqlBool>`${ref} = ${first}`;
      case Comparator.NE:
        return first === null ? sql<SqlBool>`${ref} is not null` : sql<SqlBool>`${ref} <> ${first}`;
      case Comparator.GT:
        return sql<SqlBool>`${ref} > ${first}`;
      case Comparator.GE:
        return sql<SqlBool>`${ref} >= ${first}`;
      case Comparator.LT:
        return sql<SqlBool>`${ref} < ${first}`;
      case Comparator.LE:
        return sql<SqlBool>`${ref} <= ${first}`;
      case Comparator.IN:
        return sql<SqlBool>`${ref} in (${sql.join(values)})`;
      case Comparator.BETWEEN:
        if (values.length !== 2) throw invalid(`The range of '${field}' needs two values.`);
        return sql<SqlBool>`${ref} between ${first} and ${values[1]}`;
      default:
        throw invalid(`The operator on '${field}' is not known.`);
    }
  }

  /** Regardless of case, in every engine. */
  #like(column: Column, pattern: string): Condition {
    const isText = column.kind !== 'integer' && column.kind !== 'boolean' && column.kind !== 'id';
    const type = this.#engine === 'mysql' ? sql`char` : sql`text`;
    const text = isText ? sql.ref(column.name) : sql`cast(${sql.ref(column.name)} as ${type})`;
    return sql<SqlBool>`lower(${text}) like lower(${pattern}) escape '!'`;
  }

  #values(operand: Operand, column: Column): (string | number | null)[] {
    if (operand.kind.case === 'moment') return [momentText(operand.kind.value, column)];
    return flatten(this.#value(operand)).map((value) => stored(value, column));
  }

  #text(operand: Operand | undefined): string {
    const value = operand && operand.kind.case !== 'moment' ? this.#value(operand) : undefined;
    const { kind } = value ?? {};
    if (kind?.case === 'text' || kind?.case === 'number') return kind.value;
    if (kind?.case === 'boolean') return kind.value ? '1' : '0';
    throw invalid('A text search needs a text.');
  }

  #value(operand: Operand): Value {
    const { kind } = operand;
    const value =
      kind.case === 'parameter' ? this.#parameters[kind.value] : kind.case === 'value' ? kind.value : undefined;
    if (!value) throw invalid('A condition refers to a value that was not sent.');
    return value;
  }
}

/** '!' escapes, as it needs no doubling in any engine's literals. */
const escaped = (text: string): string => text.replace(/[!%_]/g, '!$&');

const LIKE_PATTERNS: Partial<Record<Comparator, (text: string) => string>> = {
  [Comparator.LIKE]: (text) => text.replaceAll('!', '!!'),
  [Comparator.CONTAINS]: (text) => `%${escaped(text)}%`,
  [Comparator.STARTS_WITH]: (text) => `${escaped(text)}%`,
  [Comparator.ENDS_WITH]: (text) => `%${escaped(text)}`,
};

const flatten = (value: Value): readonly Value[] =>
  value.kind.case === 'list' ? value.kind.value.values.flatMap(flatten) : [value];

/** A value as the column stores it. @throws MillraceError invalid */
export function stored(value: Value, column: Column): string | number | null {
  const { kind } = value;
  if (kind.case === 'null' || kind.case === undefined) return null;
  const text = kind.case === 'boolean' ? String(kind.value) : kind.case === 'list' ? '' : kind.value;
  switch (column.kind) {
    case 'id':
    case 'integer': {
      const number = text === 'true' ? 1 : text === 'false' ? 0 : Number(text);
      if (text.trim() === '' || !Number.isSafeInteger(number)) {
        throw invalid(`Field '${column.name}' must be a valid integer.`);
      }
      return number;
    }
    case 'boolean': {
      const flag = /^(1|true|yes|on)$/i.test(text) ? 1 : /^(0|false|no|off)$/i.test(text) ? 0 : undefined;
      if (flag === undefined) throw invalid(`Field '${column.name}' must be true or false.`);
      return flag;
    }
    default:
      return text;
  }
}

function momentText({ base, offsetSeconds }: Moment, column: Column): string {
  const iso = new Date(Date.now() + offsetSeconds * 1000).toISOString();
  if (base === Moment_Base.DATE) return iso.slice(0, 10);
  if (base === Moment_Base.TIME) return iso.slice(11, 19);
  return column.kind === 'timestamp' ? iso.replace('Z', '000Z') : iso.slice(0, 19).replace('T', ' ');
}

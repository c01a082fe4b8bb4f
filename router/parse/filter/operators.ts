/** The comparison operators of a filter: how each is written and what stands behind it. Shared by parser and printer. */

import { Comparator } from '#proto/data/v1/data_pb.ts';

/** What follows an operator: one value, text taken literally, a list in parentheses, two values, or nothing. */
export type Takes = 'value' | 'text' | 'list' | 'range' | 'nothing';

export interface Operator {
  readonly comparator: Comparator;
  readonly takes: Takes;
  /** How the printer writes it. */
  readonly written: string;
}

const operator = (comparator: Comparator, takes: Takes, written: string): Operator => ({ comparator, takes, written });

export const EQ = operator(Comparator.EQ, 'value', '=');
export const NE = operator(Comparator.NE, 'value', '!=');
export const GT = operator(Comparator.GT, 'value', '>');
export const GE = operator(Comparator.GE, 'value', '>=');
export const LT = operator(Comparator.LT, 'value', '<');
export const LE = operator(Comparator.LE, 'value', '<=');
export const STARTS_WITH = operator(Comparator.STARTS_WITH, 'text', 'STARTS WITH');
export const ENDS_WITH = operator(Comparator.ENDS_WITH, 'text', 'ENDS WITH');
export const IS_NULL = operator(Comparator.IS_NULL, 'nothing', 'IS NULL');
/** The same comparator as IS_NULL: the parser puts the negation around it. */
export const IS_NOT_NULL = operator(Comparator.IS_NULL, 'nothing', 'IS NOT NULL');
const LIKE = operator(Comparator.LIKE, 'value', 'LIKE');
const CONTAINS = operator(Comparator.CONTAINS, 'text', 'CONTAINS');
const IN = operator(Comparator.IN, 'list', 'IN');
const BETWEEN = operator(Comparator.BETWEEN, 'range', 'BETWEEN');

/** Operators of one word, by that word in lower case. */
export const BY_WORD: ReadonlyMap<string, Operator> = new Map([
  ['eq', EQ],
  ['ne', NE],
  ['gt', GT],
  ['gte', GE],
  ['lt', LT],
  ['lte', LE],
  ['like', LIKE],
  ['contains', CONTAINS],
  ['in', IN],
  ['between', BETWEEN],
]);

const ALL = [EQ, NE, GT, GE, LT, LE, LIKE, CONTAINS, STARTS_WITH, ENDS_WITH, IN, BETWEEN, IS_NULL];
export const BY_COMPARATOR: ReadonlyMap<Comparator, Operator> = new Map(ALL.map((each) => [each.comparator, each]));

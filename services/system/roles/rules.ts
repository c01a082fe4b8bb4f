/** What holds for the entries of a role (system-api §4.2, §4.7). */
import { invalid } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import { isObject } from '../records/input.ts';
import type { Rules } from '../records/model.ts';
import { assertFreesNoAdmin, assertMayShape } from './rights.ts';

const WITHOUT_VALUE = ['is null', 'is not null', 'does exist', 'does not exist'];
const OPERATORS = new Set([
  ...['=', '!=', '<>', '>', '<', '>=', '<=', 'in', 'not in', 'like', 'not like'],
  ...['contains', 'starts with', 'start with', 'ends with', 'end with'],
  ...WITHOUT_VALUE,
]);

export interface RowFilter {
  readonly name: string;
  readonly operator: string;
  readonly value: unknown;
}

export const operatorName = (operator: string): string => operator.trim().replace(/\s+/g, ' ').toLowerCase();

/** @returns JSON of the filters, or null  @throws MillraceError invalid */
export function acceptFilters(input: unknown): string | null {
  if (input === null || input === '') return null;
  if (!Array.isArray(input)) throw filterFault('must be a list of {name, operator, value}.');
  return JSON.stringify(input.map(acceptFilter));
}

function acceptFilter(input: unknown, index: number): RowFilter {
  if (!isObject(input) || typeof input['name'] !== 'string' || input['name'] === '') {
    throw filterFault(`entry ${index} has no field name.`);
  }
  const { name, operator = '=' } = input;
  const value = input['value'] instanceof JsonNumber ? String(input['value']) : (input['value'] ?? null);
  if (typeof operator !== 'string' || !OPERATORS.has(operatorName(operator))) {
    throw filterFault(`entry ${index} has an unknown operator; known are ${[...OPERATORS].join(', ')}.`);
  }
  if (WITHOUT_VALUE.includes(operatorName(operator))) return { name, operator, value: null };
  if (isObject(value)) throw filterFault(`entry ${index} has a value that is an object.`);
  return { name, operator, value };
}

function filterFault(what: string) {
  const message = `The filters field: ${what}`;
  return invalid(`Invalid data supplied. ${message}`, { filters: [message] });
}

/** @throws MillraceError invalid */
export function acceptFilterOp(input: unknown): string {
  const text = input === null || input === '' ? 'AND' : String(input).toUpperCase();
  if (text === 'AND' || text === 'OR') return text;
  const message = 'The filter op field must be AND or OR.';
  throw invalid(`Invalid data supplied. ${message}`, { filter_op: [message] });
}

export const ACCESS_RULES: Rules = {
  prepare: (_values, { context }) => assertMayShape(context),
  beforeDelete: (_row, context) => assertMayShape(context),
};

export const ROLE_RULES: Rules = {
  beforeDelete: (row, context) => assertFreesNoAdmin('role_id', row['id'], context),
};

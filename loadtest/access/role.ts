/** A role as large installations have them: rules for tables, groups of tables, routines and schemas, with conditions. */
import type { AccessInit } from '../../router/testing/access.ts';

const GET = 1;
const ALL_VERBS = 31;
const API = 1;
const API_AND_SCRIPT = 3;
/** Of them the exact rules of every fourth table. */
const CONDITION_EVERY = 20;

/** Components of the rule with this number; between them they have every class of rule that a decision knows. */
const COMPONENTS: readonly ((index: number) => string)[] = [
  (index) => `_table/${tableNamed(index)}`,
  (index) => `_table/${tableNamed(index)}/*`,
  (index) => `_table/group${index}_*`,
  (index) => `_schema/${tableNamed(index)}`,
  (index) => `_proc/report${index}`,
];

/** With the next rule of the same number it is open with its records. */
export const tableNamed = (index: number): string => `table${index}`;

/** Numbers of the tables that such a role of so many rules for one service opens. */
export const openTables = (rules: number): number[] =>
  Array.from({ length: Math.floor(rules / COMPONENTS.length) }, (_, index) => index);

/** @param count  rules for one service */
export function rulesOf(serviceId: number, count: number): AccessInit[] {
  return Array.from({ length: count }, (_, index) => {
    const component = COMPONENTS[index % COMPONENTS.length]!(Math.floor(index / COMPONENTS.length));
    const conditions = [{ name: 'owner_id', operator: '=', value: '{user.id}' }];
    return {
      serviceId,
      component,
      verbMask: index % 3 === 2 ? GET : ALL_VERBS,
      requestorMask: index % 2 === 0 ? API_AND_SCRIPT : API,
      filters: index % CONDITION_EVERY === 0 ? conditions : [],
      filterOp: 'AND',
    };
  });
}

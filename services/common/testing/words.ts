/** Operations and filters in few words, for tables of cases. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Comparator,
  type CreateSchema,
  type DeleteSchema,
  type Filter,
  FilterSchema,
  Selection_Kind as Kind,
  type Operand,
  OperandSchema,
  type ReadSchema,
  Target,
  type UpdateSchema,
  type Value,
} from '#proto/data/v1/data_pb.ts';
import { type Ask, wireValue } from './bench.ts';

type Rest = Omit<Ask, 'action'>;
type ReadInit = Exclude<MessageInitShape<typeof ReadSchema>, { $typeName: string }>;
type CreateInit = Exclude<MessageInitShape<typeof CreateSchema>, { $typeName: string }>;
type UpdateInit = Exclude<MessageInitShape<typeof UpdateSchema>, { $typeName: string }>;
type DeleteInit = Exclude<MessageInitShape<typeof DeleteSchema>, { $typeName: string }>;

export const fields = (...names: string[]) => ({ selection: { kind: Kind.LISTED, names } });
export const allFields = { selection: { kind: Kind.ALL } };

/** All that match, unless a target is given. */
export const read = (table: string, init: ReadInit = {}, rest: Rest = {}): Ask => ({
  action: { case: 'read', value: { table, target: Target.FILTER, ...init } },
  ...rest,
});

/** The key comes back, as clients get it where they name no fields. */
export const insert = (table: string, records: unknown, init: CreateInit = {}, rest: Rest = {}): Ask => ({
  action: { case: 'create', value: { table, selection: { kind: Kind.KEY }, ...init } },
  records,
  ...rest,
});

export const update = (
  table: string,
  target: Target,
  records: unknown,
  init: UpdateInit = {},
  rest: Rest = {},
): Ask => ({
  action: { case: 'update', value: { table, target, selection: { kind: Kind.KEY }, ...init } },
  records,
  ...rest,
});

export const remove = (table: string, target: Target, init: DeleteInit = {}, rest: Rest = {}): Ask => ({
  action: { case: 'delete', value: { table, target, selection: { kind: Kind.KEY }, ...init } },
  ...rest,
});

type Symbol = keyof typeof COMPARATORS;

const COMPARATORS = {
  '=': Comparator.EQ,
  '!=': Comparator.NE,
  '>': Comparator.GT,
  '>=': Comparator.GE,
  '<': Comparator.LT,
  '<=': Comparator.LE,
  like: Comparator.LIKE,
  contains: Comparator.CONTAINS,
  'starts with': Comparator.STARTS_WITH,
  'ends with': Comparator.ENDS_WITH,
  in: Comparator.IN,
  between: Comparator.BETWEEN,
  'is null': Comparator.IS_NULL,
} as const;

/** `is('age', '>', 40)`; an operand may be one of its own. */
export const is = (field: string, symbol: Symbol, ...values: readonly unknown[]): Filter =>
  create(FilterSchema, {
    node: {
      case: 'comparison',
      value: { field, comparator: COMPARATORS[symbol], operands: values.map(operandOf) },
    },
  });
export const all = (...filters: Filter[]): Filter =>
  create(FilterSchema, { node: { case: 'all', value: { filters } } });
export const any = (...filters: Filter[]): Filter =>
  create(FilterSchema, { node: { case: 'any', value: { filters } } });
export const not = (filter: Filter): Filter => create(FilterSchema, { node: { case: 'not', value: filter } });

const isOperand = (value: unknown): value is Operand =>
  typeof value === 'object' && value !== null && '$typeName' in value && value.$typeName === OperandSchema.typeName;

const operandOf = (value: unknown): Operand =>
  isOperand(value) ? value : create(OperandSchema, { kind: { case: 'value', value: wireValue(value) } });

/** The same filter with its values apart, as the router sends those that a caller wrote. */
export function apart(filter: Filter): { filter: Filter; parameters: Value[] } {
  const parameters: Value[] = [];
  const walk = (one: Filter): Filter => {
    const { node } = one;
    switch (node.case) {
      case 'comparison': {
        const operands = node.value.operands.map((operand) => {
          if (operand.kind.case !== 'value') return operand;
          const value = parameters.push(operand.kind.value) - 1;
          return create(OperandSchema, { kind: { case: 'parameter', value } });
        });
        return create(FilterSchema, { node: { case: 'comparison', value: { ...node.value, operands } } });
      }
      case 'not':
        return not(walk(node.value));
      case 'all':
        return all(...node.value.filters.map(walk));
      case 'any':
        return any(...node.value.filters.map(walk));
      default:
        return one;
    }
  };
  return { filter: walk(filter), parameters };
}

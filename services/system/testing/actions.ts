/** Operations as tests write them. */
import { create } from '@bufbuild/protobuf';
import { type Comparator, type Filter, FilterSchema, Selection_Kind, Target } from '#proto/data/v1/data_pb.ts';
import type { Action } from './system.ts';

export const ALL = { kind: Selection_Kind.ALL };
export const fields = (...names: string[]) => ({ kind: Selection_Kind.LISTED, names });
export const related = (...names: string[]) => names.map((name) => ({ name }));

export const compare = (field: string, comparator: Comparator, ...parameters: number[]): Filter =>
  create(FilterSchema, {
    node: {
      case: 'comparison',
      value: {
        field,
        comparator,
        operands: parameters.map((parameter) => ({ kind: { case: 'parameter' as const, value: parameter } })),
      },
    },
  });

type ReadInit = Extract<Action, { case: 'read' }>['value'];
export const list = (table: string, more: ReadInit = {}): Action => ({
  case: 'read',
  value: { table, target: Target.FILTER, ...more },
});
export const one = (table: string, more: ReadInit = {}): Action => ({
  case: 'read',
  value: { table, target: Target.ONE, ...more },
});
export const byIds = (table: string, more: ReadInit = {}): Action => ({
  case: 'read',
  value: { table, target: Target.KEYS, ...more },
});
type CreateInit = Extract<Action, { case: 'create' }>['value'];
export const post = (table: string, more: CreateInit = {}): Action => ({ case: 'create', value: { table, ...more } });
type UpdateInit = Extract<Action, { case: 'update' }>['value'];
export const patch = (table: string, target: Target, more: UpdateInit = {}): Action => ({
  case: 'update',
  value: { table, target, ...more },
});
type DeleteInit = Extract<Action, { case: 'delete' }>['value'];
export const remove = (table: string, target: Target, more: DeleteInit = {}): Action => ({
  case: 'delete',
  value: { table, target, ...more },
});

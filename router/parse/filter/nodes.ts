/**
 * The nodes of a filter tree. They are written out as literals, equal to what `create` makes: a filter is parsed for
 * each request, and `create` looks at every field of every message.
 */

import type { Comparator, Comparison, Filter, Moment_Base, Operand, Value } from '#proto/data/v1/data_pb.ts';

const filter = (node: Filter['node']): Filter => ({ $typeName: 'millrace.data.v1.Filter', node });

const list = (filters: Filter[]) => ({ $typeName: 'millrace.data.v1.FilterList' as const, filters });

export const all = (filters: Filter[]): Filter => filter({ case: 'all', value: list(filters) });

export const any = (filters: Filter[]): Filter => filter({ case: 'any', value: list(filters) });

export const not = (inner: Filter): Filter => filter({ case: 'not', value: inner });

export function comparison(field: string, comparator: Comparator, operands: Operand[]): Filter {
  const value: Comparison = { $typeName: 'millrace.data.v1.Comparison', field, comparator, operands };
  return filter({ case: 'comparison', value });
}

export const native = (index: number): Filter => filter({ case: 'native', value: index });

export const parameter = (index: number): Operand => ({
  $typeName: 'millrace.data.v1.Operand',
  kind: { case: 'parameter', value: index },
});

export const moment = (base: Moment_Base, offsetSeconds: number): Operand => ({
  $typeName: 'millrace.data.v1.Operand',
  kind: { case: 'moment', value: { $typeName: 'millrace.data.v1.Moment', base, offsetSeconds } },
});

export const textValue = (text: string): Value => ({
  $typeName: 'millrace.data.v1.Value',
  kind: { case: 'text', value: text },
});

/** Levels of NOT and parentheses that the tree takes when it is written: what FILTER_DEPTH_MAX bounds. */
export function nesting(tree: Filter): number {
  switch (tree.node.case) {
    case 'not':
      return tree.node.value.node.case === 'comparison' ? 0 : 1 + nestingWithin(tree.node.value, 'not');
    case 'all':
    case 'any': {
      let deepest = 0;
      for (const each of tree.node.value.filters) deepest = Math.max(deepest, nestingWithin(each, tree.node.case));
      return deepest;
    }
    default:
      return 0;
  }
}

const nestingWithin = (tree: Filter, parent: 'all' | 'any' | 'not'): number =>
  nesting(tree) + (needsParentheses(tree, parent) ? 1 : 0);

/** Whether a node must be written in parentheses below a node of kind `parent`. */
export function needsParentheses(tree: Filter, parent: 'all' | 'any' | 'not'): boolean {
  return tree.node.case === 'any' || (tree.node.case === 'all' && parent !== 'any');
}

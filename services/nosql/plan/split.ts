/** What of a condition the store decides, and what is left for residual/. */
import type { Condition, Pushdown, StoreTable } from '../engine.ts';
import { joinAll } from './conditions.ts';

export interface Split {
  readonly pushed: Condition | undefined;
  readonly residual: Condition | undefined;
}

/** Parts that are joined by AND go apart; of an OR the store takes all or nothing. */
export function split(condition: Condition | undefined, pushdown: Pushdown, table: StoreTable): Split {
  if (!condition) return { pushed: undefined, residual: undefined };
  const parts = condition.kind === 'all' ? condition.of : [condition];
  const pushed = parts.filter((part) => isPushed(part, pushdown, table));
  const residual = pushed.length === parts.length ? [] : parts.filter((part) => !pushed.includes(part));
  return { pushed: joined(pushed), residual: joined(residual) };
}

const joined = (parts: readonly Condition[]): Condition | undefined =>
  parts.length === 0 ? undefined : joinAll(parts);

function isPushed(condition: Condition, pushdown: Pushdown, table: StoreTable): boolean {
  switch (condition.kind) {
    case 'native':
      return true;
    case 'compare':
      return pushdown.compares(condition, table);
    case 'not':
      return pushdown.not && condition.of.kind === 'compare' && pushdown.compares(condition.of, table);
    case 'all':
      return condition.of.every((part) => isPushed(part, pushdown, table));
    case 'any':
      return pushdown.any && condition.of.every((part) => isPushed(part, pushdown, table));
  }
}

/** Puts documents into an order that the store does not know; of an endless many only the first ones are kept. */
import type { StoredDocument, Wire } from '../document.ts';
import { orderValues } from './compare.ts';
import { getter } from './path.ts';

export interface SortKey {
  readonly field: string;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

interface Placed<T> {
  readonly item: T;
  readonly values: readonly Wire[];
  /** Where it was found: of equal ones the first stays first. */
  readonly place: number;
}

/** @param count  how many are wanted; undefined: all */
export async function firstInOrder(
  found: AsyncIterable<StoredDocument>,
  order: readonly SortKey[],
  count: number | undefined,
  elements: boolean,
): Promise<StoredDocument[]> {
  const gets = order.map(({ field }) => getter(field, elements));
  const compare = comparing<StoredDocument>(order);
  let kept: Placed<StoredDocument>[] = [];
  let place = 0;
  for await (const item of found) {
    const members = item.members();
    kept.push({ item, values: gets.map((get) => get(members) ?? null), place: place++ });
    if (count !== undefined && kept.length >= 2 * count + 1000) kept = kept.sort(compare).slice(0, count);
  }
  const sorted = kept.sort(compare).map(({ item }) => item);
  return count === undefined ? sorted : sorted.slice(0, count);
}

export function sortBy<T>(
  items: readonly T[],
  order: readonly SortKey[],
  memberOf: (item: T, field: string) => Wire,
): T[] {
  const placed = items.map((item, place) => ({ item, values: order.map(({ field }) => memberOf(item, field)), place }));
  return placed.sort(comparing<T>(order)).map(({ item }) => item);
}

function comparing<T>(order: readonly SortKey[]): (a: Placed<T>, b: Placed<T>) => number {
  return (a, b) => {
    for (const [i, { descending, nullsFirst }] of order.entries()) {
      const [x, y] = [a.values[i] ?? null, b.values[i] ?? null];
      if (x === null || y === null) {
        if (x === y) continue;
        return (x === null) === nullsFirst ? -1 : 1;
      }
      const compared = orderValues(x, y);
      if (compared !== 0) return descending ? -compared : compared;
    }
    return a.place - b.place;
  };
}

/** Rows of the system database as the messages that are pushed: an entity that has not changed stays the same object. */

export type Entities<T> = ReadonlyMap<string | number, T>;

export const idOf = ({ id }: { readonly id: number }): number => id;
export const nameOf = ({ name }: { readonly name: string }): string => name;

/** null: no bytes. */
export const jsonOrNothing = (value: unknown): Uint8Array => Buffer.from(value === null ? '' : JSON.stringify(value));

export function grouped<R>(rows: readonly R[], key: (row: R) => number): Map<number, R[]> {
  const groups = new Map<number, R[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

/** What a message was made from, as text. */
const sources = new WeakMap<object, string>();

/**
 * Messages of these rows. Where a row is what it was, so is its message: comparing two snapshots is then comparing
 * references, and a change among many thousands costs no more than reading them.
 */
export function keep<R, T extends object>(
  before: Entities<T>,
  rows: readonly R[],
  key: (row: R) => string | number,
  make: (row: R) => T,
): Entities<T> {
  return new Map(
    rows.map((row) => {
      const source = JSON.stringify(row);
      const known = before.get(key(row));
      if (known && sources.get(known) === source) return [key(row), known];
      const message = make(row);
      sources.set(message, source);
      return [key(row), message];
    }),
  );
}

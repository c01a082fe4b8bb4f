/** Names are matched as written, or else in any case: both must be one look-up, also where two differ by case only. */

export class NameIndex<T> {
  readonly #items = new Map<string, T>();

  /** Of two items that differ by case only, a name in neither spelling finds the first. */
  constructor(items: Iterable<T>, nameOf: (item: T) => string) {
    const list = [...items];
    for (const item of list) {
      const lower = nameOf(item).toLowerCase();
      if (!this.#items.has(lower)) this.#items.set(lower, item);
    }
    for (const item of list) this.#items.set(nameOf(item), item);
  }

  get(name: string): T | undefined {
    return this.#items.get(name) ?? this.#items.get(name.toLowerCase());
  }
}

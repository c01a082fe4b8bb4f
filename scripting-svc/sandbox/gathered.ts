/** What comes in one turn of the event loop, by key: given on together when whoever brings it has brought all of it. */
export class Gathered<T> {
  readonly #give: (group: readonly T[]) => void;
  #groups = new Map<string, T[]>();

  /** @param give  must not throw */
  constructor(give: (group: readonly T[]) => void) {
    this.#give = give;
  }

  add(key: string, one: T): void {
    if (this.#groups.size === 0) queueMicrotask(() => this.#flush());
    const group = this.#groups.get(key);
    if (group) group.push(one);
    else this.#groups.set(key, [one]);
  }

  #flush(): void {
    const groups = this.#groups;
    this.#groups = new Map();
    for (const group of groups.values()) this.#give(group);
  }
}

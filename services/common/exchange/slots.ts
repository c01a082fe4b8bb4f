/**
 * What is in flight, by number. Not a Map: one makes its table anew every few hundred calls, and an old table that has
 * outlived two collections keeps all that came after it alive until the next big one.
 */
export class Slots<T> {
  readonly #items: (T | undefined)[];
  /** How often each slot was used before, so that an old number never means a new call. */
  readonly #rounds: Uint32Array;
  /** Slots not in use, on a stack: the one that was freed last is taken next. */
  readonly #free: Uint32Array;
  readonly #roundsMax: number;
  #size = 0;
  /** No slot from here on was ever used: sweeps come often, and most streams never have more than a few in flight. */
  #touched = 0;

  /** @param max  slots; numbers stay below 2^31 */
  constructor(max: number) {
    this.#items = new Array<T | undefined>(max).fill(undefined);
    this.#rounds = new Uint32Array(max);
    this.#free = Uint32Array.from({ length: max }, (_, i) => i);
    this.#roundsMax = Math.floor(0x7fffffff / max);
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size === this.#items.length;
  }

  /** @returns its number, 1 or more. @throws RangeError when all slots are in use: look at `full` before */
  add(item: T): number {
    const slot = this.#free[this.#size];
    if (slot === undefined) throw new RangeError('All slots are in use.');
    this.#size += 1;
    this.#items[slot] = item;
    if (slot >= this.#touched) this.#touched = slot + 1;
    return this.#idOf(slot);
  }

  get(id: number): T | undefined {
    const slot = (id - 1) % this.#items.length;
    return this.#idOf(slot) === id ? this.#items[slot] : undefined;
  }

  /** Gets an item and frees its slot. */
  take(id: number): T | undefined {
    const item = this.get(id);
    if (item === undefined) return undefined;
    const slot = (id - 1) % this.#items.length;
    this.#items[slot] = undefined;
    this.#rounds[slot] = ((this.#rounds[slot] ?? 0) + 1) % this.#roundsMax;
    this.#size -= 1;
    this.#free[this.#size] = slot;
    return item;
  }

  /** Gets all and frees all. */
  takeAll(): T[] {
    return this.#items.flatMap((_, slot) => this.take(this.#idOf(slot)) ?? []);
  }

  *[Symbol.iterator](): Generator<T> {
    for (let slot = 0; slot < this.#touched; slot++) {
      const item = this.#items[slot];
      if (item !== undefined) yield item;
    }
  }

  #idOf(slot: number): number {
    return (this.#rounds[slot] ?? 0) * this.#items.length + slot + 1;
  }
}

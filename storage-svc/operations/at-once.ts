/** Several at a time, and no more; the first that fails ends it. */
export class AtOnce {
  readonly #max: number;
  readonly #underway = new Set<Promise<void>>();
  #error: unknown;
  #hasFailed = false;

  constructor(max: number) {
    this.#max = max;
  }

  /** Begins it, as soon as there is room. @throws what one of those before has thrown */
  async add(work: () => Promise<void>): Promise<void> {
    while (this.#underway.size >= this.#max) await Promise.race(this.#underway);
    this.#throwIfFailed();
    const one: Promise<void> = work()
      .catch((error: unknown) => {
        if (!this.#hasFailed) this.#error = error;
        this.#hasFailed = true;
      })
      .finally(() => this.#underway.delete(one));
    this.#underway.add(one);
  }

  /** Waits for all that have begun. @throws what one of them has thrown */
  async all(): Promise<void> {
    await this.settled();
    this.#throwIfFailed();
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underway);
  }

  #throwIfFailed(): void {
    if (this.#hasFailed) throw this.#error;
  }
}

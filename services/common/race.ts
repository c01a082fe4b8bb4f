/** Waits that something may cut short which outlives them all. */

/**
 * One wait after the other, each over at the latest when the lasting one is. Promise.race would hang all that is ever
 * waited for on the lasting promise, for as long as that lives: of an upload every piece, by its end.
 */
export class RaceAgainst<L> {
  readonly #lasting: Promise<L>;
  #isOver = false;
  #cut = (): void => {};

  /** @param lasting  its failure is met by the waits, or not at all */
  constructor(lasting: Promise<L>) {
    this.#lasting = lasting;
    const over = (): void => {
      this.#isOver = true;
      this.#cut();
    };
    lasting.then(over, over);
  }

  /** One at a time. What is waited for goes on unheard where it comes second. */
  wait<T>(work: Promise<T>): Promise<T | L> {
    if (this.#isOver) return Promise.race([work, this.#lasting]);
    return new Promise((resolve, reject) => {
      this.#cut = () => resolve(this.#lasting);
      work.then(resolve, reject);
    });
  }
}

/**
 * Runs that had their time, but not the processor, because the machine was busy with something else. That is held against
 * no script, and what has touched nothing is run again; one that has found a way to wait is none for the quick lane.
 */

/** In a row. */
const STARVED_MAX = 3;
/** Of its time a run that was not starved spends more on the processor. */
const PART = 0.8;

/** Of one script. */
export class Starved {
  #inRow = 0;

  /**
   * Of a run that has ended: whether it should be run again.
   *
   * @param isLate  its time was over
   * @param cpuMs   that it spent
   * @param millis  that it was given
   */
  again(isLate: boolean, cpuMs: number, millis: number): boolean {
    this.#inRow = isLate && cpuMs < PART * millis ? this.#inRow + 1 : 0;
    return this.#inRow > 0 && this.#inRow < STARVED_MAX;
  }
}

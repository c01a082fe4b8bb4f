/** How many runs of one script may enter its isolate together: as many as are done before others have waited for long. */

/** Processor time of one entry, microseconds. */
const ENTRY_MICROS = 1_000;
const TOGETHER_MAX = 64;
/** Runs alone, one after the other, after an entry that had to be broken off. */
const ALONE = 256;
/** Of what is sent into an isolate at a time, characters. */
const SENT_MAX = 262_144;

export class Pace {
  #most = 1;
  #alone = 0;

  /** Of runs that wait, how many go first together; at least one. @param sizes  what each sends, in characters */
  next(sizes: Iterable<number>): number {
    if (this.#alone > 0) return 1;
    let count = 0;
    let sent = 0;
    for (const size of sizes) {
      sent += size;
      if (count > 0 && (count >= this.#most || sent > SENT_MAX)) break;
      count += 1;
    }
    return Math.max(1, count);
  }

  /** @param micros  of processor time, of all of them */
  done(count: number, micros: number): void {
    if (this.#alone > 0) this.#alone -= count;
    const bearable = Math.floor((ENTRY_MICROS * count) / Math.max(1, micros));
    this.#most = Math.max(1, Math.min(bearable, this.#most * 2, TOGETHER_MAX));
  }

  brokenOff(): void {
    this.#most = 1;
    this.#alone = ALONE;
  }
}

/** The bytes of an append on their way into parts: what came before its sender was lost is not lost with him. */
import type { Deadline } from '#common/deadline.ts';
import { RaceAgainst } from '#common/race.ts';

export class Incoming {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #stopped: RaceAgainst<undefined>;
  #stop = (): void => {};
  readonly #forget: () => void;
  #next: Uint8Array | undefined;
  #isOver = false;
  /** Why it ended before its end. */
  broken: unknown;

  /** @param deadline  ends it: what came by then is all */
  constructor(body: AsyncIterable<Uint8Array>, deadline: Deadline) {
    this.#pieces = body[Symbol.asyncIterator]();
    this.#stopped = new RaceAgainst(
      new Promise((resolve) => {
        this.#stop = () => resolve(undefined);
      }),
    );
    this.#forget = deadline.onAbort(() => this.stop(deadline.reason));
  }

  /** From now on nothing comes. */
  stop(reason: unknown): void {
    if (this.#isOver) return;
    this.broken ??= reason;
    this.#stop();
  }

  /** Waits for the first byte of more. */
  async hasMore(): Promise<boolean> {
    this.#next ??= await this.#pull();
    return this.#next !== undefined;
  }

  /** The next bytes, so many at most. */
  async *take(bytesMax: number): AsyncGenerator<Uint8Array> {
    for (let left = bytesMax; left > 0 && (await this.hasMore()); ) {
      const piece = this.#next as Uint8Array;
      this.#next = piece.length > left ? piece.subarray(left) : undefined;
      const taken = piece.length > left ? piece.subarray(0, left) : piece;
      left -= taken.length;
      yield taken;
    }
  }

  close(): void {
    this.#isOver = true;
    this.#forget();
    void this.#pieces.return?.()?.catch(() => {}); // a sender that waits itself would hold us
  }

  async #pull(): Promise<Uint8Array | undefined> {
    while (this.broken === undefined && !this.#isOver) {
      try {
        const next = await this.#stopped.wait(this.#pieces.next());
        if (!next) return undefined;
        if (next.done) this.#isOver = true;
        else if (next.value.length > 0) return next.value;
      } catch (error) {
        this.broken = error;
      }
    }
    return undefined;
  }
}

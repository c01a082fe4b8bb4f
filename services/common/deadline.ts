import { MillraceError } from './errors.ts';

/**
 * The moment by which somebody wants his answer, and whether he still wants it. Lighter than an AbortSignal with a
 * timer of its own: tens of thousands are made each second, and one sweep (see `sweepDeadlines`) ends the late ones.
 */
export class Deadline {
  /** Milliseconds on the clock of `Date.now()`. */
  readonly at: number;
  #reason: MillraceError | undefined;
  #listeners: (() => void)[] | undefined;

  constructor(at: number) {
    this.at = at;
  }

  static after(milliseconds: number): Deadline {
    return new Deadline(Date.now() + milliseconds);
  }

  /** Why nobody waits any longer; undefined while somebody does. */
  get reason(): MillraceError | undefined {
    return this.#reason;
  }

  remainingMs(): number {
    return Math.max(0, this.at - Date.now());
  }

  /** Calls the listener once when this is aborted (at once where it is already). Returns a function that forgets it. */
  onAbort(listener: () => void): () => void {
    if (this.#reason) {
      listener();
      return () => {};
    }
    this.#listeners ??= [];
    const listeners = this.#listeners;
    listeners.push(listener);
    return () => {
      const index = listeners.indexOf(listener);
      if (index >= 0) listeners.splice(index, 1);
    };
  }

  abort(reason: MillraceError): void {
    if (this.#reason) return;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    // One by one: a listener may make others be forgotten, and none of the rest may be skipped for that.
    for (let next = listeners?.shift(); next; next = listeners?.shift()) next();
  }

  throwIfAborted(): void {
    if (this.#reason) throw this.#reason;
  }
}

export const deadlinePassed = (): MillraceError =>
  new MillraceError('deadline', 'The request took longer than it was given.');

export const callerGone = (): MillraceError => new MillraceError('cancelled', 'The caller went away.');

/** Aborts those that are late. Call it every few tens of milliseconds for a collection of deadlines in flight. */
export function sweepDeadlines(deadlines: Iterable<Deadline>, now = Date.now()): void {
  for (const deadline of deadlines) if (deadline.at <= now) deadline.abort(deadlinePassed());
}

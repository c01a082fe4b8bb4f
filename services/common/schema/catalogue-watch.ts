/** Looks now and then, while a service is used, whether somebody else has changed the schema of its database. */
import type { Deadline } from '../deadline.ts';
import { within } from '../in-time.ts';
import type { Logger } from '../observe/log.ts';

const INTERVAL_MS = 10_000;
/** Of its time the database spends at most this share on being looked at: a large catalogue is looked at less often. */
const SHARE_MAX = 0.05;
const LOOK_MS = 5_000;

/** A text that becomes another one when anybody changes the schema: much cheaper than reading all of it. */
export interface Watched {
  catalogueState(deadline: Deadline): Promise<string>;
}

export class CatalogueWatch {
  readonly #source: Watched;
  readonly #onChange: () => void;
  readonly #log: Logger;
  readonly #intervalMs: number;
  /** Of the last look; undefined: there was none. */
  #state: string | undefined;
  #costMs = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isUsed = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  /** A timer is set or a look is under way. */
  #isOn = false;

  constructor(source: Watched, onChange: () => void, log: Logger, intervalMs = INTERVAL_MS) {
    this.#source = source;
    this.#onChange = onChange;
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** Somebody uses the service. Called for each request, so it costs nothing. */
  used(): void {
    this.#isUsed = true;
    if (!this.#isOn && !this.#isClosed) this.#wait(this.#lookedAt + this.#intervalMs - performance.now());
  }

  /** @returns true: the schema is not what it was at the last look @throws MillraceError */
  async look(deadline: Deadline): Promise<boolean> {
    this.#lookedAt = performance.now();
    const state = await this.#source.catalogueState(deadline);
    const hasChanged = this.#state !== undefined && this.#state !== state;
    this.#state = state;
    this.#costMs = performance.now() - this.#lookedAt;
    return hasChanged;
  }

  /** What the last look saw came to nothing: the next one finds it again. */
  forget(): void {
    if (this.#state !== undefined) this.#state = '';
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    this.#isOn = true;
    this.#timer = setTimeout(() => void this.#tick(), Math.max(0, ms));
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    // The next one to use it looks again.
    this.#isOn = this.#isUsed;
    if (!this.#isUsed) return;
    this.#isUsed = false;
    const hasChanged = await within(LOOK_MS, (deadline) => this.look(deadline)).catch((error: unknown) => {
      this.#log.debug({ err: error }, 'the state of the catalogue could not be read');
      return false;
    });
    if (this.#isClosed) return;
    if (hasChanged) this.#onChange();
    this.#wait(this.#pause());
  }

  /** Processes that began together do not look together. */
  #pause(): number {
    return Math.max(this.#intervalMs, this.#costMs / SHARE_MAX) * (0.75 + Math.random() / 2);
  }
}

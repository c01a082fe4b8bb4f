/**
 * The lane of short runs. Its workers run them one after the other: where one of them holds its worker, those behind it
 * need not wait until that is ended. They touch nothing, and may be run elsewhere as well.
 */
import type { Deadline } from '#common/deadline.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';

/** As long as a first run may take: none that keeps to its limits is answered later where nothing is in front of it. */
const HELD_UP_MS = 20;
/** Of a lane that answers others: more at once would double the work of a machine that has too much of it. */
const TOLD_MAX = 64;

interface Waiting {
  readonly since: number;
  readonly heldUp: () => void;
}

export class QuickLane {
  readonly #line: ScriptLine;
  /** In the order in which they were sent. */
  readonly #waiting = new Set<Waiting>();
  /** Unanswered ones that were told that they are held up. */
  readonly #told = new Set<Waiting>();
  #heardAt = 0;
  #isHeldUp = false;
  #look: NodeJS.Timeout | undefined;

  constructor(line: ScriptLine) {
    this.#line = line;
  }

  /** Nothing at all comes back. */
  get isHeldUp(): boolean {
    return this.#isHeldUp;
  }

  /** @param heldUp  called where the answer is late: it may still come. @throws MillraceError as the line does */
  async send(run: Run, deadline: Deadline, heldUp: () => void): Promise<RunReply> {
    const waiting = { since: Date.now(), heldUp };
    this.#waiting.add(waiting);
    this.#lookSoon();
    try {
      return await this.#line.send(run, deadline);
    } finally {
      if (!this.#waiting.delete(waiting)) this.#told.delete(waiting);
      this.#heardAt = Date.now();
      this.#isHeldUp = false;
    }
  }

  /** After what has come meanwhile: a router that was busy itself holds that against nobody. */
  #lookSoon(): void {
    this.#look ??= setTimeout(() => setImmediate(() => this.#lookAt()), HELD_UP_MS);
  }

  #lookAt(): void {
    this.#look = undefined;
    const longAgo = Date.now() - HELD_UP_MS;
    const [oldest] = this.#waiting;
    if (!oldest) return;
    this.#isHeldUp = oldest.since <= longAgo && this.#heardAt <= longAgo;
    for (const waiting of this.#waiting) {
      if (!this.#isHeldUp && (waiting.since > longAgo || this.#told.size >= TOLD_MAX)) break;
      this.#waiting.delete(waiting);
      this.#told.add(waiting);
      waiting.heldUp();
    }
    if (this.#waiting.size > 0) this.#lookSoon();
  }
}

/**
 * The lane of short runs. Its workers run them one after the other: where one of them holds its worker, those behind it
 * need not wait until that is ended. They touch nothing, and may be run elsewhere as well.
 */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { ScriptLine } from '#common/scripts/line.ts';
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';

/** Of the lane as a whole: those that wait behind the one that holds it notice as little of it as can be. */
const SILENT_MS = 10;
/** As long as a first run may take: none that keeps to its limits is answered later where nothing is in front of it. */
const LATE_MS = 20;
/** What a worker has read together it answers together: the last of it may hold what the first has come to already. */
const TOGETHER_MS = 3;
/** By then its worker has been ended, or it was not what held it: where it is done again it does the same there. */
const SUSPECT_MS = 300;
/** Of a lane that answers others: more at once would double the work of a machine that has too much of it. */
const TOLD_MAX = 64;

export interface QuickRun {
  /** So many of its script were sent into the lane before. */
  readonly runsBefore: number;
  /** @param isSuspect  it may be what holds its worker */
  readonly heldUp: (isSuspect: boolean) => void;
}

interface Waiting extends QuickRun {
  readonly since: number;
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

  /**
   * Where nothing comes back, because one holds it or its worker is gone, it takes one run at a time: whoever answers that
   * may answer others.
   */
  get isOpen(): boolean {
    return !this.#isHeldUp || this.#waiting.size + this.#told.size === 0;
  }

  /**
   * @param of  is told where the answer is late, or nothing has come back before: it may still come. What holds the others
   *   up is one of the first of those that wait, most likely of the script that is known least; that one is told last
   * @throws MillraceError as the line does
   */
  async send(run: Run, deadline: Deadline, of: QuickRun): Promise<RunReply> {
    const waiting = { ...of, since: Date.now() };
    if (this.#isHeldUp) {
      this.#told.add(waiting);
      waiting.heldUp(false);
    } else {
      this.#waiting.add(waiting);
      this.#lookSoon();
    }
    try {
      const reply = await this.#line.send(run, deadline);
      this.#isHeldUp = false;
      return reply;
    } catch (error) {
      if (MillraceError.from(error).code === 'unavailable') this.#isHeldUp = true;
      throw error;
    } finally {
      if (!this.#waiting.delete(waiting)) this.#told.delete(waiting);
      this.#heardAt = Date.now();
    }
  }

  /** After what has come meanwhile: a router that was busy itself holds that against nobody. */
  #lookSoon(): void {
    if (this.#look) return;
    const [oldest] = this.#waiting;
    const silentInMs = Math.max(oldest?.since ?? 0, this.#heardAt) + SILENT_MS - Date.now();
    const waitMs = silentInMs > 0 ? silentInMs : SILENT_MS;
    this.#look = setTimeout(() => setImmediate(() => this.#lookAt()), waitMs);
  }

  #lookAt(): void {
    this.#look = undefined;
    const now = Date.now();
    const [oldest] = this.#waiting;
    if (!oldest) return;
    if (Math.max(oldest.since, this.#heardAt) <= now - SILENT_MS) this.#isHeldUp = true;
    const suspect = this.#suspect(oldest);
    for (const waiting of this.#waiting) {
      if (!this.#isHeldUp && (waiting.since > now - LATE_MS || this.#told.size >= TOLD_MAX)) break;
      if (this.#isHeldUp && waiting === suspect && waiting.since > now - SUSPECT_MS) continue;
      this.#waiting.delete(waiting);
      this.#told.add(waiting);
      waiting.heldUp(waiting === suspect);
    }
    if (this.#waiting.size > 0) this.#lookSoon();
  }

  #suspect(oldest: Waiting): Waiting {
    let suspect = oldest;
    for (const waiting of this.#waiting) {
      if (waiting.since > oldest.since + TOGETHER_MS) break;
      if (waiting.runsBefore < suspect.runsBefore) suspect = waiting;
    }
    return suspect;
  }
}

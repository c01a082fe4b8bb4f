/** A worker's runs: each with its deadline, answered once, whatever the handler does. */
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';
import { OPERATION_TIMEOUT_MS, SCRIPT_RUNS_BYTES_MAX } from '../bounds.ts';
import { callerGone, Deadline, sweepDeadlines } from '../deadline.ts';
import type { ScriptHandler } from './line.ts';
import { busyReply, lostReply, runBytes } from './replies.ts';

/** Refuses what would be too much to hold at one time, and answers where the handler breaks its word. */
export function guarded(handler: ScriptHandler): ScriptHandler {
  let held = 0;
  return (run, deadline) => {
    const bytes = runBytes(run);
    if (held > 0 && held + bytes > SCRIPT_RUNS_BYTES_MAX) return busyReply(run.id);
    held += bytes;
    const done = (reply: RunReply): RunReply => {
      held -= bytes;
      return reply;
    };
    try {
      const reply = handler(run, deadline);
      return reply instanceof Promise ? reply.then(done, () => done(lostReply(run.id))) : done(reply);
    } catch {
      return done(lostReply(run.id));
    }
  };
}

export const deadlineOf = (run: Run): Deadline => Deadline.after(run.timeoutMs || OPERATION_TIMEOUT_MS);

/** What one caller has running here. */
export class RunningRuns {
  readonly #handler: ScriptHandler;
  readonly #answer: (reply: RunReply | undefined) => void;
  readonly #deadlines = new Map<number, Deadline>();

  /**
   * @param handler  a guarded one
   * @param answer   called once for each run; undefined: it has ended, and nobody waits for the answer
   */
  constructor(handler: ScriptHandler, answer: (reply: RunReply | undefined) => void) {
    this.#handler = handler;
    this.#answer = answer;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  start(run: Run): void {
    const deadline = deadlineOf(run);
    const { id } = run;
    this.#deadlines.set(id, deadline);
    const reply = this.#handler(run, deadline);
    if (reply instanceof Promise) void reply.then((late) => this.#end(id, late, deadline));
    else this.#end(id, reply, deadline);
  }

  cancel(id: number): void {
    this.#deadlines.get(id)?.abort(callerGone());
  }

  /** The caller is gone. */
  abandon(): void {
    for (const deadline of this.#deadlines.values()) deadline.abort(callerGone());
  }

  sweep(now: number): void {
    sweepDeadlines(this.#deadlines.values(), now);
  }

  #end(id: number, reply: RunReply, deadline: Deadline): void {
    this.#deadlines.delete(id);
    reply.id = id;
    this.#answer(deadline.reason ? undefined : reply);
  }
}

/** A job on its way: who waits for it, and whether he still does. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { Answer, Job } from './protocol.ts';

export const gone = (cause?: unknown): MillraceError =>
  new MillraceError('unavailable', 'The database was interrupted at this request.', { retryable: true }, cause);

/** Who does the jobs of a session. */
export interface Keeper {
  add(task: Task): void;
  release(session: Session): void;
}

/** Jobs that must meet the same process: the parts of a stream or of a transaction. The first one finds it. */
export interface Session {
  /** Undefined until the first job has been sent, and again when its process is gone. */
  lane: Keeper | undefined;
  /** The process does nothing else until this is released. */
  readonly isExclusive: boolean;
}

export interface TaskOptions {
  /** Running it twice does no harm: a read, or the first job of a session. */
  readonly isRepeatable: boolean;
  readonly session?: Session;
}

export class Task {
  readonly job: Job;
  readonly isRepeatable: boolean;
  readonly session: Session | undefined;
  readonly promise: Promise<Answer>;
  /** How often the process was lost while it was at this job. */
  losses = 0;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: MillraceError) => void;
  #forget: (() => void) | undefined;
  #isSettled = false;

  constructor(job: Job, deadline: Deadline, options: TaskOptions) {
    this.job = job;
    this.isRepeatable = options.isRepeatable;
    this.session = options.session;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#forget = deadline.onAbort(() => this.reject(deadline.reason as MillraceError));
  }

  /** Nobody waits for it any longer. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  resolve(answer: Answer): void {
    if (this.#settle()) this.#resolve(answer);
  }

  reject(error: MillraceError): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#forget?.();
    return true;
  }
}

/** One place for a worker process: what has been sent to it, and what to do when it hangs or dies. */
import type { Answer, WorkerSetup } from './protocol.ts';
import { gone, type Session, type Task } from './task.ts';
import { WorkerProcess } from './worker-process.ts';

/** Jobs sent ahead: enough to keep a process busy between two turns of ours, few to wait behind a slow one. */
export const AHEAD_MAX = 8;
/** A job that is at work at two checks in a row is slow; if nobody waits for it any longer, it is ended. */
const CHECK_MS = 25;

export interface LaneOwner {
  /** Tasks that were not done here, to be done elsewhere or again, before all others. */
  giveBack(tasks: readonly Task[]): void;
  /** There is room for more. */
  ready(): void;
  /** The process does not even start. */
  broken(cause: unknown): void;
}

export interface LaneOptions {
  readonly setup: WorkerSetup;
  /** A process may be ended at any moment: its data are in a file. */
  readonly isReplaceable: boolean;
  /** What waits behind a slow job can go to another lane. */
  readonly hasPeers: boolean;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #owner: LaneOwner;
  /** In the order they were sent, which is the order of the answers: the first one is at work. Undefined: given back. */
  #sent: (Task | undefined)[] = [];
  readonly #outbox: Task[] = [];
  readonly #sessions = new Set<Session>();
  #process: WorkerProcess | undefined;
  #hasStarted = false;
  #isKilled = false;
  #answers = 0;
  #answersSeen = -1;
  #isSlow = false;
  #check: NodeJS.Timeout | undefined;

  constructor(options: LaneOptions, owner: LaneOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  get isIdle(): boolean {
    return this.#sent.length === 0;
  }

  /** May this one be sent now? */
  takes(task: Task): boolean {
    if (this.#isSlow || this.#isKilled || this.#exclusive) return false;
    return task.session?.isExclusive ? this.isIdle : this.#sent.length < AHEAD_MAX;
  }

  /** Sends it with whatever else is added in this turn. */
  add(task: Task): void {
    if (task.session) this.#bind(task.session);
    this.#sent.push(task);
    if (this.#outbox.push(task) === 1) queueMicrotask(() => this.#flush());
    this.#check ??= setInterval(() => this.#checkUp(), CHECK_MS);
  }

  release(session: Session): void {
    if (session.lane === this) session.lane = undefined;
    if (this.#sessions.delete(session) && session.isExclusive) this.#owner.ready();
  }

  /** Finishes what it was given. */
  async end(): Promise<void> {
    this.#flush();
    await this.#process?.end();
  }

  get #exclusive(): boolean {
    for (const session of this.#sessions) if (session.isExclusive) return true;
    return false;
  }

  #bind(session: Session): void {
    session.lane = this;
    this.#sessions.add(session);
  }

  #flush(): void {
    const tasks = this.#outbox.splice(0);
    if (tasks.length === 0) return;
    try {
      this.#process ??= this.#start();
      this.#process.send(tasks.map((task) => task.job));
    } catch (error) {
      this.#gone(error);
    }
  }

  #start(): WorkerProcess {
    this.#isKilled = false;
    this.#hasStarted = false;
    return new WorkerProcess(this.#options.setup, {
      started: () => {
        this.#hasStarted = true;
        this.#answersSeen = -1;
      },
      answer: (answer) => this.#answered(answer),
      gone: (error) => this.#gone(error),
    });
  }

  #answered(answer: Answer): void {
    this.#answers++;
    this.#isSlow = false;
    this.#sent.shift()?.resolve(answer);
    if (this.isIdle) this.#stopChecking();
    this.#owner.ready();
  }

  #checkUp(): void {
    const isSame = this.#answersSeen === this.#answers;
    this.#answersSeen = this.#answers;
    if (!isSame || !this.#hasStarted) return;
    this.#isSlow = true;
    const [first] = this.#sent;
    if (this.#options.isReplaceable && (first === undefined || first.isSettled)) return this.#kill();
    if (!this.#options.hasPeers) return;
    const waiting = this.#sent.map((task, index) => (index > 0 && task && !isBound(task) ? task : undefined));
    this.#sent = this.#sent.map((task, index) => (waiting[index] ? undefined : task));
    this.#owner.giveBack(waiting.filter((task) => task !== undefined));
  }

  #kill(): void {
    this.#isKilled = true;
    this.#stopChecking();
    this.#process?.kill();
  }

  #stopChecking(): void {
    clearInterval(this.#check);
    this.#check = undefined;
    this.#answersSeen = -1;
  }

  /** Only the first job that was sent and not answered has been begun; the others are as good as new. */
  #gone(cause: unknown): void {
    const [first, ...others] = this.#sent;
    const neverWorked = !this.#hasStarted;
    this.#sent = [];
    this.#outbox.length = 0;
    this.#process = undefined;
    this.#isKilled = false;
    this.#isSlow = false;
    this.#stopChecking();
    for (const session of this.#sessions) session.lane = undefined;
    const again: Task[] = [];
    // Once more and not for ever: it may be what the process died of.
    if (first?.isRepeatable && first.losses++ === 0) again.push(first);
    else first?.reject(gone(cause));
    for (const task of others) {
      if (task && isBound(task)) task.reject(gone(cause));
      else if (task) again.push(task);
    }
    this.#sessions.clear();
    this.#owner.giveBack(again);
    if (neverWorked) this.#owner.broken(cause);
    this.#owner.ready();
  }
}

/** Makes sense only in the process where its session began. */
const isBound = (task: Task): boolean => task.session !== undefined && !task.isRepeatable;

/** Shares jobs out among the worker processes of one database file, which start when there is work for them. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { Lane, type LaneOptions, type LaneOwner } from './lane.ts';
import type { Answer, Job } from './protocol.ts';
import { gone, Task, type TaskOptions } from './task.ts';

export interface CrewOptions extends Omit<LaneOptions, 'hasPeers'> {
  readonly processesMax: number;
}

const closed = (): MillraceError =>
  new MillraceError('unavailable', 'The service is being closed.', { retryable: true });

export class Crew implements LaneOwner {
  readonly #options: CrewOptions;
  readonly #lanes: Lane[] = [];
  #waiting: Task[] = [];
  #isScheduled = false;
  #isClosed = false;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /**
   * Rejects at the deadline, or with `unavailable` where the process was lost while it was at this job and the job may
   * have had an effect.
   */
  submit(job: Job, deadline: Deadline, options: TaskOptions): Promise<Answer> {
    const task = new Task(job, deadline, options);
    if (this.#isClosed) task.reject(closed());
    if (!task.isSettled) this.#place(task);
    return task.promise;
  }

  giveBack(tasks: readonly Task[]): void {
    if (this.#isClosed) for (const task of tasks) task.reject(closed());
    else this.#waiting.unshift(...tasks);
    this.ready();
  }

  ready(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#assign();
    });
  }

  broken(cause: unknown): void {
    for (const task of this.#waiting.splice(0)) task.reject(gone(cause));
  }

  /** What was sent is finished; what still waits is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#waiting.splice(0)) task.reject(closed());
    await Promise.all(this.#lanes.map((lane) => lane.end()));
  }

  #place(task: Task): void {
    const { session } = task;
    if (session && !task.isRepeatable) {
      // A later job of a session knows its process.
      if (session.lane) session.lane.add(task);
      else task.reject(gone());
      return;
    }
    this.#waiting.push(task);
    this.ready();
  }

  #assign(): void {
    let at = 0;
    for (; at < this.#waiting.length; at++) {
      const task = this.#waiting[at] as Task;
      if (task.isSettled) continue;
      const lane = this.#laneFor(task);
      if (!lane) break;
      lane.add(task);
    }
    if (at > 0) this.#waiting = this.#waiting.slice(at);
  }

  /** The first that has room: a second process is started only where one is not enough. */
  #laneFor(task: Task): Lane | undefined {
    const lane = this.#lanes.find((candidate) => candidate.takes(task));
    if (lane || this.#lanes.length === this.#options.processesMax) return lane;
    const added = new Lane({ ...this.#options, hasPeers: this.#options.processesMax > 1 }, this);
    this.#lanes.push(added);
    return added;
  }
}

/** What a supervisor tells a worker, and hears of it. */

export interface WorkerPlace {
  readonly lane: 'quick' | 'patient';
  /** unix:/path of its stream; undefined: it is reached over NATS. */
  readonly address: string | undefined;
}

export type WorkerMessage =
  /** It has no place yet, and could take one at once. */
  | { readonly standing: true }
  /** Runs reach it. */
  | { readonly ready: true }
  | { readonly failed: string }
  /** It has begun its first run. */
  | { readonly ran: true }
  /** Why the worker should not go on. */
  | { readonly replace: string };

/**
 * A descriptor on which a worker says that one of its scripts holds its thread, and that it does no longer: a thread
 * that is held has no messages.
 */
export const HELD_FD = 4;
export const HELD = '1';
export const NOT_HELD = '0';

export interface SupervisorMessage {
  readonly take: WorkerPlace;
}

/** How a worker is called in the list of processes. */
export const workerTitle = (lane: WorkerPlace['lane'] | 'spare'): string => `millrace-script-${lane}`;

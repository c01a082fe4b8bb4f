/** What a supervisor tells a worker, and hears of it. */

export interface WorkerPlace {
  readonly lane: 'quick' | 'patient';
  /** unix:/path of its stream; undefined: it is reached over NATS. */
  readonly address: string | undefined;
}

export type WorkerMessage =
  | { readonly ready: true }
  | { readonly failed: string }
  /** Why the worker should not go on. */
  | { readonly replace: string };

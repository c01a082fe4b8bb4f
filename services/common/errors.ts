/** The one error family. Connectors know no status line, so the family has no numbers; each door maps the codes once. */

export type ErrorCode =
  | 'invalid'
  | 'unauthenticated'
  | 'denied'
  | 'not_found'
  | 'unsupported'
  | 'conflict'
  /** Understood, and at odds with what was said before. */
  | 'contradiction'
  | 'limited'
  | 'overloaded'
  | 'unavailable'
  | 'deadline'
  | 'cancelled'
  /** A script has thrown, or was ended. */
  | 'script'
  | 'internal';

export type ErrorContext = Readonly<Record<string, unknown>>;

/** What happened to one record of several: its JSON, or why it failed. */
export type ItemOutcome = { readonly json: Uint8Array } | { readonly error: MillraceError };

/** Some of several records failed. */
export interface BatchFailure {
  /** One for each record that was reached, in order. */
  readonly outcomes: readonly ItemOutcome[];
  readonly rolledBack: boolean;
}

export class MillraceError extends Error {
  readonly code: ErrorCode;
  /** Facts a client may see: never SQL text, hosts, paths or secrets. */
  readonly context: ErrorContext | undefined;
  readonly batch: BatchFailure | undefined;

  /**
   * @param message  for the client, plain text
   * @param context  facts for the client
   * @param cause    for our log only
   */
  constructor(code: ErrorCode, message: string, context?: ErrorContext, cause?: unknown, batch?: BatchFailure) {
    super(message, { cause });
    this.name = 'MillraceError';
    this.code = code;
    this.context = context;
    this.batch = batch;
  }

  /** Anything thrown becomes one of the family; a stranger is `internal` and tells the client nothing. */
  static from(thrown: unknown): MillraceError {
    return thrown instanceof MillraceError
      ? thrown
      : new MillraceError('internal', 'An unexpected failure happened.', undefined, thrown);
  }
}

export const invalid = (message: string, context?: ErrorContext): MillraceError =>
  new MillraceError('invalid', message, context);

export const notFound = (message: string, context?: ErrorContext): MillraceError =>
  new MillraceError('not_found', message, context);

/** A case that a newer peer may know and this version does not, or a hole in a switch. */
export function unreachable(value: never): never {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
}

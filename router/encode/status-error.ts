/** Errors that HTTP has a status of its own for, beside those of the one error family. */
import { type ErrorCode, type ErrorContext, MillraceError } from '#common/errors.ts';
import type { Headers } from '../http/reply.ts';

export class StatusError extends MillraceError {
  readonly status: number;
  /** That belong to the status. */
  readonly headers: Headers;

  /** @param code  the nearest of the family, for whoever knows no status */
  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    headers: Headers = [],
    context?: ErrorContext,
    cause?: unknown,
  ) {
    super(code, message, context, cause);
    this.status = status;
    this.headers = headers;
  }
}

/** Error codes as status lines: the HTTP door's half of the one error family. */
import { STATUS_CODES } from 'node:http';
import type { ErrorCode } from '#common/errors.ts';

export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  denied: 403,
  not_found: 404,
  unsupported: 400,
  conflict: 409,
  contradiction: 422,
  limited: 429,
  overloaded: 503,
  unavailable: 503,
  deadline: 503,
  cancelled: 499,
  script: 500,
  internal: 500,
};

const LINES: (string | undefined)[] = [];

/** `404 Not Found`: code and reason phrase as they stand in a status line. */
export function statusLine(status: number): string {
  LINES[status] ??= `${status} ${STATUS_CODES[status] ?? 'Unknown'}`;
  return LINES[status];
}

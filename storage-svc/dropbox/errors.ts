/** What Dropbox, or the way to it, says, in our terms. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { CONNECTION_LOST, FULL, NOT_PERMITTED, REFUSED_CREDENTIALS, TOO_SLOW, UNREACHABLE } from '../failures.ts';

/** An answer that is no success. */
export class DropboxError extends Error {
  readonly status: number;
  /** `path/not_found/..`: tags from the outside to the inside. */
  readonly summary: string;
  /** The error as Dropbox structures it. */
  readonly detail: unknown;
  /** Seconds until it may be tried again. */
  readonly retryAfter: number | undefined;

  constructor(status: number, summary: string, detail?: unknown, retryAfter?: number) {
    super(`answered with ${status}: ${summary}`);
    this.status = status;
    this.summary = summary;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

/** In order; the first that is in the summary counts. */
const BY_TAG: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/\bnot_found\b|\bnot_file\b|\bnot_folder\b/, 'not_found', 'There is nothing of this name.'],
  [/\bconflict\b/, 'conflict', 'There is something of this name already.'],
  [/\binsufficient_space\b|\binsufficient_quota\b|\bover_quota\b/, 'unavailable', FULL],
  [/\bdisallowed_name\b|\bmalformed_path\b/, 'invalid', 'This storage takes no such name.'],
  [/\bno_write_permission\b|\brestricted_content\b|\bmissing_scope\b|\bteam_folder\b/, 'unavailable', NOT_PERMITTED],
  [/\btoo_large\b|\btoo_many_files\b/, 'unavailable', 'This is too much for the storage at one time.'],
  [/\btoo_many\b|\brate_limit\b/, 'unavailable', 'The storage is busy.'],
];

const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'The storage does not understand us.',
  401: REFUSED_CREDENTIALS,
  403: NOT_PERMITTED,
  429: 'The storage is busy.',
  503: 'The storage is busy.',
};

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  UND_ERR_CONNECT_TIMEOUT: UNREACHABLE,
  ECONNRESET: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
  UND_ERR_SOCKET: CONNECTION_LOST,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: CONNECTION_LOST,
  UND_ERR_HEADERS_TIMEOUT: TOO_SLOW,
  UND_ERR_BODY_TIMEOUT: TOO_SLOW,
};

export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  if (thrown instanceof DropboxError) {
    const { status, summary } = thrown;
    const tag = status === 409 || status === 403 ? BY_TAG.find(([pattern]) => pattern.test(summary)) : undefined;
    const text = tag?.[2] ?? BY_STATUS[status] ?? 'The storage has failed to do this.';
    return new MillraceError(tag?.[1] ?? 'unavailable', text, undefined, thrown);
  }
  const text = BY_CODE[String((thrown as { code?: unknown } | undefined)?.code)];
  return text ? new MillraceError('unavailable', text, undefined, thrown) : MillraceError.from(thrown);
}

/** @param tag  such as `not_found` */
export const says = (thrown: unknown, tag: string): boolean =>
  thrown instanceof DropboxError && thrown.status === 409 && thrown.summary.split('/').includes(tag);

/** It was not done: the same may be sent again, whatever it is. */
export const isPostponed = (thrown: unknown): boolean =>
  thrown instanceof DropboxError && (thrown.status === 429 || thrown.status === 503);

/** It is not known whether it was done. */
export const isPassing = (thrown: unknown): boolean =>
  thrown instanceof DropboxError ? thrown.status >= 500 : translate(thrown).message === CONNECTION_LOST;

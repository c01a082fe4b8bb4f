/** What an SFTP server, or the way to it, says, in our terms. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { CONNECTION_LOST, FULL, NOT_PERMITTED, REFUSED_CREDENTIALS, TOO_SLOW, UNREACHABLE } from '../failures.ts';

/** Codes of answers (draft-ietf-secsh-filexfer-02 §7). */
export const STATUS = { noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

const BY_STATUS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  1: ['unavailable', 'The file was cut short while it was read.'],
  [STATUS.noSuchFile]: ['not_found', 'There is nothing of this name.'],
  [STATUS.permissionDenied]: ['unavailable', NOT_PERMITTED],
  [STATUS.failure]: ['unavailable', 'The storage has failed to do this.'],
  5: ['unavailable', 'The storage does not understand us.'],
  6: ['unavailable', CONNECTION_LOST],
  7: ['unavailable', CONNECTION_LOST],
  [STATUS.unsupported]: ['unavailable', 'The storage cannot do this.'],
};

const BY_LEVEL: Readonly<Record<string, string>> = {
  'client-authentication': REFUSED_CREDENTIALS,
  'client-timeout': TOO_SLOW,
  'client-socket': UNREACHABLE,
  'client-dns': UNREACHABLE,
  protocol: 'The storage and we speak no common language.',
  handshake: 'The storage and we speak no common language.',
};

const BY_ERRNO: Readonly<Record<string, string>> = {
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  ECONNRESET: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
  ENOSPC: FULL,
};

export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const { code, level, message } = (thrown ?? {}) as { code?: unknown; level?: unknown; message?: unknown };
  const [known, text] = typeof code === 'number' ? (BY_STATUS[code] ?? []) : [];
  if (known && text) return new MillraceError(known, text, undefined, thrown);
  const said =
    BY_ERRNO[String(code)] ??
    BY_LEVEL[String(level)] ??
    (/^No response from server|^Not connected|^Connection lost|channel|ended/i.test(String(message))
      ? CONNECTION_LOST
      : undefined);
  return said ? new MillraceError('unavailable', said, undefined, thrown) : MillraceError.from(thrown);
}

export const statusOf = (thrown: unknown): number | undefined => {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
};

export const isAbsence = (thrown: unknown): boolean => statusOf(thrown) === STATUS.noSuchFile;

export const wrongServer = (): MillraceError =>
  new MillraceError(
    'unavailable',
    "The storage has another key than 'host_fingerprint' says: it may not be the one that is meant.",
  );

/** Where the driver tells nothing more than "Failure". */
export const full = (cause: unknown): MillraceError => new MillraceError('unavailable', FULL, undefined, cause);

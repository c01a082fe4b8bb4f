/** What a WebDAV server, or the way to it, says, in our terms. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { CONNECTION_LOST, FULL, NOT_PERMITTED, REFUSED_CREDENTIALS, TOO_SLOW, UNREACHABLE } from '../failures.ts';

/** An answer that is none of those that are hoped for. */
export class StatusError extends Error {
  readonly status: number;

  constructor(method: string, status: number) {
    super(`${method} was answered with ${status}`);
    this.status = status;
  }
}

const BY_STATUS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  401: ['unavailable', REFUSED_CREDENTIALS],
  403: ['unavailable', NOT_PERMITTED],
  404: ['not_found', 'There is nothing of this name.'],
  405: ['unavailable', NOT_PERMITTED],
  407: ['unavailable', "The proxy refuses its credentials, which are a part of 'proxy'."],
  409: ['unavailable', 'The storage refuses to do this here.'],
  413: ['unavailable', 'The file is too large for this storage.'],
  414: ['invalid', 'The name is too long for this storage.'],
  423: ['unavailable', 'Somebody has locked this in the storage.'],
  429: ['unavailable', 'The storage is busy.'],
  501: ['unavailable', 'The storage cannot do this: it may speak no WebDAV.'],
  503: ['unavailable', 'The storage is busy.'],
  504: ['unavailable', TOO_SLOW],
  507: ['unavailable', FULL],
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
  if (thrown instanceof StatusError) {
    const [code, text] = BY_STATUS[thrown.status] ?? ['unavailable', wordsFor(thrown.status)];
    return new MillraceError(code, text, undefined, thrown);
  }
  const code = String((thrown as { code?: unknown } | undefined)?.code);
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH')
    return new MillraceError('invalid', 'The content has another size than was said.', undefined, thrown);
  const text = BY_CODE[code] ?? (/^(CERT_|ERR_TLS|UNABLE_|DEPTH_|SELF_SIGNED)/.test(code) ? UNTRUSTED : undefined);
  return text ? new MillraceError('unavailable', text, undefined, thrown) : MillraceError.from(thrown);
}

const UNTRUSTED = "The storage's certificate is not a valid one.";

function wordsFor(status: number): string {
  if (status >= 500) return 'The storage has failed to do this.';
  return status < 400
    ? "The storage is somewhere else: its 'base_uri' has changed."
    : 'The storage refuses to do this.';
}

/** Nothing was done, or the same may be done again. */
export const isPassing = (thrown: unknown): boolean =>
  thrown instanceof StatusError
    ? [502, 503, 504].includes(thrown.status)
    : translate(thrown).message === CONNECTION_LOST;

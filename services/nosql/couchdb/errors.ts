/** What CouchDB, or the way to it, says, in the terms of the error family: a table of its words, and one of statuses. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';

/** An answer that is no success. */
export class CouchError extends Error {
  readonly status: number;
  /** CouchDB's own word: `file_exists`. */
  readonly word: string;
  readonly reason: string;
  /** Milliseconds until it may be tried again, where it says so. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, word: string, reason: string, retryAfterMs?: number) {
    super(`answered with ${status}: ${word}: ${reason}`);
    this.status = status;
    this.word = word;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

interface Rule {
  readonly code: ErrorCode;
  readonly message: string;
  /** The same request may succeed when it is sent again. */
  readonly isRetryable: boolean;
}

const rule = (code: ErrorCode, message: string, isRetryable = false): Rule => ({ code, message, isRetryable });

const BUSY = rule('overloaded', 'The database has too much to do at the moment.', true);
const FAILED = rule('unavailable', 'The database failed at this request.', true);
const UNREACHABLE = rule('unavailable', 'The database of this service cannot be reached.', true);
const LOST = rule('unavailable', 'The connection to the database was lost.', true);
const UNTRUSTED = rule('unavailable', 'The certificate of the database is not trusted.');
const TOO_LARGE = rule('invalid', 'A document is larger than the database takes.');
const TABLE_MISSING = rule('not_found', 'The database has no table of this name.');
const OURS = rule('internal', 'The database refused the request.');

/** Two words of CouchDB in some cases: the error, and the reason where that makes the difference. */
const BY_WORD: Readonly<Record<string, Rule>> = {
  file_exists: rule('conflict', 'A table of this name already exists.'),
  conflict: rule('conflict', 'The record is not the one that was meant: it has been changed.'),
  'not_found no_db_file': TABLE_MISSING,
  'not_found Database does not exist.': TABLE_MISSING,
  illegal_database_name: rule('invalid', 'The database takes no table of this name.'),
  illegal_docid: rule('invalid', "The database takes no such '_id'."),
  doc_validation: rule('invalid', 'The database does not take this document.'),
  document_too_large: TOO_LARGE,
  attachment_too_large: TOO_LARGE,
  too_large: TOO_LARGE,
  invalid_bookmark: rule('invalid', 'The token of the page is not one of this list.'),
  no_usable_index: rule('invalid', 'The database has no index for this query.'),
  forbidden: rule('invalid', 'A rule of the database refused the document.'),
  unauthorized: rule('denied', 'The database user of this service may not do this.'),
};

const BY_STATUS: Readonly<Record<number, Rule>> = {
  400: rule('invalid', 'The database does not take this request.'),
  401: rule('unavailable', 'The service could not sign in to its database.'),
  403: rule('denied', 'The database user of this service may not do this.'),
  404: rule('not_found', 'The database has nothing of this name.'),
  408: BUSY,
  413: TOO_LARGE,
  429: BUSY,
  500: FAILED,
  502: FAILED,
  503: BUSY,
  504: FAILED,
};

/** Of the operating system, of Node.js, of undici. */
const LOST_CODES: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);
const OF_CERTIFICATES = /^(?:CERT_|ERR_TLS|UNABLE_|DEPTH_|SELF_SIGNED|EPROTO)/;

/** The original error goes along as the cause: for our log only. */
export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const { code, message, isRetryable } = thrown instanceof CouchError ? ruleOf(thrown) : ofTheWay(thrown);
  const seconds =
    thrown instanceof CouchError && thrown.retryAfterMs !== undefined ? thrown.retryAfterMs / 1000 : undefined;
  const context = { retryable: true, ...(seconds !== undefined && { retry_after_seconds: seconds }) };
  return new MillraceError(code, message, isRetryable ? context : undefined, thrown);
}

/** Of one document of several, which are answered with 201 whatever became of them. */
export const ofDocument = (word: string, reason: string): MillraceError => {
  const { code, message } = BY_WORD[word] ?? OURS;
  return new MillraceError(code, message, undefined, new CouchError(201, word, reason));
};

function ruleOf({ status, word, reason }: CouchError): Rule {
  // A refused sign-in and a refused request have the same words.
  if (status === 401 || status === 403) return BY_STATUS[status] ?? OURS;
  return own(`${word} ${reason}`) ?? own(word) ?? BY_STATUS[status] ?? OURS;
}

const own = (word: string): Rule | undefined => (Object.hasOwn(BY_WORD, word) ? BY_WORD[word] : undefined);

function ofTheWay(thrown: unknown): Rule {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  if (typeof code !== 'string') return OURS;
  if (OF_CERTIFICATES.test(code)) return UNTRUSTED;
  return LOST_CODES.has(code) ? LOST : UNREACHABLE;
}

/** It was not done: the same may be sent again, whatever it is. */
export const isPostponed = (thrown: unknown): thrown is CouchError =>
  thrown instanceof CouchError && (thrown.status === 429 || thrown.status === 503);

/** The server had ended a connection that it was sent on, or ended it meanwhile. */
export const isLost = (thrown: unknown): boolean => LOST_CODES.has((thrown as { code?: unknown } | undefined)?.code);

/** Of the request as a whole, because of something that is in it. */
export const isRefused = (thrown: unknown): boolean =>
  thrown instanceof CouchError && (thrown.status === 400 || thrown.status === 413);

/** What MongoDB, its driver or the way to it reports, in the terms of the error family. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';

export interface MongoErrorFields {
  readonly name?: string | undefined;
  readonly code?: number | string | undefined;
  readonly message: string;
  readonly keyPattern?: Readonly<Record<string, unknown>> | undefined;
}

interface Rule {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable?: boolean;
}

const UNREACHABLE: Rule = {
  code: 'unavailable',
  message: 'The database of this service cannot be reached.',
  retryable: true,
};
const NO_SIGN_IN: Rule = { code: 'unavailable', message: 'The service could not sign in to its database.' };
const NOT_ALLOWED: Rule = { code: 'unavailable', message: "The database does not allow this to the service's user." };
const TOO_LONG: Rule = { code: 'deadline', message: 'The request took longer than it was given.' };
const AWAY: Rule = {
  code: 'unavailable',
  message: 'The database is not taking requests at the moment.',
  retryable: true,
};
const COLLISION: Rule = {
  code: 'conflict',
  message: 'The change collided with another one at the same time. Send it again.',
  retryable: true,
};
const FULL: Rule = {
  code: 'overloaded',
  message: 'The database has no resources left for this request.',
  retryable: true,
};
const BAD_FILTER: Rule = { code: 'invalid', message: 'The database does not understand the filter.' };
const BAD_VALUE: Rule = { code: 'invalid', message: 'A value does not fit what the database expects there.' };
const TOO_LARGE: Rule = { code: 'invalid', message: 'A document is larger than the 16 MiB that the database holds.' };
const TAKEN: Rule = { code: 'conflict', message: 'A record with this value exists already.' };
const EXISTS: Rule = { code: 'conflict', message: 'Something of this name already exists in the database.' };
const INVALID_DOCUMENT: Rule = {
  code: 'invalid',
  message: 'The document does not pass the validation of its collection.',
};

const BY_CODE: Readonly<Record<string, Rule>> = {
  2: BAD_VALUE,
  9: BAD_FILTER,
  13: NOT_ALLOWED,
  14: BAD_VALUE,
  17: TOO_LARGE,
  18: NO_SIGN_IN,
  48: EXISTS,
  50: TOO_LONG,
  66: { code: 'invalid', message: "The field '_id' cannot be changed." },
  73: { code: 'invalid', message: 'The database does not take this name.' },
  91: AWAY,
  112: COLLISION,
  121: INVALID_DOCUMENT,
  146: FULL,
  189: AWAY,
  262: TOO_LONG,
  292: { code: 'invalid', message: 'The order needs more memory than the database allows: an index would help.' },
  8000: NO_SIGN_IN,
  10334: TOO_LARGE,
  11000: TAKEN,
  11001: TAKEN,
  13388: AWAY,
  13435: AWAY,
  10107: AWAY,
  16500: FULL,
  51091: BAD_FILTER,
};

const BY_NAME: Readonly<Record<string, Rule>> = {
  MongoServerSelectionError: UNREACHABLE,
  MongoNetworkError: UNREACHABLE,
  MongoNetworkTimeoutError: UNREACHABLE,
  MongoTopologyClosedError: AWAY,
  MongoNotConnectedError: AWAY,
  MongoWaitQueueTimeoutError: FULL,
  MongoOperationTimeoutError: TOO_LONG,
  MongoParseError: { code: 'invalid', message: 'The connection settings of the service are not understood.' },
  BSONError: BAD_VALUE,
  BSONRuntimeError: BAD_VALUE,
};

/** A stranger is internal, and tells the client nothing. */
export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const { name, code, message = '', keyPattern } = (thrown ?? {}) as Partial<MongoErrorFields>;
  if (/BSONObj size|object to insert too large|larger than.*max|maxBsonObjectSize/i.test(message))
    return made(TOO_LARGE, thrown);
  const rule = BY_CODE[String(code)] ?? BY_NAME[name ?? ''];
  if (!rule) return new MillraceError('internal', 'The database refused the request.', undefined, thrown);
  const [field] = Object.keys(keyPattern ?? {});
  return made(rule, thrown, rule === TAKEN && field ? { field } : undefined);
}

function made(
  { code, message, retryable }: Rule,
  cause: unknown,
  context?: Readonly<Record<string, unknown>>,
): MillraceError {
  const facts = { ...context, ...(retryable && { retryable: true }) };
  return new MillraceError(code, message, Object.keys(facts).length > 0 ? facts : undefined, cause);
}

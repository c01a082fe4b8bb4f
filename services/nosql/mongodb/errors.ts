/** What MongoDB (or the way to it) reports, in the terms of the error family: one table by error number. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';

/** Of an error of the server; without a number: a failure of the way to it. */
export interface MongoErrorFields {
  readonly name?: string | undefined;
  readonly code?: number | string | undefined;
  readonly message: string;
  /** Of a key that is taken: its fields. */
  readonly keyPattern?: Readonly<Record<string, unknown>> | undefined;
}

interface Rule {
  readonly code: ErrorCode;
  readonly message: string;
}

const rule = (code: ErrorCode, message: string): Rule => ({ code, message });

const UNREACHABLE = rule('unavailable', 'The database of this service cannot be reached.');
const NO_SIGN_IN = rule('unavailable', 'The service could not sign in to its database.');
const BUSY = rule('overloaded', 'The database has no resources left for this request.');
const LATE = rule('deadline', 'The database did not finish in the time given.');
const OURS = rule('internal', 'The database refused the request.');

const RULES: ReadonlyMap<number, Rule> = new Map(
  (
    [
      [rule('conflict', 'A record with the same value already exists.'), 11000, 11001, 12582],
      [NO_SIGN_IN, 18, 8000],
      [rule('denied', 'The database user of this service may not do this.'), 13],
      [LATE, 50, 262],
      [rule('conflict', 'The change collided with another one at the same time. Send it again.'), 112],
      [rule('invalid', 'The record breaks a rule of the collection.'), 121],
      [rule('invalid', "The identifier '_id' of a record cannot be changed."), 66],
      [rule('invalid', 'The record is larger than the database takes.'), 10334, 17419, 17420, 10147],
      [rule('invalid', 'The record is nested deeper than the database takes.'), 15],
      [
        rule('invalid', 'A value of the request does not fit: the database takes none of its type here.'),
        2,
        14,
        9,
        56,
        57,
        52,
      ],
      [rule('not_found', 'The collection does not exist.'), 26],
      [rule('conflict', 'Something of this name already exists in the database.'), 48, 85, 86],
      [rule('invalid', 'The database does not take this name.'), 73, 10080],
      [rule('unavailable', 'The database takes no changes at the moment: it is read-only.'), 10107, 13435, 20],
      [
        rule('unavailable', 'The database is not taking requests at the moment.'),
        91,
        11600,
        11602,
        189,
        13436,
        10058,
        9001,
      ],
      [rule('unavailable', 'The database has no room left.'), 14031, 39],
      [BUSY, 16500, 292, 24],
    ] as const
  ).flatMap(([one, ...codes]) => codes.map((code) => [code as number, one] as const)),
);

const NETWORK =
  /^Mongo(?:Network|ServerSelection|Topology|PoolClear|WaitQueue|ConnectionPool|NotConnected|MissingCredentials)/;

/** Anything that the driver throws. */
export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const { name = '', code, message = '', keyPattern } = (thrown ?? {}) as MongoErrorFields;
  const known = typeof code === 'number' ? RULES.get(code) : undefined;
  if (known) {
    const fields = keyPattern ? Object.keys(keyPattern) : [];
    const context = fields.length > 0 && known.code === 'conflict' ? { fields } : undefined;
    return new MillraceError(known.code, known.message, context, thrown);
  }
  const rest = unnumbered(name, message);
  return new MillraceError(rest.code, rest.message, undefined, thrown);
}

function unnumbered(name: string, message: string): Rule {
  if (/^MongoWaitQueueTimeout/.test(name)) return BUSY;
  if (/auth/i.test(message) && /^Mongo(?:Server|MissingCredentials)/.test(name)) return NO_SIGN_IN;
  if (NETWORK.test(name) || /ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|socket/i.test(message)) return UNREACHABLE;
  if (/offset.*out of range|BSON|document is too large|object to insert too large/i.test(message)) {
    return rule('invalid', 'The record is larger than the database takes.');
  }
  if (/^(?:AbortError|MongoOperationTimeoutError)/.test(name)) return LATE;
  return OURS;
}

/** What PostgreSQL (or the way to it) reports, in the terms of the error family: one table by SQLSTATE. */
import { type ErrorCode, type ErrorContext, MillraceError } from '#common/errors.ts';
import { SchemaMismatch } from '#common/schema/mismatch.ts';

/** Of an error response of the server; or `code` and `message` of a socket error. */
export interface PgErrorFields {
  /** SQLSTATE, or the name of a system error: ECONNREFUSED. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
}

interface Rule {
  readonly code: ErrorCode;
  readonly message: (fields: PgErrorFields) => string;
  /** The same request may succeed when it is sent again. */
  readonly retryable?: boolean;
  /** The table is not what it was when its catalogue was read, or may not be. */
  readonly mismatch?: boolean;
}

const rule = (code: ErrorCode, message: Rule['message'] | string, retryable = false): Rule => ({
  code,
  message: typeof message === 'string' ? () => message : message,
  retryable,
});

const changed = (message: string): Rule => ({ ...rule('invalid', message), mismatch: true });

const byConstraint = (fields: PgErrorFields) => (fields.constraint ? ` (constraint '${fields.constraint}')` : '');
const field = (fields: PgErrorFields) => (fields.column ? `Field '${fields.column}'` : 'A field');

const UNREACHABLE = rule('unavailable', 'The database of this service cannot be reached.', true);
const NO_SIGN_IN = rule('unavailable', 'The service could not sign in to its database.');
const GOING_AWAY = rule('unavailable', 'The database is not taking requests at the moment.', true);
const FULL = rule('overloaded', 'The database has no resources left for this request.', true);
const COLLISION = rule('conflict', 'The change collided with another one at the same time. Send it again.', true);
const BAD_VALUE = rule('invalid', 'A value does not fit the type of its field.');
const CHANGED = changed(
  'The database no longer has a table or field of this request. Ask for the schema with refresh=true.',
);
const EXISTS = rule('conflict', 'Something of this name already exists in the database.');
const OURS = rule('internal', 'The database refused the request.');

/** By SQLSTATE, or else by its class (the first two characters). */
const RULES: Readonly<Record<string, Rule>> = {
  '08': UNREACHABLE,
  '0A': rule('unsupported', 'The database does not support this.'),
  '21': rule('invalid', 'The request affects more records than it may.'),
  '22': BAD_VALUE,
  '22001': rule('invalid', (fields) => `${field(fields)} has a value that is too long.`),
  '22003': rule('invalid', (fields) => `${field(fields)} has a number that is out of range.`),
  '22007': rule('invalid', (fields) => `${field(fields)} has a value that is no valid date or time.`),
  '22008': rule('invalid', (fields) => `${field(fields)} has a date or time that is out of range.`),
  '22012': rule('invalid', 'A division by zero.'),
  '22021': rule('invalid', 'A text holds a character that the database cannot store.'),
  '22P02': rule('invalid', (fields) => `${field(fields)} has a value that does not fit its type.`),
  '22P05': rule('invalid', 'A text holds a character that the database cannot store.'),
  '23': rule('invalid', (fields) => `A rule of the table refused the record${byConstraint(fields)}.`),
  '23001': rule('conflict', (fields) => `Other records still refer to the record${byConstraint(fields)}.`),
  '23502': rule('invalid', (fields) => `${field(fields)} can not be NULL.`),
  '23503': rule('conflict', (fields) => `A reference between records would not be kept${byConstraint(fields)}.`),
  '23505': rule('conflict', (fields) => `A record with the same value already exists${byConstraint(fields)}.`),
  '23P01': rule('conflict', (fields) => `The record excludes one that exists${byConstraint(fields)}.`),
  '25006': rule('unavailable', 'The database takes no changes at the moment: it is read-only.'),
  // A prepared statement that the server no longer has: it is made anew for the next request.
  '26': COLLISION,
  '28': NO_SIGN_IN,
  '2BP01': rule('conflict', 'Other parts of the database depend on this.'),
  '3D': rule('unavailable', 'The service could not open its database.'),
  '3F': rule('invalid', 'The database has no such schema.'),
  '40': COLLISION,
  '42501': rule('denied', 'The database user of this service may not do this.'),
  '42602': rule('invalid', 'The database does not take this name.'),
  '42622': rule('invalid', 'The name is too long for the database.'),
  '42701': EXISTS,
  '42703': CHANGED,
  '42704': rule('invalid', 'The database has no such type or object.'),
  '42710': EXISTS,
  '42723': EXISTS,
  '42804': changed('The types of the fields or values do not go together.'),
  '42809': changed('The database cannot do this with an object of this kind.'),
  '42830': rule('invalid', 'A reference must lead to fields that are unique.'),
  '42846': changed('A value cannot be converted to the type of its field.'),
  '42883': changed('The database has no such comparison for the type of the field.'),
  '428C9': rule('invalid', (fields) => `${field(fields)} is generated by the database and can not be written.`),
  '42939': rule('invalid', 'The database keeps this name for itself.'),
  '42P01': CHANGED,
  '42P06': EXISTS,
  '42P07': EXISTS,
  '42P16': rule('invalid', 'The database does not take this table definition.'),
  '44': rule('invalid', 'The record would not be part of the view that it is written through.'),
  '53': FULL,
  '54': rule('invalid', 'The request is too complex for the database.'),
  '55': rule('conflict', 'What the request needs is in use. Send it again.', true),
  '57': GOING_AWAY,
  '57014': rule('deadline', 'The database did not finish in the time given.'),
  P0: rule('invalid', 'A rule of the database refused the request.'),
};

/** Names of errors of the system or of TLS, all longer than an SQLSTATE but EPIPE: the way to the server is closed. */
const NOT_OF_SERVER = /^E[A-Z_]{3,}$|^.{6,}$/;

/** The original error goes along as the cause: for our log only. */
export function translate(fields: PgErrorFields, cause: unknown = fields): MillraceError {
  const { code } = fields;
  const found = NOT_OF_SERVER.test(code) ? UNREACHABLE : (RULES[code] ?? RULES[code.slice(0, 2)] ?? OURS);
  const Family = found.mismatch ? SchemaMismatch : MillraceError;
  return new Family(found.code, found.message(fields), context(fields, found.retryable === true), cause);
}

function context(fields: PgErrorFields, retryable: boolean): ErrorContext | undefined {
  const facts: Record<string, unknown> = {};
  if (fields.column) facts['field'] = fields.column;
  if (retryable) facts['retryable'] = true;
  return Object.keys(facts).length > 0 ? facts : undefined;
}

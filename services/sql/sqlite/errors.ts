/** What SQLite reports, in the terms of the error family: one table by its result codes. */
import { type ErrorCode, type ErrorContext, MillraceError } from '#common/errors.ts';
import { SchemaMismatch } from '#common/schema/mismatch.ts';
import { answerTooLarge } from '../encode/answer-size.ts';
import type { Failure } from './protocol.ts';

/** What the text of a failed constraint names. */
interface Named {
  readonly fields: readonly string[];
  readonly constraint: string | undefined;
}

interface Rule {
  readonly code: ErrorCode;
  readonly message: (named: Named) => string;
  /** The same request may succeed when it is sent again. */
  readonly isRetryable: boolean;
}

const rule = (code: ErrorCode, message: Rule['message'] | string, isRetryable = false): Rule => ({
  code,
  message: typeof message === 'string' ? () => message : message,
  isRetryable,
});

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
const field = ({ fields }: Named): string => (fields.length > 0 ? `Field ${quoted(fields)}` : 'A field');
const where = ({ fields, constraint }: Named): string => {
  if (fields.length > 0) return ` (${fields.length > 1 ? 'fields' : 'field'} ${quoted(fields)})`;
  return constraint ? ` (constraint '${constraint}')` : '';
};

const UNREACHABLE = rule('unavailable', 'The database of this service cannot be opened.', true);
const IN_USE = rule('unavailable', 'The database is in use by another program. Send the request again.', true);
const DAMAGED = rule('unavailable', 'The database of this service is not usable.');
const TAKEN = rule('conflict', (named) => `A record with the same value already exists${where(named)}.`);
const CHANGED = rule(
  'invalid',
  'The database no longer has a table or field of this request. Ask for the schema with refresh=true.',
);
const EXISTS = rule('conflict', 'Something of this name already exists in the database.');
const UNFIT = rule('invalid', 'A value does not fit the type of its field.');
const OURS = rule('internal', 'The database refused the request.');

/** By extended result code, or else by the primary one: SQLITE_IOERR for SQLITE_IOERR_READ. */
const RULES: Readonly<Record<string, Rule>> = {
  SQLITE_CONSTRAINT_UNIQUE: TAKEN,
  SQLITE_CONSTRAINT_PRIMARYKEY: TAKEN,
  SQLITE_CONSTRAINT_ROWID: TAKEN,
  SQLITE_CONSTRAINT_NOTNULL: rule('invalid', (named) => `${field(named)} can not be NULL.`),
  SQLITE_CONSTRAINT_FOREIGNKEY: rule('conflict', 'A reference between records would not be kept.'),
  SQLITE_CONSTRAINT_CHECK: rule('invalid', (named) => `A rule of the table refused the record${where(named)}.`),
  SQLITE_CONSTRAINT_DATATYPE: UNFIT,
  SQLITE_CONSTRAINT_TRIGGER: rule('invalid', 'A rule of the database refused the request.'),
  SQLITE_CONSTRAINT: rule('conflict', 'A rule of the table refused the record.'),
  SQLITE_MISMATCH: UNFIT,
  SQLITE_RANGE: OURS,
  SQLITE_TOOBIG: rule('invalid', 'A value is too long for the database.'),
  SQLITE_BUSY: IN_USE,
  SQLITE_LOCKED: IN_USE,
  SQLITE_PROTOCOL: IN_USE,
  SQLITE_FULL: rule('unavailable', 'The database has no room left.'),
  SQLITE_NOMEM: rule('overloaded', 'The database has no memory left for this request.', true),
  SQLITE_CANTOPEN: UNREACHABLE,
  SQLITE_IOERR: rule('unavailable', 'The database could not read or write its file.', true),
  SQLITE_PERM: UNREACHABLE,
  SQLITE_AUTH: rule('denied', 'The database does not allow this.'),
  SQLITE_READONLY: rule('unavailable', 'The database takes no changes: it is read-only.'),
  SQLITE_NOTADB: DAMAGED,
  SQLITE_CORRUPT: DAMAGED,
  SQLITE_SCHEMA: CHANGED,
  // The worker's own: a result beyond its bound,
  TOO_LARGE: { code: 'invalid', message: () => answerTooLarge().message, isRetryable: false },
  // and SQL that the administrator wants run on each connection failed.
  SETUP: rule('unavailable', "The setting 'statements' of this service holds SQL that the database refuses."),
};

/** SQLITE_ERROR has no finer codes: what is the caller's concern is told by its text. */
const GENERAL: readonly [text: RegExp, rule: Rule][] = [
  [/^no such (?:table|column)|has no column named/, CHANGED],
  [/^duplicate column name|already exists|already another table/, EXISTS],
  [/^Cannot add a /i, rule('invalid', 'A field like this cannot be added to a table that exists: give it a default.')],
  [/^error in (?:view|trigger|index)/, rule('conflict', 'Other parts of the database depend on this.')],
  [/^cannot drop /, rule('invalid', 'The field cannot be dropped: a key or an index of its table needs it.')],
  [/^cannot modify .* because it is a view/, rule('invalid', 'Records of a view cannot be written.')],
  [/generated column/, rule('invalid', 'A generated field can not be written.')],
  [/^foreign key mismatch/, rule('invalid', 'A reference must lead to fields that are unique.')],
  [/^integer overflow/, rule('invalid', 'A number is out of range.')],
];

export function translate(failure: Failure): MillraceError {
  const found = ruleFor(failure);
  const named = namesIn(failure);
  const Family = found === CHANGED ? SchemaMismatch : MillraceError;
  return new Family(found.code, found.message(named), context(named, found.isRetryable), failure);
}

function ruleFor({ code, message }: Failure): Rule {
  if (code === 'SQLITE_ERROR') return GENERAL.find(([text]) => text.test(message))?.[1] ?? OURS;
  return RULES[code] ?? RULES[code.split('_', 2).join('_')] ?? OURS;
}

/** `UNIQUE constraint failed: dept.name, dept.city`, or `…: index 'one_email'`, or `CHECK constraint failed: positive`. */
function namesIn({ code, message }: Failure): Named {
  const [, kind, names] = /^(UNIQUE|NOT NULL|CHECK) constraint failed: (.*)$/s.exec(message) ?? [];
  const nothing = { fields: [], constraint: undefined };
  if (!code.startsWith('SQLITE_CONSTRAINT') || !names) return nothing;
  const index = /^index '(.*)'$/s.exec(names)?.[1];
  if (index) return { fields: [], constraint: index };
  // An unnamed check is named by its expression, which is SQL.
  if (kind === 'CHECK') return /^\w+$/.test(names) ? { fields: [], constraint: names } : nothing;
  return { fields: names.split(', ').map((name) => name.slice(name.indexOf('.') + 1)), constraint: undefined };
}

function context({ fields }: Named, isRetryable: boolean): ErrorContext | undefined {
  const facts: Record<string, unknown> = {};
  if (fields.length === 1) facts['field'] = fields[0];
  if (isRetryable) facts['retryable'] = true;
  return Object.keys(facts).length > 0 ? facts : undefined;
}

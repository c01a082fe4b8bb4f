/** What a database says about a broken rule, in our terms: its own words name tables and statements. */
import { invalid, MillraceError } from '#common/errors.ts';

const UNIQUE = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505', 'ER_DUP_ENTRY']);
const REFERENCE = new Set([
  'SQLITE_CONSTRAINT_FOREIGNKEY',
  '23503',
  'ER_NO_REFERENCED_ROW_2',
  'ER_ROW_IS_REFERENCED_2',
]);
/** Deadlock, or somebody else wrote what this transaction had read. */
const CONFLICT = new Set(['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', '40001', '40P01', 'ER_LOCK_DEADLOCK']);
const TOO_LONG = new Set(['22001', 'ER_DATA_TOO_LONG']);

export const isUniqueViolation = (thrown: unknown): boolean => UNIQUE.has(codeOf(thrown));

export const isConflict = (thrown: unknown): boolean => CONFLICT.has(codeOf(thrown));

/** Rules are checked before writing; what still arrives here lost a race. */
export function fromDatabase(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const code = codeOf(thrown);
  if (UNIQUE.has(code)) return invalid('A record with the same unique value exists already.');
  if (REFERENCE.has(code)) return invalid('The record refers to one that does not exist, or is referred to.');
  if (TOO_LONG.has(code)) return invalid('A value is too long for its field.');
  if (isGone(thrown, code)) {
    return new MillraceError('unavailable', 'The system database cannot be reached.', undefined, thrown);
  }
  return MillraceError.from(thrown);
}

function isGone(thrown: unknown, code: string): boolean {
  // PostgreSQL's classes 08 and 57P are lost connections and shutdowns; its driver has no code for some of them.
  return (
    /^(SQLITE_BUSY|ECONN|ETIMEDOUT|ENOTFOUND|EPIPE|ENOENT|PROTOCOL_|08\d|57P)/.test(code) ||
    (thrown instanceof Error && /^(Connection terminated|timeout exceeded when trying)/.test(thrown.message))
  );
}

function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** What a database says about a broken rule, in our terms: its own words name tables and statements. */
import { invalid, MillraceError } from '#common/errors.ts';

const UNIQUE = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505', 'ER_DUP_ENTRY']);
const REFERENCE = new Set([
  'SQLITE_CONSTRAINT_FOREIGNKEY',
  '23503',
  'ER_NO_REFERENCED_ROW_2',
  'ER_ROW_IS_REFERENCED_2',
]);
const TOO_LONG = new Set(['22001', 'ER_DATA_TOO_LONG']);

export const isUniqueViolation = (thrown: unknown): boolean => UNIQUE.has(codeOf(thrown));

/** Rules are checked before writing; what still arrives here lost a race. */
export function fromDatabase(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const code = codeOf(thrown);
  if (UNIQUE.has(code)) return invalid('A record with the same unique value exists already.');
  if (REFERENCE.has(code)) return invalid('The record refers to one that does not exist, or is referred to.');
  if (TOO_LONG.has(code)) return invalid('A value is too long for its field.');
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('ECONN') || code === 'PROTOCOL_CONNECTION_LOST') {
    return new MillraceError('unavailable', 'The system database cannot be reached.', undefined, thrown);
  }
  return MillraceError.from(thrown);
}

function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

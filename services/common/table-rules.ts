/**
 * Records lead to records of other tables, and which they are only the connector knows. So it says which rules it
 * wants, before it has done anything, and whoever asked sends the operation again with them.
 */
import { MillraceError } from './errors.ts';

const KEY = 'rules_wanted';

/** @param tables  as in the paths of their records */
export function rulesWanted(tables: readonly string[]): MillraceError {
  return new MillraceError('denied', 'Related records need the rules of the role for their tables.', { [KEY]: tables });
}

/** The tables, where that is what the error says. */
export function wantedTables(error: unknown): readonly string[] | undefined {
  if (!(error instanceof MillraceError) || error.code !== 'denied') return undefined;
  const tables = error.context?.[KEY];
  return Array.isArray(tables) ? tables.map(String) : undefined;
}

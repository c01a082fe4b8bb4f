/** What was asked does not fit the schema: by mistake, or because the schema that we know is no longer the database's. */
import { type ErrorCode, type ErrorContext, MillraceError } from '../errors.ts';

/** Whoever sees one should look at the catalogue again. */
export class SchemaMismatch extends MillraceError {}

export const unknownName = (message: string, context: ErrorContext, code: ErrorCode = 'invalid'): SchemaMismatch =>
  new SchemaMismatch(code, message, context);

/** Also where it happened to one record of several. */
export function isMismatch(error: MillraceError): boolean {
  if (error instanceof SchemaMismatch) return true;
  return error.batch?.outcomes.some((outcome) => 'error' in outcome && isMismatch(outcome.error)) ?? false;
}

/** Where the next page of a list begins, as clients carry it: opaque to them, and no secret. */
import { invalid } from './errors.ts';

/** @param values  of the last record, as text */
export function pageToken(values: readonly (string | null)[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** @throws MillraceError invalid for what is no token */
export function readPageToken(token: string): string[] {
  try {
    const values: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(values) && values.every((value) => typeof value === 'string')) return values;
  } catch {
    // no token either
  }
  throw invalid("'after' must be empty for the first page, or 'next_after' of the page before.", { field: 'after' });
}

/** How a filter is refused: always with the place and with what would have been valid there. */

import { invalid, type MillraceError } from '#common/errors.ts';

/** Characters of the filter that a message repeats. */
const EXCERPT_LENGTH_MAX = 60;

/**
 * @param at       index into the filter, 0-based; the client reads it 1-based
 * @param expected what would be valid there, as part of a sentence
 */
export function refusal(
  at: number,
  expected: string,
  message = 'Invalid or unparsable filter request.',
): MillraceError {
  const position = at + 1;
  return invalid(`${message} At character ${position}: expected ${expected}.`, { position, expected });
}

/** A field was due and `text` stands there. The beginning of the sentence is the original's (database-api.md §3.1). */
export function fieldRefusal(at: number, text: string): MillraceError {
  // A cut between the halves of a surrogate pair would leave text that is not Unicode.
  const excerpt =
    text.length > EXCERPT_LENGTH_MAX ? `${text.slice(0, EXCERPT_LENGTH_MAX).replace(/[\uD800-\uDBFF]$/, '')}…` : text;
  const message = `Invalid or unparsable field in filter request: '${excerpt}'.`;
  return refusal(
    at,
    'a field name (in double quotes where it has other characters) and a comparison operator',
    message,
  );
}

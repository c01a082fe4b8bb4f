/** How large one result may become in memory. Longer lists are for streams, which hold a portion at a time. */
import { MIB } from '#common/bounds.ts';
import { invalid, type MillraceError } from '#common/errors.ts';

/** A thousand records of 128 KiB; a few of them at once must fit a small machine. */
export const ANSWER_BYTES_MAX = 128 * MIB;

export const answerTooLarge = (): MillraceError =>
  invalid(`The answer is larger than ${ANSWER_BYTES_MAX / MIB} MiB. Ask for fewer records or fields.`);

/** A connection that was lost before anything of an answer had come: as one that had rested for too long. */
import { MillraceError } from '#common/errors.ts';

/** Whether the request was done is not known: who only reads may ask again. */
export class Unheard extends MillraceError {
  constructor({ code, message, context }: MillraceError, cause: unknown) {
    super(code, message, context, cause);
  }
}

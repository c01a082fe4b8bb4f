/** One record of several fails alone. */
import { MillraceError } from '../errors.ts';

export function attempt<T>(read: () => T): T | { error: MillraceError } {
  try {
    return read();
  } catch (error) {
    return { error: MillraceError.from(error) };
  }
}

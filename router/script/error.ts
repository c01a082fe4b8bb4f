/** What a script has thrown, as the API answers it (files-and-scripting-api §3.6). */
import { MillraceError } from '#common/errors.ts';

export class ScriptError extends MillraceError {
  /** `error.code`, where the script gave one: the status is 500 whatever it is. */
  readonly applicationCode: number | undefined;

  /** @param thrown  its `code` counts where it is a number */
  constructor(message: string, thrown?: unknown, context?: Readonly<Record<string, unknown>>) {
    super('script', message || 'Unknown scripting error.', context);
    const code = typeof thrown === 'object' && thrown !== null ? (thrown as { code?: unknown }).code : undefined;
    this.applicationCode = Number.isInteger(Number(code)) && code !== null && code !== '' ? Number(code) : undefined;
  }
}

const UNDONE = new Set(['overloaded', 'limited', 'unavailable', 'deadline', 'cancelled']);

/** Nothing was begun, or cannot be: no script has to see it. */
export const isUndone = (error: unknown): boolean => UNDONE.has(MillraceError.from(error).code);

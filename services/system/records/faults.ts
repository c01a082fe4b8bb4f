/** Collects what is wrong with a record, so that one answer names it all. */
import { invalid } from '#common/errors.ts';

export class Faults {
  readonly #byField = new Map<string, string[]>();

  add(field: string, message: string): void {
    const messages = this.#byField.get(field);
    if (messages) messages.push(message);
    else this.#byField.set(field, [message]);
  }

  /** @throws MillraceError invalid with `{field: [messages]}` where there is a fault */
  check(message?: string): void {
    if (this.#byField.size === 0) return;
    const messages = [...this.#byField.values()].flat();
    throw invalid(message ?? `Invalid data supplied. ${messages.join(' ')}`, Object.fromEntries(this.#byField));
  }
}

/** As messages name a field: first_name is "first name". */
export const spoken = (field: string): string => field.replaceAll('_', ' ');

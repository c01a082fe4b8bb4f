import { MillraceError } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads variables and collects every fault, so that one start names them all. */
export class EnvReader {
  readonly #env: Environment;
  readonly #faults: string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The text, or the fallback where it is unset or empty. */
  string(name: string, fallback: string): string {
    return this.#env[name] || fallback;
  }

  optional(name: string): string | undefined {
    return this.#env[name] || undefined;
  }

  required(name: string, what: string): string {
    const value = this.#env[name];
    if (!value) this.#faults.push(`${name} is not set: ${what}`);
    return value ?? '';
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const text = this.#env[name];
    if (text === undefined || text === '') return fallback;
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      this.#faults.push(`${name} must be a whole number from ${min} to ${max}, not '${text}'`);
      return fallback;
    }
    return value;
  }

  boolean(name: string, fallback: boolean): boolean {
    const text = this.#env[name]?.toLowerCase();
    if (text === undefined || text === '') return fallback;
    if (['1', 'true', 'yes', 'on'].includes(text)) return true;
    if (['0', 'false', 'no', 'off'].includes(text)) return false;
    this.#faults.push(`${name} must be true or false, not '${text}'`);
    return fallback;
  }

  oneOf<T extends string>(name: string, fallback: T, values: readonly T[]): T {
    const text = this.#env[name];
    if (text === undefined || text === '') return fallback;
    if ((values as readonly string[]).includes(text)) return text as T;
    this.#faults.push(`${name} must be one of ${values.join(', ')}, not '${text}'`);
    return fallback;
  }

  /** Comma-separated, blanks trimmed, empty ones left out. */
  list(name: string, fallback: readonly string[]): readonly string[] {
    const text = this.#env[name];
    return text ? text.split(',').flatMap((part) => (part.trim() ? [part.trim()] : [])) : fallback;
  }

  fault(message: string): void {
    this.#faults.push(message);
  }

  /** Call last. @throws MillraceError `invalid` that names every faulty variable */
  finish<T extends object>(config: T): Readonly<T> {
    if (this.#faults.length > 0) throw new MillraceError('invalid', `Configuration: ${this.#faults.join('; ')}.`);
    return Object.freeze(config);
  }
}

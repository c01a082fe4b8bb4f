/** What became of the records of an import: how many were written, and which lines were not. */
import { type ErrorContext, MillraceError } from '../errors.ts';
import { concernsAll } from '../of-all.ts';

/** Failures that are told one by one; of more only the number. */
const FAILURES_MAX = 100;

/** A record that was read, with what it could not set, or why it was not. */
export type ReadRecord = { readonly dropped: readonly string[] } | { readonly error: MillraceError };

interface Failure {
  readonly line: number;
  readonly message: string;
}

export class ImportTally {
  written = 0;
  readonly #allOrNothing: boolean;
  readonly #failures: Failure[] = [];
  readonly #dropped = new Set<string>();
  #failed = 0;

  constructor(allOrNothing: boolean) {
    this.#allOrNothing = allOrNothing;
  }

  /** Members that no record could set. */
  get dropped(): string[] {
    return [...this.#dropped];
  }

  wrote(rows: readonly ReadRecord[], count: number): void {
    this.written += count;
    for (const row of rows) if ('dropped' in row) for (const name of row.dropped) this.#dropped.add(name);
  }

  failed(line: number | undefined, { message }: MillraceError): void {
    this.#failed++;
    if (this.#failures.length < FAILURES_MAX) this.#failures.push({ line: line ?? 0, message });
  }

  /** @throws the error where it is not about the records */
  failedBatch(rows: readonly ReadRecord[], lines: readonly number[], error: MillraceError): void {
    if (!error.batch) throw error;
    const { outcomes } = error.batch;
    const done = rows.filter((_, i) => outcomes[i] && 'json' in outcomes[i]);
    this.wrote(done, done.length);
    for (const [i, outcome] of outcomes.entries()) {
      if (!('error' in outcome)) continue;
      if (concernsAll(outcome.error)) throw outcome.error;
      this.failed(lines[i], outcome.error);
    }
  }

  /** @throws MillraceError invalid where a record failed */
  throwFailures(): void {
    const [first] = this.#failures;
    if (!first) return;
    const undone = this.#allOrNothing ? ' All changes rolled back.' : '';
    const others = this.#failed > 1 ? ` (and ${this.#failed - 1} more)` : '';
    const message = `Line ${first.line}: ${first.message}${others}${undone}`;
    throw new MillraceError('invalid', message, this.#facts());
  }

  /** For a failure that is not about the records: it also says what was written before. */
  cutShort(thrown: unknown): MillraceError {
    const error = MillraceError.from(thrown);
    if (error.code === 'internal') return error;
    return new MillraceError(error.code, error.message, { ...error.context, ...this.#facts() }, error.cause);
  }

  #facts(): ErrorContext {
    const count = this.#allOrNothing ? 0 : this.written;
    return { count, failed: this.#failed, errors: this.#failures, rolled_back: this.#allOrNothing };
  }
}

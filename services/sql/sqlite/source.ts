/** One SQLite database as a source: reads and writes in processes of their own, so that neither stops the loop. */
import { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import type { Catalogue } from '#common/schema/catalogue.ts';
import type { EachOptions, SqlSource, StatementOutcome } from '../engine.ts';
import type { Rows, Statement } from '../statement.ts';
import type { SqliteConfig } from './config.ts';
import { Crew } from './crew.ts';
import { translate } from './errors.ts';
import { introspect, introspectTables } from './introspect.ts';
import type { Answer, Job, Outcome, Plan } from './protocol.ts';
import type { Session } from './task.ts';

/** One can be busy with a long query while the other goes on; more would only compete for the same disk. */
const READERS_MAX = 2;
const IN_MEMORY = ':memory:';

/** What cannot write, or is told from its prepared form by the reader. */
const MAY_READ = /^\s*(?:select|values|with)\b/i;

/** A number that SQLite itself moves with every change of the schema, by whatever program. */
const STATE: Statement = {
  text: 'select schema_version from pragma_schema_version',
  params: [],
  columns: [{ name: 'schema_version', json: 'number', hidden: true }],
};

export class SqliteSource implements SqlSource {
  readonly #writer: Crew;
  readonly #readers: Crew;
  readonly #connectionsMax: number;
  /** SQLite prepares anew by itself and does not tell. */
  onSchemaChange: (() => void) | undefined;
  #streams = 0;
  #openStreams = 0;

  constructor({ file, statements }: SqliteConfig, connectionsMax: number) {
    this.#connectionsMax = connectionsMax;
    const isReplaceable = file !== IN_MEMORY;
    const setup = { file, statements, readsOnly: false };
    this.#writer = new Crew({ setup, processesMax: 1, isReplaceable });
    const processesMax = Math.max(1, Math.min(READERS_MAX, connectionsMax - 1));
    // A database in memory is known to one connection only.
    this.#readers = isReplaceable
      ? new Crew({ setup: { ...setup, readsOnly: true }, processesMax, isReplaceable })
      : this.#writer;
  }

  introspect(deadline: Deadline): Promise<Catalogue> {
    return introspect((statement) => this.run(statement, deadline));
  }

  introspectTables(names: readonly string[], deadline: Deadline): Promise<Catalogue> {
    return introspectTables((statement) => this.run(statement, deadline), names);
  }

  async catalogueState(deadline: Deadline): Promise<string> {
    const { hidden } = await this.run(STATE, deadline);
    return String(hidden[0]);
  }

  async run(statement: Statement, deadline: Deadline): Promise<Rows> {
    const job: Job = { kind: 'run', statement, timeoutMs: deadline.remainingMs() };
    if (this.#readers !== this.#writer && MAY_READ.test(statement.text)) {
      const answer = await this.#readers.submit(job, deadline, { isRepeatable: true });
      if (!('writes' in answer)) return rowsOf(answer);
    }
    return rowsOf(await this.#writer.submit(job, deadline, { isRepeatable: false }));
  }

  async *stream(statement: Statement, deadline: Deadline): AsyncGenerator<Rows> {
    // Each has a connection of its own.
    if (this.#openStreams >= this.#connectionsMax) throw tooManyStreams();
    this.#openStreams++;
    const stream = ++this.#streams;
    const session: Session = { lane: undefined, isExclusive: false };
    const ask = (job: Job, isRepeatable: boolean) => this.#readers.submit(job, deadline, { session, isRepeatable });
    let isDone = false;
    try {
      succeeded(await ask({ kind: 'open', stream, statement }, true));
      while (!isDone) {
        const answer = succeeded(await ask({ kind: 'next', stream }, false));
        isDone = 'done' in answer && answer.done;
        const rows = rowsOf(answer);
        if (rows.count > 0) yield rows;
      }
    } finally {
      this.#openStreams--;
      if (!isDone) this.#afterwards(this.#readers, { kind: 'close', stream }, session);
      else session.lane?.release(session);
    }
  }

  async runEach(
    statements: readonly Statement[],
    options: EachOptions,
    deadline: Deadline,
  ): Promise<StatementOutcome[]> {
    const timeoutMs = deadline.remainingMs();
    const job: Job = { kind: 'each', ...planned(statements), mode: options.mode, timeoutMs };
    const answer = succeeded(await this.#writer.submit(job, deadline, { isRepeatable: false }));
    return 'outcomes' in answer ? answer.outcomes.map(outcome) : unexpected(answer);
  }

  async transaction<T>(
    work: (run: (statement: Statement) => Promise<Rows>) => Promise<T>,
    deadline: Deadline,
  ): Promise<T> {
    const session: Session = { lane: undefined, isExclusive: true };
    const ask = async (job: Job, isRepeatable = false): Promise<Answer> =>
      succeeded(await this.#writer.submit(job, deadline, { session, isRepeatable }));
    const run = async (statement: Statement): Promise<Rows> =>
      rowsOf(await ask({ kind: 'run', statement, timeoutMs: deadline.remainingMs() }));
    try {
      await ask({ kind: 'begin', timeoutMs: deadline.remainingMs() }, true);
      const result = await inTime(work(run), deadline);
      await ask({ kind: 'commit' });
      session.lane?.release(session);
      return result;
    } catch (error) {
      this.#afterwards(this.#writer, { kind: 'rollback' }, session);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#readers.close(), this.#writer.close()]);
  }

  /** Tidies up behind a session that ended early, whether or not somebody still waits. A lost process needs it not. */
  #afterwards(crew: Crew, job: Job, session: Session): void {
    const { lane } = session;
    void crew
      .submit(job, new Deadline(Number.POSITIVE_INFINITY), { session, isRepeatable: false })
      .catch(() => {})
      .then(() => lane?.release(session));
  }
}

const tooManyStreams = (): MillraceError =>
  new MillraceError('overloaded', 'Too many long answers are on their way at the moment.', { retryable: true });

/** Statements with the same text and columns are sent once. */
function planned(statements: readonly Statement[]): Pick<Extract<Job, { kind: 'each' }>, 'plans' | 'runs'> {
  const plans: Plan[] = [];
  const byText = new Map<string, number>();
  const runs = statements.map(({ text, columns, params }) => {
    let plan = byText.get(text);
    if (plan === undefined || plans[plan]?.columns !== columns) {
      plan = plans.push({ text, columns }) - 1;
      byText.set(text, plan);
    }
    return { plan, params };
  });
  return { plans, runs };
}

function succeeded(answer: Answer): Answer {
  if ('failure' in answer) throw translate(answer.failure);
  return answer;
}

function rowsOf(answer: Answer): Rows {
  const checked = succeeded(answer);
  return 'rows' in checked ? checked.rows : unexpected(checked);
}

const outcome = (one: Outcome): StatementOutcome =>
  'rows' in one ? { rows: one.rows } : { error: translate(one.failure) };

function unexpected(answer: Answer): never {
  throw new MillraceError('internal', 'An unexpected failure happened.', undefined, answer);
}

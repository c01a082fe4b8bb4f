/** Changes are taken back by their inverses, the last one first, where the store has no transaction that fits. */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { within } from '#common/in-time.ts';
import type { Document, StoredDocument } from '../document.ts';
import type { DocumentKey, NoSqlSource, StoreTable, Write, WriteOutcome } from '../engine.ts';
import type { ServiceContext } from './context.ts';

/** What the store made of a write. */
export interface Done {
  readonly key: Document;
  readonly created: boolean;
}

/** @param before  the document as it was; undefined: there was none, or nobody knows */
export function inverseOf(
  write: Write,
  before: StoredDocument | undefined,
  done: Done,
  table: StoreTable,
): Write | undefined {
  const key: DocumentKey = table.key.map(({ name }) => done.key[name] ?? null);
  if (before && write.kind === 'delete') return { kind: 'insert', document: before.members() };
  if (before) return { kind: 'replace', key, document: before.members(), upsert: false, anyVersion: true };
  return done.created ? { kind: 'delete', key } : undefined;
}

/** @throws MillraceError conflict where one of the inverses was not taken */
export function requireTakenBack(outcomes: readonly WriteOutcome[]): void {
  const failed = outcomes.find((outcome) => 'error' in outcome);
  if (failed) {
    const message = 'Not all changes could be taken back: somebody else changed the records.';
    throw new MillraceError('conflict', message, undefined, failed);
  }
}

/** Given to what is taken back, as it may be because the caller's time is up. */
const UNDO_MS = 10_000;

/** Writes of several tables, one after the other, and how they are all taken back. */
export class Journal {
  readonly #context: ServiceContext;
  readonly #inverses: { readonly table: StoreTable; readonly write: Write }[] = [];

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /**
   * @param before  as `inverseOf` has it
   * @returns undefined where there is no such document, or its condition does not hold
   * @throws MillraceError
   */
  async write(
    table: StoreTable,
    write: Write,
    before: StoredDocument | undefined,
    deadline: Deadline,
  ): Promise<Done | undefined> {
    const outcome = await this.#context.writes.write(table, write, deadline);
    if ('error' in outcome) throw outcome.error;
    if ('missing' in outcome) return undefined;
    const inverse = inverseOf(write, before, outcome, table);
    if (inverse) this.#inverses.push({ table, write: inverse });
    return outcome;
  }

  /** One by one, as a document may be among them twice; the others where one fails. @throws MillraceError conflict */
  async undo(): Promise<void> {
    const { source } = this.#context;
    const outcomes = await within(UNDO_MS, (deadline) => takenBack(this.#inverses, source, deadline));
    requireTakenBack(outcomes);
  }
}

async function takenBack(
  inverses: readonly { readonly table: StoreTable; readonly write: Write }[],
  source: NoSqlSource,
  deadline: Deadline,
): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  for (const { table, write } of inverses.toReversed()) {
    try {
      outcomes.push(...(await source.write(table, [write], false, deadline)));
    } catch (thrown) {
      outcomes.push({ error: MillraceError.from(thrown) });
    }
  }
  return outcomes;
}

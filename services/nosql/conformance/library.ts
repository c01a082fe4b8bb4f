/** Authors, books and tags: tables, relations and records for what every engine does with records of relations. */
import { insert, read, remove } from '#common/testing/words.ts';
import { DefineMode, PartKind, Target } from '#proto/data/v1/data_pb.ts';
import type { Bench } from './bench.ts';

/** As Subject has it. */
export interface RelatedSubject {
  readonly bench: () => Bench;
  readonly key: { readonly name: string; readonly of: (place: number) => unknown };
  readonly keyOf: (place: number) => Record<string, unknown>;
  readonly id: (place: number) => string;
  readonly generates: boolean;
  readonly native?: unknown;
}

const TABLES = ['author', 'book', 'tag', 'booktag'] as const;

export interface Left {
  readonly author: readonly unknown[];
  /** Title, author, critic. */
  readonly book: readonly (readonly unknown[])[];
  readonly tag: readonly unknown[];
  /** Book and tag. */
  readonly booktag: readonly (readonly unknown[])[];
}

/** Tables of authors, books and tags, their relations, and the same records for every test. */
export class Library {
  readonly subject: RelatedSubject;
  #isOpen = false;

  constructor(subject: RelatedSubject) {
    this.subject = subject;
  }

  async open(): Promise<void> {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const { bench, native } = this.subject;
    const value = { mode: DefineMode.CREATE } as const;
    const records = TABLES.map((name) => ({ name, ...(native !== undefined && { native }) }));
    await bench().ask({ action: { case: 'defineTables', value }, records });
    await this.relate();
  }

  /** What is known of the tables beside the store. */
  async relate(): Promise<void> {
    const { bench, key } = this.subject;
    const define = (table: string, kind: PartKind, parts: object[]) =>
      bench().ask({
        action: { case: 'defineParts', value: { table, kind, mode: DefineMode.CREATE } },
        records: parts,
      });
    const relation = (type: string, field: string, ref_table: string, ref_field: string, more: object = {}) => ({
      ...{ name: `${ref_table} of ${field}`, is_virtual: true, type, field, ref_table, ref_field },
      ...more,
    });
    await define('book', PartKind.FIELD, [
      { name: 'year', type: 'integer', allow_null: true },
      { name: 'shelf', type: 'string', allow_null: false, default: 'store' },
    ]);
    await define('author', PartKind.RELATION, [
      relation('has_many', key.name, 'book', 'author'),
      relation('has_one', key.name, 'book', 'critic'),
      relation('has_many', 'name', 'book', 'shelf'),
    ]);
    const between = { junction_table: 'booktag', junction_field: 'book', junction_ref_field: 'tag' };
    await define('book', PartKind.RELATION, [
      relation('belongs_to', 'author', 'author', key.name),
      relation('many_many', key.name, 'tag', key.name, between),
    ]);
    const back = { junction_table: 'booktag', junction_field: 'tag', junction_ref_field: 'book' };
    await define('tag', PartKind.RELATION, [relation('many_many', key.name, 'book', key.name, back)]);
  }

  async refill(): Promise<void> {
    const { bench, key, keyOf } = this.subject;
    for (const name of TABLES) await bench().ask(remove(name, Target.FILTER, { everything: true }));
    const fill = (table: string, records: object[]) =>
      bench().ask(
        insert(
          table,
          records.map((record, i) => ({ ...keyOf(i + 1), ...record })),
        ),
      );
    await fill('author', [{ name: 'Ada' }, { name: 'Bea' }, { name: 'Cem' }]);
    await fill('book', [
      { title: 'One', author: key.of(1), year: 1990 },
      { title: 'Two', author: key.of(1), critic: key.of(1), year: 2000 },
      { title: 'Three', author: key.of(2), year: 2010 },
      { title: 'Nobody', shelf: 'Ada' },
    ]);
    await fill('tag', [{ label: 'old' }, { label: 'new' }]);
    await fill('booktag', [
      { book: key.of(1), tag: key.of(1) },
      { book: key.of(2), tag: key.of(1) },
      { book: key.of(2), tag: key.of(2) },
    ]);
  }

  async left(): Promise<Left> {
    const all = async (table: string, ...names: string[]): Promise<unknown[][]> => {
      const outcome = (await this.subject.bench().outcome(read(table))) as { json: Record<string, unknown>[] };
      const rows = outcome.json.map((one) => names.map((name) => one[name] ?? null));
      return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    };
    return {
      author: (await all('author', 'name')).flat(),
      book: await all('book', 'title', 'author', 'critic'),
      tag: (await all('tag', 'label')).flat(),
      booktag: await all('booktag', 'book', 'tag'),
    };
  }
}

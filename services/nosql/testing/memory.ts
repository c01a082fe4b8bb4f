/** A store in memory that can do nothing but keep documents: all that is asked of it is done by the tier. */
import { MillraceError } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import { STORE_FIELDS } from '../config-fields.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import type {
  DocumentKey,
  KeyField,
  NoSqlEngine,
  NoSqlSource,
  StorePage,
  StoreQuery,
  StoreTable,
  Write,
  WriteOutcome,
} from '../engine.ts';

const PAGE = 3;

interface Kept {
  readonly table: StoreTable;
  readonly documents: Map<string, Document>;
}

const keyText = (key: DocumentKey): string => JSON.stringify(key.map(String));

class MemoryDocument implements StoredDocument {
  readonly #members: Document;

  constructor(members: Document) {
    this.#members = members;
  }

  json(fields?: readonly string[]): Uint8Array {
    const shown = Object.entries(this.#members).filter(([name]) => !fields || fields.includes(name));
    return Buffer.from(
      `{${shown.map(([name, value]) => `${JSON.stringify(name)}:${stringifyJson(value)}`).join(',')}}`,
    );
  }

  members(): Document {
    return this.#members;
  }
}

class MemorySource implements NoSqlSource {
  readonly #tables = new Map<string, Kept>();
  #next = 1000;

  async tables(): Promise<StoreTable[]> {
    return [...this.#tables.values()].map(({ table }) => table);
  }

  async sample(table: StoreTable, count: number): Promise<StoredDocument[]> {
    return this.#all(table).slice(0, count);
  }

  async createTable(name: string, key: readonly KeyField[]): Promise<void> {
    const fields = key.length > 0 ? key : [{ name: 'id', type: 'any', generated: true } as const];
    const table = { name, key: fields, indexes: [], native: undefined };
    this.#tables.set(name, { table, documents: new Map() });
  }

  async dropTable(name: string): Promise<void> {
    this.#tables.delete(name);
  }

  async get(table: StoreTable, keys: readonly DocumentKey[]): Promise<(StoredDocument | undefined)[]> {
    const { documents } = this.#kept(table);
    return keys.map((key) => {
      const found = documents.get(keyText(key));
      return found && new MemoryDocument(found);
    });
  }

  async *find(table: StoreTable, { after }: StoreQuery): AsyncGenerator<StorePage> {
    const all = this.#all(table);
    for (let at = Number(after ?? 0); at < all.length; at += PAGE) {
      const start = at;
      const next = at + PAGE < all.length ? String(at + PAGE) : undefined;
      yield { documents: all.slice(at, at + PAGE), next, behind: (index) => String(start + index + 1) };
    }
  }

  async write(table: StoreTable, writes: readonly Write[], ordered: boolean): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    for (const write of writes) {
      outcomes.push(this.#one(table, write));
      if (ordered && 'error' in (outcomes.at(-1) as WriteOutcome)) break;
    }
    return outcomes;
  }

  async close(): Promise<void> {}

  #one(table: StoreTable, write: Write): WriteOutcome {
    const { documents } = this.#kept(table);
    if (write.kind === 'insert') {
      const made = table.key.map(({ name, generated }): [string, Wire] => [
        name,
        write.document[name] ?? (generated ? this.#next++ : null),
      ]);
      const document: Document = Object.assign(Object.create(null), write.document, Object.fromEntries(made));
      const key = keyText(made.map(([, value]) => value));
      if (documents.has(key)) return { error: new MillraceError('conflict', 'A record with this key exists already.') };
      documents.set(key, document);
      return { key: Object.fromEntries(made), created: true };
    }
    const place = keyText(write.key);
    const before = documents.get(place);
    if (!before) return { missing: true };
    const key = Object.fromEntries(table.key.map(({ name }) => [name, before[name] as Wire]));
    if (write.kind === 'delete') documents.delete(place);
    else if (write.kind === 'replace') documents.set(place, Object.assign(Object.create(null), write.document, key));
    else documents.set(place, Object.assign(Object.create(null), before, write.members, key));
    return { key, created: false };
  }

  #kept({ name }: StoreTable): Kept {
    const kept = this.#tables.get(name);
    if (!kept) throw new MillraceError('not_found', `Table "${name}" does not exist in the database.`);
    return kept;
  }

  #all(table: StoreTable): StoredDocument[] {
    return [...this.#kept(table).documents.values()].map((one) => new MemoryDocument(one));
  }
}

export const memory: NoSqlEngine = {
  name: 'memory',
  label: 'Memory',
  description: 'Documents in memory.',
  group: 'Database',
  configFields: STORE_FIELDS,
  open: () => new MemorySource(),
  pushdown: {
    compares: () => false,
    any: false,
    not: false,
    sorts: () => false,
    offset: false,
    count: false,
    projection: false,
    transactions: undefined,
    conditionalWrites: false,
    nativeFilters: false,
    keysMax: 100,
    writesMax: 100,
  },
};

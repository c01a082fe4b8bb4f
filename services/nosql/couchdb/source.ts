/** The databases of a CouchDB as tables of documents. */
import type { Deadline } from '#common/deadline.ts';
import { invalid, type MillraceError, notFound } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import type { StoredDocument } from '../document.ts';
import type {
  Condition,
  DocumentKey,
  KeyField,
  NewIndex,
  NoSqlSource,
  StorePage,
  StoreQuery,
  StoreTable,
  ViewPage,
  ViewQuery,
  Write,
  WriteOutcome,
} from '../engine.ts';
import { type Call, CouchClient } from './client.ts';
import type { CouchConfig } from './config.ts';
import { CouchError, translate } from './errors.ts';
import { allDocs, count, find } from './find.ts';
import { keyDocument } from './rows.ts';
import { isTableName, requireNewName } from './types.ts';
import { readView } from './views.ts';
import { write } from './write.ts';

/** Keys of one request. */
export const KEYS_MAX = 250;
/** Each is asked for its indexes; a server with a database for each of its users is not. */
const INDEXED_TABLES_MAX = 200;
const AT_ONCE = 4;

const KEY: readonly KeyField[] = [{ name: '_id', type: 'string', generated: true }];

interface IndexAnswer {
  readonly indexes: readonly {
    readonly ddoc: string | null;
    readonly name: string;
    readonly type: string;
    readonly def: { readonly fields: readonly (string | Readonly<Record<string, unknown>>)[] };
  }[];
}

export class CouchSource implements NoSqlSource {
  readonly #client: CouchClient;
  readonly #database: string;

  constructor(config: CouchConfig, connections: number) {
    this.#client = new CouchClient(config, connections);
    this.#database = config.database;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async tables(deadline: Deadline): Promise<readonly StoreTable[]> {
    const names = (await this.#names(deadline)).filter(isTableName);
    const tables: StoreTable[] = names.map((name) => ({ name, key: KEY, indexes: [], native: null }));
    if (tables.length > INDEXED_TABLES_MAX) return tables;
    const each = tables.keys();
    const work = async (): Promise<void> => {
      for (const at of each) tables[at] = await this.#withIndexes(tables[at]!, deadline);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return tables;
  }

  async sample(table: StoreTable, wanted: number, deadline: Deadline): Promise<readonly StoredDocument[]> {
    const query = { condition: undefined, order: [], offset: 0, limit: wanted, fields: undefined, after: undefined };
    const documents: StoredDocument[] = [];
    for await (const page of this.find(table, query, deadline)) documents.push(...page.documents);
    return documents;
  }

  async createTable(name: string, key: readonly KeyField[], native: unknown, deadline: Deadline): Promise<void> {
    requireNewName(name);
    if (key.some((field) => field.name !== '_id' || !['string', 'any'].includes(field.type))) {
      throw invalid("The key of a CouchDB database is always '_id', a text.");
    }
    await this.#call({ method: 'PUT', path: [name], query: layoutOf(native), isRead: false }, deadline);
  }

  async dropTable(name: string, deadline: Deadline): Promise<void> {
    if (!isTableName(name)) throw notFound(`Table '${name}' does not exist.`);
    await this.#call({ method: 'DELETE', path: [name], isRead: false }, deadline);
  }

  async createIndex(table: StoreTable, index: NewIndex, deadline: Deadline): Promise<void> {
    checkIndex(index);
    const { name, fields } = index;
    const body = JSON.stringify({ index: { fields }, name, ddoc: name, type: 'json' });
    await this.#call({ method: 'POST', path: [table.name, '_index'], body, isRead: false }, deadline);
  }

  async dropIndex(table: StoreTable, name: string, deadline: Deadline): Promise<void> {
    const found = (await this.#indexes(table.name, deadline)).find((index) => index.name === name && index.ddoc);
    if (!found?.ddoc) throw notFound(`Index '${name}' does not exist.`);
    const design = found.ddoc.replace(/^_design\//, '');
    const path = [table.name, '_index', design, found.type, name];
    await this.#call({ method: 'DELETE', path, isRead: false }, deadline);
  }

  async get(
    table: StoreTable,
    keys: readonly DocumentKey[],
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    const isKeyOnly = fields?.every((field) => field === '_id' || field === '_rev') ?? false;
    const documents: (StoredDocument | undefined)[] = [];
    for (let from = 0; from < keys.length; from += KEYS_MAX) {
      // Nothing is found for what is no id: such rows stay empty.
      const ids = keys.slice(from, from + KEYS_MAX).map(([id]) => (isRecordId(id) ? id : ''));
      const asked = [...new Set(ids.filter((id) => id !== ''))];
      const found = new Map<string, StoredDocument>();
      if (asked.length > 0) {
        const { rows } = await this.#translated(
          allDocs(this.#client, table.name, { include_docs: !isKeyOnly }, deadline, asked),
        );
        for (const row of rows) if (row) found.set(row.id, row.document ?? keyDocument(row));
      }
      documents.push(...ids.map((id) => found.get(id)));
    }
    return documents;
  }

  async *find(table: StoreTable, query: StoreQuery, deadline: Deadline): AsyncGenerator<StorePage> {
    try {
      yield* find(this.#client, table.name, query, deadline);
    } catch (error) {
      throw translate(error);
    }
  }

  view(table: StoreTable, query: ViewQuery, deadline: Deadline): Promise<ViewPage> {
    return this.#translated(readView(this.#client, table.name, query, deadline));
  }

  count(table: StoreTable, condition: Condition | undefined, deadline: Deadline): Promise<number> {
    return this.#translated(count(this.#client, table.name, condition, deadline));
  }

  write(
    table: StoreTable,
    writes: readonly Write[],
    ordered: boolean,
    deadline: Deadline,
  ): Promise<readonly WriteOutcome[]> {
    return this.#translated(write(this.#client, table.name, writes, ordered, deadline));
  }

  /** Of all databases, or of the one that the address names, where the user may not list them. */
  async #names(deadline: Deadline): Promise<string[]> {
    try {
      return parseJson(
        await this.#client.send({ method: 'GET', path: ['_all_dbs'], isRead: true }, deadline),
      ) as string[];
    } catch (error) {
      if (!(error instanceof CouchError) || ![401, 403].includes(error.status)) throw translate(error);
      await this.#call({ method: 'GET', path: [this.#database], isRead: true }, deadline);
      return [this.#database];
    }
  }

  /** One that has been dropped meanwhile, or may not be looked into, has none. */
  async #withIndexes(table: StoreTable, deadline: Deadline): Promise<StoreTable> {
    const indexes = await this.#indexes(table.name, deadline).catch((error: MillraceError) => {
      if (['not_found', 'denied', 'unavailable'].includes(error.code)) return [];
      throw error;
    });
    return {
      ...table,
      indexes: indexes
        .filter(({ ddoc }) => ddoc !== null)
        .map(({ name, def }) => ({ name, fields: def.fields.flatMap(namesOf), unique: false })),
    };
  }

  async #indexes(table: string, deadline: Deadline): Promise<IndexAnswer['indexes']> {
    const answer = await this.#call({ method: 'GET', path: [table, '_index'], isRead: true }, deadline);
    return (parseJson(answer) as IndexAnswer).indexes;
  }

  #call(call: Call, deadline: Deadline): Promise<Uint8Array> {
    return this.#translated(this.#client.send(call, deadline));
  }

  async #translated<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw translate(error);
    }
  }
}

/** @throws MillraceError invalid */
export function checkIndex({ fields: [field = ''], unique }: NewIndex): void {
  if (!unique) return;
  throw invalid(`Field '${field}': CouchDB has no unique indexes, only the identifier of a record is unique.`, {
    field,
  });
}

const isRecordId = (id: unknown): id is string => typeof id === 'string' && id !== '' && !id.startsWith('_');

/** `{"n": "asc"}` */
const namesOf = (field: string | Readonly<Record<string, unknown>>): string[] =>
  typeof field === 'string' ? [field] : Object.keys(field);

/** How a new database is laid out over the machines: `{"q": 8, "n": 3, "partitioned": true}`. @throws invalid */
function layoutOf(native: unknown): Record<string, number | boolean> {
  const query: Record<string, number | boolean> = {};
  for (const [name, value] of Object.entries(native ?? {})) {
    const isKnown =
      name === 'partitioned'
        ? typeof value === 'boolean'
        : ['q', 'n'].includes(name) && Number.isInteger(value) && value > 0;
    if (!isKnown)
      throw invalid(`Setting '${name}' of a database is not known, or not of this kind: q, n, partitioned.`);
    query[name] = value as number | boolean;
  }
  return query;
}

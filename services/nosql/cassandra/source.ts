/** Reads of Cassandra, and the rest of what a source has to do. */
import type { types as driver } from 'cassandra-driver';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { mapAtOnce } from '../at-once.ts';
import type { StoredDocument } from '../document.ts';
import type {
  Condition,
  DocumentKey,
  KeyField,
  NewField,
  NewIndex,
  NoSqlSource,
  StorePage,
  StoreQuery,
  StoreTable,
  Write,
  WriteOutcome,
} from '../engine.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { CassandraClient } from './client.ts';
import type { CassandraConfig } from './config.ts';
import { type Layout, layoutOf, quoted } from './layout.ts';
import { columnsOf, selectionByKey, selectionOf, shown } from './request.ts';
import { RowReader } from './row.ts';
import * as tables from './tables.ts';
import { CassandraWriter } from './write.ts';

const GETS_AT_ONCE = 32;
/** Records of one answer. */
const PAGE = 1_000;

export class CassandraSource implements NoSqlSource {
  readonly #client: CassandraClient;
  readonly #keyspace: string;

  constructor(config: CassandraConfig) {
    this.#client = new CassandraClient(config);
    this.#keyspace = config.keyspace;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  tables(deadline: Deadline): Promise<readonly StoreTable[]> {
    return tables.listTables(this.#client, this.#keyspace, deadline);
  }

  /** Columns say themselves what they hold. */
  async sample(): Promise<readonly StoredDocument[]> {
    return [];
  }

  createTable(
    name: string,
    key: readonly KeyField[],
    native: unknown,
    deadline: Deadline,
    fields: readonly NewField[] = [],
  ): Promise<void> {
    const keyNames = key.map((field) => field.name);
    return tables.createTable(this.#client, name, native, fields, keyNames, deadline);
  }

  dropTable(name: string, deadline: Deadline): Promise<void> {
    return tables.dropTable(this.#client, name, deadline);
  }

  addFields(table: StoreTable, fields: readonly NewField[], deadline: Deadline): Promise<void> {
    return tables.addFields(this.#client, table, fields, deadline);
  }

  dropFields(table: StoreTable, names: readonly string[], deadline: Deadline): Promise<void> {
    return tables.dropFields(this.#client, table, names, deadline);
  }

  createIndex(table: StoreTable, index: NewIndex, deadline: Deadline): Promise<void> {
    return tables.createIndex(this.#client, table, index, deadline);
  }

  dropIndex({ name: table }: StoreTable, name: string, deadline: Deadline): Promise<void> {
    return tables.dropIndex(this.#client, table, name, deadline);
  }

  async get(
    table: StoreTable,
    keys: readonly DocumentKey[],
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    const layout = layoutOf(table);
    const columns = columnsOf(layout, fields);
    const reader = new RowReader(columns, layout);
    const statements = keys.map((key) => selectionByKey(table, columns, key));
    return mapAtOnce(statements, GETS_AT_ONCE, async (statement) => {
      const { rows } = await this.#client.ask(deadline, statement);
      return rows[0] && reader.read(rows[0].values());
    });
  }

  async *find(table: StoreTable, query: StoreQuery, deadline: Deadline): AsyncIterable<StorePage> {
    const layout = layoutOf(table);
    const selection = selectionOf(table, query.condition);
    if (!selection) return;
    const { rest } = selection;
    const isMet = rest && predicateOf(rest, false);
    const columns = columnsOf(layout, rest ? undefined : query.fields);
    const statement = selection.select(shown(columns));
    const reader = new RowReader(columns, layout);
    const isRecord = recordTest(layout, columns);
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    let { state, skip } = readCursor(query.after);
    // Whoever goes on behind a page asks for one record more: then the state of the store itself is the cursor.
    const first = query.cursors && left > 1 ? left - 1 : left;
    for (let fetchSize = isMet ? PAGE : Math.min(first + skip, PAGE); left > 0; ) {
      const begin = { state, skip };
      const page: driver.ResultSet = await this.#client.ask(deadline, statement, { fetchSize, state });
      state = page.pageState || undefined;
      skip = Math.max(0, skip - page.rows.length);
      const found = page.rows.slice(begin.skip).flatMap((row, at) => {
        const values = row.values();
        if (!isRecord(values)) return [];
        const document = reader.read(values);
        return isMet && !isMet(document.members()) ? [] : [{ document, place: begin.skip + at + 1 }];
      });
      const some = found.slice(0, left);
      left -= some.length;
      const next = state === undefined ? undefined : cursorOf(state, skip);
      const behind = (index: number): string => {
        const place = some[index]?.place ?? 0;
        return place === page.rows.length && next !== undefined ? next : cursorOf(begin.state, place);
      };
      yield { documents: some.map(({ document }) => document), next, behind };
      if (state === undefined) return;
      if (!isMet) fetchSize = Math.min(left + skip, PAGE);
    }
  }

  async count(table: StoreTable, condition: Condition | undefined, deadline: Deadline): Promise<number> {
    const selection = selectionOf(table, condition);
    if (!selection) return 0;
    if (!selection.rest) {
      const { rows } = await this.#client.ask(deadline, selection.select(countOf(layoutOf(table))));
      return Number(rows[0]?.values()[0] ?? 0);
    }
    let count = 0;
    const query = { condition, order: [], offset: 0, limit: undefined, fields: undefined, after: undefined };
    for await (const { documents } of this.find(table, query, deadline)) count += documents.length;
    return count;
  }

  write(table: StoreTable, writes: readonly Write[], ordered: boolean, deadline: Deadline): Promise<WriteOutcome[]> {
    return new CassandraWriter(this.#client, table, deadline).writeAll(writes, ordered);
  }
}

/** Where a page of the store begins, and how many of its rows were read. */
const cursorOf = (state: string | undefined, place: number): string => `${state ?? ''}:${place}`;

function readCursor(after: string | undefined): { state: string | undefined; skip: number } {
  const [, state, place] = /^([0-9a-f]*):(\d{1,9})$/.exec(after ?? ':0') ?? [];
  if (state === undefined) {
    throw invalid("'after' does not belong to this list: take it from the 'meta' of the page before.", {
      field: 'after',
    });
  }
  return { state: state || undefined, skip: Number(place) };
}

/** A partition with static columns and no record is a row to the store, of which the rest of the key is null. */
const hasBareRows = ({ partition, key, statics }: Layout): boolean => statics.size > 0 && partition.length < key.length;

function recordTest(layout: Layout, columns: readonly string[]): (values: readonly unknown[]) => boolean {
  if (!hasBareRows(layout)) return () => true;
  const place = columns.indexOf(layout.key.at(-1) ?? '');
  return (values) => values[place] !== null && values[place] !== 'null';
}

/** Counts where it is not null. */
const countOf = (layout: Layout): string => `COUNT(${hasBareRows(layout) ? quoted(layout.key.at(-1) ?? '') : '*'})`;

/** Reads of Azure Tables, and the rest of what a source has to do. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { mapAtOnce } from '../at-once.ts';
import type { StoredDocument } from '../document.ts';
import type {
  DocumentKey,
  KeyField,
  NoSqlSource,
  StorePage,
  StoreQuery,
  StoreTable,
  Write,
  WriteOutcome,
} from '../engine.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { AzureClient } from './client.ts';
import type { AzureTablesConfig } from './config.ts';
import { isMissing, translate } from './errors.ts';
import { cursorOf, keyOf, readCursor, readingOf } from './request.ts';
import { isName, jsonOf, PARTITION_KEY, type ReadEntity, ROW_KEY } from './types.ts';
import { AzureWriter } from './write.ts';

const GETS_AT_ONCE = 16;
/** Entities of one answer: Azure gives no more. */
const PAGE_MAX = 1000;
const KEY: readonly KeyField[] = [PARTITION_KEY, ROW_KEY].map((name) => ({ name, type: 'string', generated: false }));

export class AzureSource implements NoSqlSource {
  readonly #client: AzureClient;

  constructor(config: AzureTablesConfig) {
    this.#client = new AzureClient(config);
  }

  async close(): Promise<void> {}

  async tables(deadline: Deadline): Promise<readonly StoreTable[]> {
    const names = await this.#client.tableNames(deadline);
    return names.map((name) => ({ name, key: KEY, indexes: [], native: {} }));
  }

  async sample({ name }: StoreTable, count: number, deadline: Deadline): Promise<readonly StoredDocument[]> {
    const query = { filter: undefined, select: undefined, max: Math.min(count, PAGE_MAX), token: undefined };
    return (await this.#client.getPage(name, query, deadline)).entities.map(storedOf);
  }

  async createTable(name: string, key: readonly KeyField[], _native: unknown, deadline: Deadline): Promise<void> {
    const strange = key.find((field) => !KEY.some((known) => known.name === field.name));
    if (strange) throw invalid(`The key of a table is ${PARTITION_KEY} and ${ROW_KEY}.`, { field: strange.name });
    await this.#client.createTable(name, deadline);
  }

  dropTable(name: string, deadline: Deadline): Promise<void> {
    return this.#client.dropTable(name, deadline);
  }

  async get(
    table: StoreTable,
    keys: readonly DocumentKey[],
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    const select = selectOf(fields);
    return mapAtOnce(keys.map(keyOf), GETS_AT_ONCE, async (key) => {
      try {
        return storedOf(await this.#client.getEntity(table.name, key, select, deadline));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw translate(error);
      }
    });
  }

  async *find(table: StoreTable, query: StoreQuery, deadline: Deadline): AsyncIterable<StorePage> {
    const cursor = query.after === undefined ? undefined : readCursor(query.after);
    const reading = readingOf(query.condition, cursor && 'behind' in cursor ? cursor.behind : undefined);
    if (!reading) return;
    const { filter, rest } = reading;
    const isMet = rest && predicateOf(rest, false);
    const select = rest ? undefined : selectOf(query.fields);
    let token = cursor && 'token' in cursor ? cursor.token : undefined;
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    while (left > 0) {
      const max = isMet ? PAGE_MAX : Math.min(left, PAGE_MAX);
      const page = await this.#client.getPage(table.name, { filter, select, max, token }, deadline);
      const met = isMet ? page.entities.filter(({ members }) => isMet(members)) : page.entities;
      const found = met.slice(0, left);
      left -= found.length;
      token = page.token;
      const behind = (index: number): string => cursorOf({ behind: keyTexts(found[index] as ReadEntity) });
      const isCut = found.length < met.length;
      const next = isCut ? behind(found.length - 1) : token === undefined ? undefined : cursorOf({ token });
      yield { documents: found.map(storedOf), next, behind };
      if (isCut || token === undefined) return;
    }
  }

  write(table: StoreTable, writes: readonly Write[], ordered: boolean, deadline: Deadline): Promise<WriteOutcome[]> {
    return new AzureWriter(this.#client, table.name, deadline).writeAll(writes, ordered);
  }

  writeTogether(table: StoreTable, writes: readonly Write[], deadline: Deadline): Promise<WriteOutcome[]> {
    return new AzureWriter(this.#client, table.name, deadline).writeTogether(writes);
  }
}

function storedOf({ members, etag }: ReadEntity): StoredDocument {
  return { json: (fields) => Buffer.from(jsonOf(members, fields)), members: () => members, version: etag };
}

const keyTexts = ({ members }: ReadEntity): string[] => [String(members[PARTITION_KEY]), String(members[ROW_KEY])];

/** Names that no entity can have are left out; those that the client takes for others are read with all. */
function selectOf(fields: readonly string[] | undefined): string[] | undefined {
  if (!fields?.every(isName)) return undefined;
  return [...new Set([PARTITION_KEY, ROW_KEY, ...fields])];
}

/** Reads of DynamoDB, and the rest of what a source has to do. */
import * as dynamo from '@aws-sdk/client-dynamodb';
import type { Deadline } from '#common/deadline.ts';
import { chunksOf, mapAtOnce } from '../at-once.ts';
import type { StoredDocument } from '../document.ts';
import type {
  DocumentKey,
  KeyField,
  NewIndex,
  NoSqlSource,
  StorePage,
  StoreQuery,
  StoreTable,
  Write,
  WriteOutcome,
} from '../engine.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { overloaded, pauses, wait } from '../throttling.ts';
import { DynamoClient } from './client.ts';
import type { DynamoConfig } from './config.ts';
import { Placeholders } from './expression.ts';
import { cursorOf, keyOf, projectionOf, readCursor, readingOf } from './request.ts';
import * as tables from './tables.ts';
import { type Attributes, documentOf, jsonOf, keyText } from './types.ts';
import { writeAll, writeTransaction } from './write.ts';

/** What one BatchGetItem takes. */
export const KEYS_MAX = 100;
const BATCHES_AT_ONCE = 8;
/** Items that are looked at for one page of those that match. */
const FILTERED_PAGE = 1000;
/** Of a page, as the store takes it. */
const LIMIT_MAX = 2 ** 31 - 1;

export class DynamoSource implements NoSqlSource {
  readonly #client: DynamoClient;

  constructor(config: DynamoConfig, connectionsMax: number) {
    this.#client = new DynamoClient(config, connectionsMax);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  tables(deadline: Deadline): Promise<readonly StoreTable[]> {
    return tables.listTables(this.#client, deadline);
  }

  async sample({ name }: StoreTable, count: number, deadline: Deadline): Promise<readonly StoredDocument[]> {
    const command = new dynamo.ScanCommand({ TableName: name, Limit: count });
    const { Items = [] } = await this.#client.ask(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
    return Items.map(storedOf);
  }

  createTable(name: string, key: readonly KeyField[], native: unknown, deadline: Deadline): Promise<void> {
    return tables.createTable(this.#client, name, key, native, deadline);
  }

  dropTable(name: string, deadline: Deadline): Promise<void> {
    return tables.dropTable(this.#client, name, deadline);
  }

  createIndex(table: StoreTable, index: NewIndex, deadline: Deadline): Promise<void> {
    return tables.createIndex(this.#client, table, index, deadline);
  }

  dropIndex(table: StoreTable, name: string, deadline: Deadline): Promise<void> {
    return tables.dropIndex(this.#client, table.name, name, deadline);
  }

  estimate({ name }: StoreTable, deadline: Deadline): Promise<number> {
    return tables.estimate(this.#client, name, deadline);
  }

  async get(
    table: StoreTable,
    keys: readonly DocumentKey[],
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    const wanted = keys.map((key) => keyOf(table, key));
    // The store refuses one key twice.
    const names = table.key.map(({ name }) => name);
    const distinct = new Map(wanted.map((key) => [keyText(key, names), key]));
    const found = new Map<string, StoredDocument>();
    const given = new Placeholders();
    const projection = fields && {
      ProjectionExpression: projectionOf([...names, ...fields], given),
      ...given.entries(),
    };
    await mapAtOnce(chunksOf([...distinct.values()], KEYS_MAX), BATCHES_AT_ONCE, async (Keys) => {
      for (const item of await this.#getAll(table.name, { Keys, ...projection, ConsistentRead: true }, deadline)) {
        found.set(keyText(item, names), storedOf(item));
      }
    });
    return wanted.map((key) => found.get(keyText(key, names)));
  }

  async #getAll(name: string, wanted: dynamo.KeysAndAttributes, deadline: Deadline): Promise<Attributes[]> {
    const [Key, ...others] = wanted.Keys ?? [];
    if (!Key) return [];
    if (others.length === 0) {
      const { Keys, ...options } = wanted;
      const command = new dynamo.GetItemCommand({ TableName: name, Key, ...options });
      const { Item } = await this.#client.ask(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
      return Item ? [Item] : [];
    }
    const items: Attributes[] = [];
    let nextPause = pauses(deadline);
    for (let left: dynamo.KeysAndAttributes | undefined = wanted; left; ) {
      const command: dynamo.BatchGetItemCommand = new dynamo.BatchGetItemCommand({ RequestItems: { [name]: left } });
      const page = await this.#client.ask(deadline, (to, abortSignal) => to.send(command, { abortSignal }));
      const some = page.Responses?.[name] ?? [];
      items.push(...some);
      left = page.UnprocessedKeys?.[name];
      if (!left?.Keys?.length) break;
      // Large items do not fit into one answer, for which there is no need to wait.
      if (some.length > 0) nextPause = pauses(deadline);
      const pause = nextPause();
      if (pause === undefined) throw overloaded();
      await wait(some.length > 0 ? 0 : pause, deadline);
    }
    return items;
  }

  async *find(table: StoreTable, query: StoreQuery, deadline: Deadline): AsyncIterable<StorePage> {
    const { kind, input, rest, cursorFields } = readingOf(table, query);
    if (kind === 'nothing') return;
    const isMet = rest && predicateOf(rest, false);
    const isFiltered = rest !== undefined || input.FilterExpression !== undefined;
    let start = query.after === undefined ? undefined : readCursor(query.after, cursorFields);
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    while (left > 0) {
      const most = Math.min(isFiltered ? Math.max(left, FILTERED_PAGE) : left, LIMIT_MAX);
      const request = {
        ...input,
        ...(Number.isFinite(left) && { Limit: most }),
        ...(start && { ExclusiveStartKey: start }),
      };
      const command = kind === 'query' ? new dynamo.QueryCommand(request) : new dynamo.ScanCommand(request);
      const page = await this.#client.ask(deadline, (to, abortSignal) =>
        to.send(command as dynamo.QueryCommand, { abortSignal }),
      );
      const met = (page.Items ?? []).filter((item) => !isMet || isMet(documentOf(item)));
      const items = met.length > left ? met.slice(0, left) : met;
      left -= items.length;
      const behind = (index: number): string => cursorOf(pick(items[index] as Attributes, cursorFields));
      const isCut = items.length < met.length;
      start = page.LastEvaluatedKey;
      const next = isCut ? behind(items.length - 1) : start && cursorOf(start);
      yield { documents: items.map(storedOf), next, behind };
      if (isCut || !start) return;
    }
  }

  write(table: StoreTable, writes: readonly Write[], ordered: boolean, deadline: Deadline): Promise<WriteOutcome[]> {
    return writeAll(this.#client, table, writes, ordered, deadline);
  }

  writeTogether(table: StoreTable, writes: readonly Write[], deadline: Deadline): Promise<WriteOutcome[]> {
    return writeTransaction(this.#client, table, writes, deadline);
  }
}

function storedOf(item: Attributes): StoredDocument {
  return {
    json: (fields) => Buffer.from(jsonOf(item, fields)),
    members: () => documentOf(item),
  };
}

const pick = (item: Attributes, names: readonly string[]): Attributes =>
  Object.fromEntries(names.flatMap((name) => (item[name] ? [[name, item[name]]] : [])));

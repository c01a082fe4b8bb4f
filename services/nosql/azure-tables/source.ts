/** Reads of Azure Tables, and the rest of what a source has to do. */
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
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
import { AzureTablesClient } from './client.ts';
import type { AzureTablesConfig } from './config.ts';
import { storedOf } from './entity.ts';
import { KEY, KEY_NAMES, keyIn, keyPair } from './keys.ts';
import { type Cursor, cursorText, filterBehind, type Reading, readCursor, readingOf, selectOf } from './request.ts';
import { documentOf, type Raw } from './types.ts';
import { writeAll, writeTransaction } from './write.ts';
import { readEntity } from './write-one.ts';

/** Entities of one answer: what the store gives at most. */
const PAGE_MAX = 1000;
/** Point reads under way for one call. */
const READS_AT_ONCE = 16;
const TABLE_NAME = /^[A-Za-z][A-Za-z0-9]{2,62}$/;

interface Page {
  readonly raws: readonly Raw[];
  readonly token: string | undefined;
}

export class AzureTablesSource implements NoSqlSource {
  readonly #client: AzureTablesClient;

  constructor(config: AzureTablesConfig, connectionsMax: number) {
    this.#client = new AzureTablesClient(config, connectionsMax);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async tables(deadline: Deadline): Promise<readonly StoreTable[]> {
    const found: StoreTable[] = [];
    let continuationToken: string | undefined;
    do {
      const page = await this.#client.ask(deadline, async (abortSignal) => {
        const pages = this.#client.service.listTables({ abortSignal }).byPage({ ...given({ continuationToken }) });
        return (await pages.next()).value as { name?: string }[] & { continuationToken?: string };
      });
      for (const { name } of page) if (name !== undefined) found.push({ name, key: KEY, indexes: [], native: null });
      continuationToken = page.continuationToken || undefined;
    } while (continuationToken);
    return found;
  }

  async sample({ name }: StoreTable, count: number, deadline: Deadline): Promise<readonly StoredDocument[]> {
    const { raws } = await this.#page(name, undefined, undefined, Math.min(count, PAGE_MAX), undefined, deadline);
    return raws.map(storedOf);
  }

  async createTable(name: string, key: readonly KeyField[], native: unknown, deadline: Deadline): Promise<void> {
    checkTableName(name);
    const others = key.filter((field) => !KEY_NAMES.includes(field.name)).map((field) => field.name);
    if (others.length > 0) {
      throw invalid(`The key of a table of this database is ${KEY_NAMES.join(' and ')}.`, { field: others[0] });
    }
    if (typeof native === 'object' && native !== null && Object.keys(native).length > 0) {
      throw invalid("A table of this database has no settings of its own: leave 'native' out.", { field: 'native' });
    }
    // The client takes a table that is there already for a success.
    let status = 0;
    const onResponse = (answer: { status: number }): void => {
      status = answer.status;
    };
    await this.#client.ask(deadline, (abortSignal) =>
      this.#client.service.createTable(name, { abortSignal, onResponse }),
    );
    if (status === 409) throw new MillraceError('conflict', `Table '${name}' already exists.`, { table: name });
  }

  async dropTable(name: string, deadline: Deadline): Promise<void> {
    checkTableName(name);
    let status = 0;
    const onResponse = (answer: { status: number }): void => {
      status = answer.status;
    };
    await this.#client.ask(deadline, (abortSignal) =>
      this.#client.service.deleteTable(name, { abortSignal, onResponse }),
    );
    if (status === 404 || status === 0) {
      throw new MillraceError('not_found', `The database has no table '${name}'.`, { table: name });
    }
  }

  /** Point reads: the store has no request for several. */
  async get(
    { name }: StoreTable,
    keys: readonly DocumentKey[],
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]> {
    const pairs = keys.map(keyPair);
    const select = selectOf(fields);
    const reads = new Map<string, readonly [string, string]>(pairs.map((pair) => [JSON.stringify(pair), pair]));
    const found = new Map<string, StoredDocument>();
    await mapAtOnce([...reads], READS_AT_ONCE, async ([text, pair]) => {
      const raw = await readEntity(this.#client, name, pair, deadline, select);
      if (raw) found.set(text, storedOf(raw));
    });
    return pairs.map((pair) => found.get(JSON.stringify(pair)));
  }

  async *find({ name }: StoreTable, query: StoreQuery, deadline: Deadline): AsyncIterable<StorePage> {
    const reading = readingOf(query.condition, query.fields);
    const isMet = reading.rest && predicateOf(reading.rest, false);
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    let cursor: Cursor | undefined = readCursor(query.after);
    while (cursor && left > 0) {
      const here: Cursor = cursor;
      const filter = filterBehind(here, reading.filter);
      const most = isMet ? PAGE_MAX : Math.min(left, PAGE_MAX);
      const { raws, token } = await this.#page(name, filter, reading.select, most, here.token, deadline);
      const met = isMet ? raws.filter((raw) => isMet(documentOf(raw))) : raws;
      const some = met.length > left ? met.slice(0, left) : met;
      left -= some.length;
      const isCut = some.length < met.length;
      const behind = (index: number): string => cursorText({ behind: keyIn(documentOf(some[index] as Raw)) });
      cursor = isCut ? undefined : nextCursor(here, token, reading);
      const next = isCut ? behind(some.length - 1) : cursor && cursorText(cursor);
      yield { documents: some.map(storedOf), next, behind };
    }
  }

  async #page(
    table: string,
    filter: string | undefined,
    select: readonly string[] | undefined,
    maxPageSize: number,
    continuationToken: string | undefined,
    deadline: Deadline,
  ): Promise<Page> {
    let text = '';
    const queryOptions = { ...given({ filter }), ...(select && { select: [...select] }) };
    const page = await this.#client.ask(deadline, async (abortSignal) => {
      const options = {
        ...{ abortSignal, queryOptions, disableTypeConversion: true },
        onResponse: ({ bodyAsText }: { bodyAsText?: string | null }) => {
          text = bodyAsText ?? '';
        },
      };
      const pages = this.#client
        .table(table)
        .listEntities(options)
        .byPage({ maxPageSize, ...given({ continuationToken }) });
      return (await pages.next()).value as { continuationToken?: string };
    });
    const { value = [] } = JSON.parse(text) as { value?: Raw[] };
    return { raws: value, token: page.continuationToken || undefined };
  }

  write(table: StoreTable, writes: readonly Write[], ordered: boolean, deadline: Deadline): Promise<WriteOutcome[]> {
    return writeAll(this.#client, table, writes, ordered, deadline);
  }

  writeTogether(table: StoreTable, writes: readonly Write[], deadline: Deadline): Promise<WriteOutcome[]> {
    return writeTransaction(this.#client, table, writes, deadline);
  }
}

/** Behind a page: the next one of the store, else what is in other partitions. */
function nextCursor({ behind, others }: Cursor, token: string | undefined, { partition }: Reading): Cursor | undefined {
  if (token !== undefined) return { ...given({ behind, others }), token };
  return behind && !others && partition === undefined ? { behind, others: true } : undefined;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}

function checkTableName(name: string): void {
  if (TABLE_NAME.test(name) && name.toLowerCase() !== 'tables') return;
  throw invalid(`The database takes no table '${name}': a name has 3 to 63 letters and digits, the first a letter.`, {
    table: name,
  });
}

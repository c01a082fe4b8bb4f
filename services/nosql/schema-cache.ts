/** What is known of a store's tables: listed, watched, and their fields guessed from some documents in the background. */
import { SAMPLED_DOCUMENTS, SAMPLED_FIELDS_MAX } from '#common/bounds.ts';
import { within } from '#common/in-time.ts';
import { JsonNumber } from '#common/json.ts';
import type { Logger } from '#common/observe/log.ts';
import { CatalogueWatch } from '#common/schema/catalogue-watch.ts';
import type { SchemaReader } from '#common/schema/listing.ts';
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import type { Document, Wire } from './document.ts';
import type { NoSqlSource, StoreTable } from './engine.ts';
import { tagOf } from './residual/compare.ts';
import { type SeenField, type StoreView, viewStore } from './table-view.ts';

const LISTING_MS = 20_000;
const SAMPLING_MS = 5_000;
/** A table that is not known is looked for again at most this often. */
const PATIENCE_MS = 500;

export interface SchemaCacheOptions {
  readonly source: NoSqlSource;
  readonly serviceId: number;
  readonly extras: readonly SchemaExtra[];
  readonly log: Logger;
  readonly watchIntervalMs?: number | undefined;
}

export class SchemaCache implements SchemaReader {
  readonly #source: NoSqlSource;
  readonly #serviceId: number;
  readonly #log: Logger;
  readonly #watch: CatalogueWatch;
  readonly #seen = new Map<string, readonly SeenField[]>();
  readonly #sampling = new Map<string, Promise<void>>();
  #extras: readonly SchemaExtra[];
  #tables: readonly StoreTable[] | undefined;
  #state = '';
  #view: StoreView | undefined;
  #reading: Promise<StoreView> | undefined;
  #readAt = 0;
  /** What was seen of documents is looked at again when somebody wants to know it. */
  #isStale = false;

  constructor({ source, serviceId, extras, log, watchIntervalMs }: SchemaCacheOptions) {
    this.#source = source;
    this.#serviceId = serviceId;
    this.#extras = extras;
    this.#log = log;
    const catalogueState = async (deadline: Parameters<NoSqlSource['tables']>[0]): Promise<string> =>
      stateOf(await source.tables(deadline));
    this.#watch = new CatalogueWatch({ catalogueState }, () => void this.#catchUp(), log, watchIntervalMs);
  }

  /** To plan with, at once; undefined before the tables were listed. */
  get current(): StoreView | undefined {
    if (this.#view) this.#watch.used();
    return this.#view;
  }

  /** @throws MillraceError */
  read(): Promise<StoreView> {
    this.#reading ??= this.#list().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** As it is after this moment, with fields that documents have now. */
  async readAfresh(): Promise<StoreView> {
    await this.#reading?.catch(() => {});
    this.#isStale = true;
    return this.read();
  }

  /** Something did not fit: reads again unless that was done a moment ago. @returns the view where it is another one */
  async newerThan(view: StoreView): Promise<StoreView | undefined> {
    if (Date.now() - this.#readAt >= PATIENCE_MS) {
      await this.#reading?.catch(() => {});
      await this.read();
    }
    return this.#view === view ? undefined : this.#view;
  }

  /** The view with what documents of these tables hold. Whoever only describes them waits for it, nobody else does. */
  async described(names: readonly string[]): Promise<StoreView> {
    const view = this.#view ?? (await this.read());
    if (this.#isStale) this.#seen.clear();
    this.#isStale = false;
    const tables = names.flatMap((name) => view.stored.get(view.byName.get(name)?.name ?? '') ?? []);
    await Promise.all(tables.map((table) => this.#sample(table)));
    return this.#view ?? view;
  }

  setExtras(extras: readonly SchemaExtra[]): void {
    this.#extras = extras;
    this.#rebuild();
  }

  close(): void {
    this.#watch.close();
  }

  async #list(): Promise<StoreView> {
    const tables = await within(LISTING_MS, (deadline) => this.#source.tables(deadline));
    this.#readAt = Date.now();
    const state = stateOf(tables);
    if (this.#view && state === this.#state) return this.#view;
    this.#state = state;
    this.#tables = tables;
    return this.#rebuild() as StoreView;
  }

  #rebuild(): StoreView | undefined {
    if (!this.#tables) return undefined;
    this.#view = viewStore(this.#tables, this.#seen, this.#extras, this.#serviceId);
    return this.#view;
  }

  #sample(table: StoreTable): Promise<void> {
    if (this.#seen.has(table.name)) return Promise.resolve();
    let running = this.#sampling.get(table.name);
    if (!running) {
      running = this.#look(table).finally(() => this.#sampling.delete(table.name));
      this.#sampling.set(table.name, running);
    }
    return running;
  }

  async #look(table: StoreTable): Promise<void> {
    try {
      const some = await within(SAMPLING_MS, (deadline) => this.#source.sample(table, SAMPLED_DOCUMENTS, deadline));
      this.#seen.set(table.name, fieldsOf(some.map((one) => one.members())));
      this.#rebuild();
    } catch (error) {
      this.#log.debug({ err: error, table: table.name }, 'fields could not be guessed');
    }
  }

  #catchUp(): Promise<unknown> {
    return this.readAfresh().catch((error: unknown) => this.#log.warn({ err: error }, 'tables could not be listed'));
  }
}

const stateOf = (tables: readonly StoreTable[]): string => JSON.stringify(tables);

/** The fields of some documents, each with the type of the first value that it was seen with. */
export function fieldsOf(documents: readonly Document[]): SeenField[] {
  const types = new Map<string, string>();
  for (const document of documents) {
    for (const [name, value] of Object.entries(document)) {
      const type = typeOf(value);
      if (type !== undefined && !types.has(name) && types.size < SAMPLED_FIELDS_MAX) types.set(name, type);
    }
  }
  return [...types].map(([name, type]) => ({ name, type }));
}

const TAGS: Readonly<Record<string, string>> = { $date: 'datetime', $binary: 'binary', $uuid: 'uuid' };

function typeOf(value: Wire): string | undefined {
  if (value === null) return undefined;
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'double';
  if (value instanceof JsonNumber) return 'decimal';
  if (typeof value === 'string') return 'string';
  if (Array.isArray(value)) return 'array';
  const tag = tagOf(value);
  return tag === undefined ? 'object' : (TAGS[tag] ?? 'string');
}

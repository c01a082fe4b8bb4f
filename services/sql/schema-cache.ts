/**
 * What is known of one database's schema. Before all of it has been read, a table alone is enough for most requests;
 * after that operations plan with what is there, and a newer catalogue replaces it when it has been read.
 */
import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '#common/errors.ts';
import { within } from '#common/in-time.ts';
import type { Logger } from '#common/observe/log.ts';
import { concernsAll } from '#common/of-all.ts';
import { inSlices } from '#common/pace.ts';
import type { Catalogue, Table } from '#common/schema/catalogue.ts';
import { CatalogueWatch } from '#common/schema/catalogue-watch.ts';
import type { SchemaView, TableView } from '#common/schema/extras.ts';
import { realName, viewSchema } from '#common/schema/schema-view.ts';
import { marksOf } from '#common/schema/table-marks.ts';
import type { SchemaExtra } from '#proto/access/v1/access_pb.ts';
import type { SqlSource } from './engine.ts';

const INTROSPECTION_MS = 60_000;
/** A doubted catalogue is at least this old before it is read again. */
const PATIENCE_MS = 1_000;
/** The same where doubts keep turning out to be unfounded: somebody asks for what was never there. */
const PATIENCE_MAX_MS = 16_000;

export interface SchemaCacheOptions {
  readonly source: SqlSource;
  readonly serviceId: number;
  readonly extras: readonly SchemaExtra[];
  readonly log: Logger;
  /** How often to look for changes by others, milliseconds; undefined: as CatalogueWatch does. */
  readonly watchIntervalMs?: number;
}

export class SchemaCache {
  readonly #source: SqlSource;
  readonly #serviceId: number;
  readonly #log: Logger;
  readonly #watch: CatalogueWatch;
  #extras: readonly SchemaExtra[];
  #marks: ReadonlyMap<string, string>;
  readonly #ownMarks = new Set<string>();
  #catalogue: Catalogue | undefined;
  #view: SchemaView | undefined;
  /** Tables that were asked for before there was a view of all, by their real names. */
  readonly #early = new Map<string, Promise<SchemaView | undefined>>();
  #reading: Promise<SchemaView> | undefined;
  /** One after the other, or an older answer could replace a newer one. */
  #refreshing: Promise<void> = Promise.resolve();
  #readAt = Number.NEGATIVE_INFINITY;
  #patience = PATIENCE_MS;
  #doubted: NodeJS.Timeout | undefined;
  #reconsidering: Promise<void> | undefined;

  constructor({ source, serviceId, extras, log, watchIntervalMs }: SchemaCacheOptions) {
    this.#source = source;
    this.#serviceId = serviceId;
    this.#extras = extras;
    this.#marks = marksOf(extras);
    this.#log = log;
    this.#watch = new CatalogueWatch(source, () => this.#catchUp(), log, watchIntervalMs);
  }

  /** The view to plan with, at once; undefined before the first catalogue was read. */
  get current(): SchemaView | undefined {
    if (this.#view) this.#watch.used();
    return this.#view;
  }

  /** Reads the catalogue; those who ask meanwhile wait for the same answer. @throws MillraceError */
  read(): Promise<SchemaView> {
    this.#reading ??= this.#introspect().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Reads the catalogue as it is after this moment: a reading that is under way may have begun too early. */
  async readAfresh(): Promise<SchemaView> {
    await this.#reading?.catch(ignore);
    return this.read();
  }

  /**
   * The first view that has this table, while the catalogue is being read: perhaps of this table alone, with no
   * relations. @param wireName  as in `_table` @throws MillraceError
   */
  async readTable(wireName: string): Promise<SchemaView> {
    const all = this.read();
    all.catch(ignore); // whoever waits for it hears of it
    const name = realName(wireName, this.#extras);
    const isRelated = this.#extras.some((extra) => extra.relation !== '' && sameName(extra.table, name));
    if (isRelated || !this.#source.introspectTables) return all;
    let one = this.#early.get(name);
    if (!one) {
      one = this.#readAlone(name);
      this.#early.set(name, one);
    }
    return (await Promise.race([one, all])) ?? all;
  }

  /**
   * The tables that we have just changed, and what is left where we dropped some.
   * @param names  as they are called now, or were
   */
  refresh(names: readonly string[]): Promise<SchemaView> {
    const refreshed = this.#refreshing.then(() => this.#refresh(names));
    this.#refreshing = refreshed.then(ignore, ignore);
    return refreshed;
  }

  async #refresh(names: readonly string[]): Promise<SchemaView> {
    await this.#reading?.catch(ignore);
    if (!this.#catalogue || !this.#source.introspectTables) return this.read();
    const read = await this.#introspectTables(names);
    const changed = new Map(read.tables.map((table) => [table.name, table]));
    const wanted = new Set(names.map((name) => name.toLowerCase()));
    const tables: Table[] = [];
    for (const table of this.#catalogue.tables) {
      const now = wanted.has(table.name.toLowerCase()) ? changed.get(table.name) : table;
      if (now) tables.push(now);
      changed.delete(table.name);
    }
    for (const table of changed.values()) if (wanted.has(table.name.toLowerCase())) tables.push(table);
    return this.#adopt({ tables });
  }

  /**
   * Something did not fit: reads again behind the scenes, at once or soon.
   * @returns what to wait for where it happens at once; undefined: it was read a moment ago
   */
  doubt(): Promise<void> | undefined {
    if (!this.#catalogue) return this.read().then(ignore, ignore);
    if (this.#reconsidering || this.#doubted) return this.#reconsidering;
    const wait = this.#readAt + this.#patience - Date.now();
    if (wait <= 0) return this.#reconsider();
    this.#doubted = setTimeout(() => {
      this.#doubted = undefined;
      void this.#reconsider();
    }, wait);
    this.#doubted.unref();
    return undefined;
  }

  close(): void {
    clearTimeout(this.#doubted);
    this.#watch.close();
  }

  setExtras(extras: readonly SchemaExtra[]): void {
    this.#extras = extras;
    this.#early.clear();
    if (this.#catalogue) this.#view = viewSchema(this.#catalogue, extras, this.#serviceId);
    this.#follow(marksOf(extras));
  }

  /** A mark of a change of ours, which is known here when it comes back. */
  expectMark(mark: string): void {
    this.#ownMarks.add(mark);
  }

  /** Of these tables those that have no mark. */
  unmarked(tables: readonly string[]): readonly string[] {
    return tables.filter((table) => !this.#marks.has(table));
  }

  /** Tables of which relations are stored: no other one has virtual relations. */
  withStoredRelations(): readonly TableView[] {
    const names = new Set(this.#extras.flatMap(({ table, relation }) => (relation === '' ? [] : table)));
    return [...new Set([...names].flatMap((name) => this.#view?.byName.get(name) ?? []))];
  }

  /** Tables that another connector has changed. */
  #follow(marks: ReadonlyMap<string, string>): void {
    const before = this.#marks;
    this.#marks = marks;
    const changed = [...marks].flatMap(([table, mark]) =>
      before.get(table) === mark || this.#ownMarks.delete(mark) ? [] : [table],
    );
    const gone = [...before.keys()].filter((table) => !marks.has(table) && this.#view?.byName.get(table));
    const names = [...changed, ...gone];
    if (names.length === 0 || !this.#catalogue) return;
    this.refresh(names).catch((error: unknown) => this.#log.warn({ err: error }, 'catalogue could not be read'));
  }

  /** The schema was seen to have changed: perhaps behind the back of a reading that is under way. */
  #catchUp(): void {
    this.readAfresh().catch((error: unknown) => this.#log.warn({ err: error }, 'catalogue could not be read'));
  }

  #reconsider(): Promise<void> {
    const before = this.#catalogue;
    this.#reconsidering ??= this.readAfresh()
      .then(() => {
        this.#patience = this.#catalogue === before ? Math.min(2 * this.#patience, PATIENCE_MAX_MS) : PATIENCE_MS;
      })
      .catch((error: unknown) => this.#log.warn({ err: error }, 'catalogue could not be read'))
      .finally(() => {
        this.#reconsidering = undefined;
      });
    return this.#reconsidering;
  }

  async #introspect(): Promise<SchemaView> {
    const catalogue = await within(INTROSPECTION_MS, async (deadline) => {
      // In front of the reading: what changes while it goes on is found by the next look.
      await this.#watch.look(deadline).catch((thrown: unknown) => {
        const error = MillraceError.from(thrown);
        if (concernsAll(error)) throw error;
        this.#log.warn({ err: error }, 'changes of the schema by others will not be found');
      });
      return this.#source.introspect(deadline);
    }).catch((error: unknown) => {
      this.#watch.forget();
      throw error;
    });
    this.#readAt = Date.now();
    return this.#adopt(await this.#compared(catalogue));
  }

  #introspectTables(names: readonly string[]): Promise<Catalogue> {
    return within(
      INTROSPECTION_MS,
      async (deadline) => (await this.#source.introspectTables?.(names, deadline)) ?? { tables: [] },
    );
  }

  async #readAlone(name: string): Promise<SchemaView | undefined> {
    try {
      const catalogue = await this.#introspectTables([name]);
      // Names of any case are looked up among all.
      if (!catalogue.tables.some((table) => table.name === name)) return undefined;
      return viewSchema(catalogue, this.#extras, this.#serviceId);
    } catch (error) {
      this.#log.debug({ err: error }, 'table could not be read alone');
      return undefined;
    }
  }

  /** Tables that are as they were stay the same objects; where all are, the catalogue does. */
  async #compared(read: Catalogue): Promise<Catalogue> {
    if (!this.#catalogue) return read;
    const known = new Map(this.#catalogue.tables.map((table) => [table.name, table]));
    const tables: Table[] = [];
    let isSame = read.tables.length === known.size;
    await inSlices(read.tables, (table) => {
      const before = known.get(table.name);
      const isKept = before !== undefined && isDeepStrictEqual(before, table);
      isSame &&= isKept;
      tables.push(isKept ? before : table);
    });
    return isSame ? this.#catalogue : { tables };
  }

  #adopt(catalogue: Catalogue): SchemaView {
    this.#early.clear();
    // Plans hang on the view: the same schema keeps the same one.
    if (!this.#view || catalogue !== this.#catalogue) {
      // However it was put together: relations follow the order of the tables.
      const tables = catalogue.tables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      this.#catalogue = { tables };
      this.#view = viewSchema(this.#catalogue, this.#extras, this.#serviceId);
    }
    return this.#view;
  }
}

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const ignore = (): void => {};

/** What a NoSQL engine is. Nothing outside an engine's folder may ask which engine it is. */
import type { Deadline } from '#common/deadline.ts';
import type { Engine, Source } from '#common/engine.ts';
import type { MillraceError } from '#common/errors.ts';
import type { JsonNumber } from '#common/json.ts';
import type { Comparator } from '#proto/data/v1/data_pb.ts';
import type { Document, StoredDocument, Wire } from './document.ts';

export interface NoSqlEngine extends Engine<NoSqlSource> {
  readonly pushdown: Pushdown;
  /**
   * What the text of a condition may stand for in this store, beside itself, a number and a boolean: a date, an
   * identifier. Values of different types never compare, so each of these is looked for.
   */
  senses?(text: string): readonly Wire[];
  /**
   * These members as the store will give them back, where it has a spelling of its own: rules are held against that.
   * @throws MillraceError invalid that names the field
   */
  asStored?(members: Document, table: StoreTable): Document;
  /** Can the store ever have such an index? Absent: it has none at all. @throws MillraceError invalid that says why not */
  checkIndex?(index: NewIndex): void;
}

/** What the store does itself. All else is done by `residual/`, from documents that were read. */
export interface Pushdown {
  /**
   * Can the store decide this comparison, exactly as the dialect means it (NULL and absent members, case, types)?
   * One that it would decide otherwise is not pushed.
   */
  compares(comparison: BoundComparison, table: StoreTable): boolean;
  /**
   * A comparison with a list holds where it holds for one of its elements, in the store and so in residual/; absent:
   * lists are equal to nothing.
   */
  readonly elements?: boolean;
  /** OR of conditions that are all pushed. */
  readonly any: boolean;
  /** NOT of a comparison that is pushed (of nothing else): the field has a value, for which it does not hold. */
  readonly not: boolean;
  /** Whole orders: an order is pushed in full or not at all. */
  sorts(order: readonly SortField[], table: StoreTable): boolean;
  readonly offset: boolean;
  readonly count: boolean;
  /** Groups whose values the store compares and sums as residual/ does, or says where it does not; absent: none. */
  groups?(grouping: Grouping, table: StoreTable): boolean;
  /** Fields may be left out by the store; else they are cut here. */
  readonly projection: boolean;
  /** Several writes, all or none: how many at most, and whether they must share the first key field. */
  readonly transactions: { readonly writesMax: number; readonly samePartition: boolean } | undefined;
  /** A write may carry a condition that the store decides in the same step. */
  readonly conditionalWrites: boolean;
  /** Queries in the store's own words, of which the engine's request.ts holds the allow-list. */
  readonly nativeFilters: boolean;
  /** Keys of one `get`, and writes of one `write`, that go to the store in one request. */
  readonly keysMax: number;
  readonly writesMax: number;
}

export interface KeyField {
  readonly name: string;
  /** any: whatever a document may hold. */
  readonly type: 'string' | 'number' | 'binary' | 'any';
  /** The store makes one where a new document brings none. */
  readonly generated: boolean;
}

export interface StoreIndex {
  readonly name: string;
  readonly fields: readonly string[];
  readonly unique: boolean;
  /** The store compares texts of its field by what the index makes of them: without case, or by their words. */
  readonly analyzes?: boolean;
}

/** A column: all that its records may have there is of this type. */
export interface StoreField {
  readonly name: string;
  /** Simple type, as descriptions have it. */
  readonly type: string;
  /** In the store's own words. */
  readonly dbType: string;
  /** What its values are on the wire. */
  readonly holds: FieldHolds;
}

/** uuid: a text in lower case. */
export type FieldHolds = KeyField['type'] | 'boolean' | 'date' | 'uuid';

/** One that is wanted, of a simple type. */
export interface NewField {
  readonly name: string;
  readonly type: string;
}

/** One that is wanted. */
export interface NewIndex extends StoreIndex {
  /** What each of its fields holds, where that is known. */
  readonly types?: readonly KeyField['type'][];
}

/** A collection, table or database of the store, as it is there. */
export interface StoreTable {
  readonly name: string;
  /** In their order: one, or those of a composite key (partition, then sort key). */
  readonly key: readonly KeyField[];
  readonly indexes: readonly StoreIndex[];
  /** All that there are, those of the key too, where records have columns; absent: documents have what they like. */
  readonly fields?: readonly StoreField[];
  /** What the store says about it in its own words: `native` of the description. */
  readonly native: unknown;
}

export interface SortField {
  /** Members of members are named by a path with dots. */
  readonly field: string;
  readonly descending: boolean;
}

/**
 * A filter with its values in place, in the normal form of plan/conditions.ts: NOT stands before comparisons only,
 * operands are never null, and a comparison holds for values of its operands' types alone. `any` of nothing never holds.
 */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | BoundComparison
  /** In the store's own words. */
  | { readonly kind: 'native'; readonly query: Document };

export interface BoundComparison {
  readonly kind: 'compare';
  readonly field: string;
  readonly comparator: Comparator;
  /** As many as the comparator takes. LIKE: the pattern with % and _. */
  readonly operands: readonly Wire[];
}

/** Documents with the same values fall into one group. */
export interface Grouping {
  readonly by: readonly string[];
  readonly tallied: readonly {
    readonly field: string;
    /** Its sum is wanted. */
    readonly sums: boolean;
    /** Its least and its greatest value are. */
    readonly compares: boolean;
  }[];
}

export interface StoreGroup {
  /** Of the fields of `by`; one that is absent is null. */
  readonly values: readonly Wire[];
  readonly count: number;
  /** Of the fields of `tallied`, in their order. */
  readonly tallies: readonly Tally[];
}

export interface Tally {
  /** How many have a value. */
  readonly count: number;
  /** How many have a number, and what those come to. */
  readonly numbers: number;
  readonly sum: number | JsonNumber;
  readonly min: Wire;
  readonly max: Wire;
}

/** What of a read the store itself does: only what its `pushdown` declares. */
export interface StoreQuery {
  readonly condition: Condition | undefined;
  readonly order: readonly SortField[];
  readonly offset: number;
  /** How many documents are wanted in all; undefined: every one. */
  readonly limit: number | undefined;
  /** undefined: whole documents. Key fields come in any case. */
  readonly fields: readonly string[] | undefined;
  /** Where an earlier page of the same query ended, as its `next`. @throws MillraceError invalid for what is none */
  readonly after: string | undefined;
  /** Cursors are wanted: the same query will go on behind one of them, so its order has to be a total one. */
  readonly cursors?: boolean;
}

export interface StorePage {
  readonly documents: readonly StoredDocument[];
  /** The store's own cursor behind the last of these; undefined: nothing follows. */
  readonly next: string | undefined;
  /** The cursor behind one of these, for stores whose cursors are made of a document's key. */
  behind?(index: number): string;
}

/** What the store computes of its documents by a program of its own. */
export interface ViewQuery {
  /** Where the program is. */
  readonly design: string;
  readonly name: string;
  /** What is said of the rows, in the store's words: texts by their name. */
  readonly options: Readonly<Record<string, string>>;
  readonly offset: number;
  readonly limit: number;
  /** Rows are wanted with the documents that they were made of, which decide whether they are shown. */
  readonly documents: boolean;
}

export interface ViewPage {
  readonly rows: readonly {
    readonly row: Document;
    /** What it was made of, where it was asked for and is there; rows that come of several have none. */
    readonly document: StoredDocument | undefined;
  }[];
  /** Of all rows of the view; undefined: the store does not say. */
  readonly total: number | undefined;
}

/** Values of the key fields, in their order. */
export type DocumentKey = readonly Wire[];

interface Guarded {
  /** Written only where the present document meets it (`conditionalWrites`); else it counts as missing. */
  readonly onlyIf?: Condition | undefined;
  /** Written only where the present document is still the one of this `StoredDocument.version`; else `conflict`. */
  readonly version?: string | undefined;
  /** Whichever is there, also where the document names another version itself: to take a change back. */
  readonly anyVersion?: boolean;
}

export type Write =
  | { readonly kind: 'insert'; readonly document: Document }
  /** The document takes the place of the present one. */
  | ({
      readonly kind: 'replace';
      readonly key: DocumentKey;
      readonly document: Document;
      readonly upsert: boolean;
    } & Guarded)
  /** Only these members change. A member's name is never a path, and never an operator. */
  | ({
      readonly kind: 'merge';
      readonly key: DocumentKey;
      readonly members: Document;
      readonly upsert: boolean;
    } & Guarded)
  | ({ readonly kind: 'delete'; readonly key: DocumentKey } & Guarded);

/** One for each write, in order. The key is the document's, with what the store has made of it (_id, _rev). */
export type WriteOutcome =
  | { readonly key: Document; readonly created: boolean }
  /** There is no such document, or its condition does not hold. */
  | { readonly missing: true }
  | { readonly error: MillraceError };

/** All methods reject with a MillraceError (translated by the engine's errors.ts) and stop at the deadline. */
export interface NoSqlSource extends Source {
  tables(deadline: Deadline): Promise<readonly StoreTable[]>;
  /** Some documents of a table, any, at most `count`: its fields are guessed from them. */
  sample(table: StoreTable, count: number, deadline: Deadline): Promise<readonly StoredDocument[]>;
  /**
   * @param native  settings in the store's own words, as `native` of a definition has them
   * @param fields  all that the definition names, for stores that have columns; absent: the key alone
   */
  createTable(
    name: string,
    key: readonly KeyField[],
    native: unknown,
    deadline: Deadline,
    fields?: readonly NewField[],
  ): Promise<void>;
  dropTable(name: string, deadline: Deadline): Promise<void>;
  /** Both where tables have columns (`StoreTable.fields`). */
  addFields?(table: StoreTable, fields: readonly NewField[], deadline: Deadline): Promise<void>;
  dropFields?(table: StoreTable, names: readonly string[], deadline: Deadline): Promise<void>;
  /** Both where the engine has `checkIndex`. */
  createIndex?(table: StoreTable, index: NewIndex, deadline: Deadline): Promise<void>;
  dropIndex?(table: StoreTable, name: string, deadline: Deadline): Promise<void>;
  /** In the order of the keys; undefined where there is none. Any number of keys: cut into requests here. */
  get(
    table: StoreTable,
    keys: readonly DocumentKey[],
    fields: readonly string[] | undefined,
    deadline: Deadline,
  ): Promise<(StoredDocument | undefined)[]>;
  /** Pages as the store gives them; leaving the loop ends the query. Nothing is fetched before it is asked for. */
  find(table: StoreTable, query: StoreQuery, deadline: Deadline): AsyncIterable<StorePage>;
  /**
   * Where `pushdown.groups` says so; one group more than GROUPS_MAX where there are too many.
   * @returns undefined where the values that are stored would give another answer in residual/: it is made there
   */
  group?(
    table: StoreTable,
    condition: Condition | undefined,
    grouping: Grouping,
    deadline: Deadline,
  ): Promise<readonly StoreGroup[] | undefined>;
  /** Absent: the store has no views. @throws MillraceError invalid for names and options that it does not take */
  view?(table: StoreTable, query: ViewQuery, deadline: Deadline): Promise<ViewPage>;
  /** Where `pushdown.count` says so. */
  count?(table: StoreTable, condition: Condition | undefined, deadline: Deadline): Promise<number>;
  /** How many documents there are by what the store keeps of it, for stores that count slowly; 0: it cannot tell. */
  estimate?(table: StoreTable, deadline: Deadline): Promise<number>;
  /**
   * Any number of writes, each of which fails alone.
   * @param ordered  end at the first that fails: fewer outcomes than writes
   */
  write(
    table: StoreTable,
    writes: readonly Write[],
    ordered: boolean,
    deadline: Deadline,
  ): Promise<readonly WriteOutcome[]>;
  /**
   * All or none, where `pushdown.transactions` says so; absent where the server that was met has no transactions.
   * Outcomes end behind the one that failed.
   */
  readonly writeTogether?:
    | ((table: StoreTable, writes: readonly Write[], deadline: Deadline) => Promise<readonly WriteOutcome[]>)
    | undefined;
  /** Changes all that meet the condition in one request, where the store can. @returns how many there were */
  updateWhere?(
    table: StoreTable,
    condition: Condition | undefined,
    members: Document,
    deadline: Deadline,
  ): Promise<number>;
  deleteWhere?(table: StoreTable, condition: Condition | undefined, deadline: Deadline): Promise<number>;
}

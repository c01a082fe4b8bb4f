/**
 * Writes to Cassandra. Each is a lightweight transaction: the store says in the same step whether the record was there,
 * which plain writes of it neither know nor care about.
 */
import { randomUUID } from 'node:crypto';
import { types as driver } from 'cassandra-driver';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { mapAtOnce } from '../at-once.ts';
import type { Document, Wire } from '../document.ts';
import type { Condition, DocumentKey, StoreTable, Write, WriteOutcome } from '../engine.ts';
import { isNever } from '../plan/conditions.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { overloaded, pauses, wait } from '../throttling.ts';
import type { CassandraClient } from './client.ts';
import { type Layout, layoutOf, quoted, typeOf } from './layout.ts';
import { comparisonsOf, keyRestriction, noKey, restrictions, type Statement, selectionByKey } from './request.ts';
import { RowReader } from './row.ts';
import { encode, stored } from './types.ts';

const AT_ONCE = 32;
const EXISTS: Statement = { text: 'EXISTS', values: [] };

type Change = Exclude<Write, { readonly kind: 'insert' }>;
type Changes = readonly (readonly [name: string, value: string])[];

/** Without a text: that the record is there is all that is asked. */
interface Guard extends Statement {
  /** Something is said of columns that are not those of the partition. */
  readonly isOfRecord: boolean;
}

export class CassandraWriter {
  readonly #client: CassandraClient;
  readonly #table: StoreTable;
  readonly #layout: Layout;
  readonly #deadline: Deadline;

  constructor(client: CassandraClient, table: StoreTable, deadline: Deadline) {
    this.#client = client;
    this.#table = table;
    this.#layout = layoutOf(table);
    this.#deadline = deadline;
  }

  async writeAll(writes: readonly Write[], ordered: boolean): Promise<WriteOutcome[]> {
    if (!ordered) return this.#apart(writes);
    const outcomes: WriteOutcome[] = [];
    for (const write of writes) {
      const outcome = await this.#one(write);
      outcomes.push(outcome);
      if ('error' in outcome) break;
    }
    return outcomes;
  }

  /** Those of one record one after the other. */
  async #apart(writes: readonly Write[]): Promise<WriteOutcome[]> {
    const groups = new Map<string, number[]>();
    for (const [at, write] of writes.entries()) {
      const key = write.kind === 'insert' ? this.#layout.key.map((name) => write.document[name] ?? at) : write.key;
      const name = JSON.stringify(key);
      groups.set(name, [...(groups.get(name) ?? []), at]);
    }
    const outcomes = new Array<WriteOutcome>(writes.length);
    await mapAtOnce([...groups.values()], AT_ONCE, async (places) => {
      for (const at of places) outcomes[at] = await this.#one(writes[at] as Write);
    });
    return outcomes;
  }

  /** @throws MillraceError when nobody waits any longer */
  async #one(write: Write): Promise<WriteOutcome> {
    try {
      return write.kind === 'insert' ? await this.#insert(write.document) : await this.#change(write);
    } catch (error) {
      this.#deadline.throwIfAborted();
      return { error: MillraceError.from(error) };
    }
  }

  async #insert(document: Document): Promise<WriteOutcome> {
    const whole = this.#withKey(document);
    if (await this.#isApplied(this.#insertion(whole))) return { key: this.#keyOf(whole), created: true };
    throw new MillraceError('conflict', 'A record with this key already exists.');
  }

  /** Keys that are UUIDs are made here, as Cassandra's own functions would. */
  #withKey(document: Document): Document {
    const made: Record<string, Wire> = Object.create(null);
    for (const { name, generated } of this.#table.key) {
      if (!generated || (document[name] !== undefined && document[name] !== null)) continue;
      const isOfTime = typeOf(this.#layout, name).word === 'timeuuid';
      made[name] = isOfTime ? driver.TimeUuid.now().toString() : randomUUID();
    }
    return Object.assign(Object.create(null), document, made);
  }

  #keyOf(document: Document): Document {
    const { key } = this.#layout;
    return Object.fromEntries(
      key.map((name) => [name, stored(document[name] ?? null, typeOf(this.#layout, name), name)]),
    );
  }

  #insertion(document: Document): Statement {
    for (const name of this.#layout.key) {
      if (document[name] === undefined || document[name] === null) throw noKey(name);
    }
    // What is null is left out: it would be a tombstone.
    const given = Object.entries(document).filter(([, value]) => value !== null && value !== undefined);
    for (const name of Object.keys(document)) typeOf(this.#layout, name);
    const values = given.map(([name, value]) => encode(value, typeOf(this.#layout, name), name));
    const names = given.map(([name]) => quoted(name)).join(', ');
    const places = given.map(() => 'fromJson(?)').join(', ');
    return { text: `INSERT INTO ${quoted(this.#table.name)} (${names}) VALUES (${places}) IF NOT EXISTS`, values };
  }

  async #change(write: Change): Promise<WriteOutcome> {
    const key = this.#keyOf(this.#documentOf(write.key));
    const nextPause = pauses(this.#deadline);
    for (;;) {
      const isThere = await this.#changeThere(write, key);
      if (isThere) return { key, created: false };
      if (write.kind === 'delete' || !write.upsert) return { missing: true };
      const document = write.kind === 'merge' ? write.members : write.document;
      if (await this.#isApplied(this.#insertion({ ...document, ...key }))) return { key, created: true };
      // Somebody has made it meanwhile.
      const pause = nextPause();
      if (pause === undefined) throw overloaded();
      await wait(pause, this.#deadline);
    }
  }

  #documentOf(key: DocumentKey): Document {
    return Object.fromEntries(this.#layout.key.map((name, at) => [name, key[at] ?? null]));
  }

  /** @returns whether it is there, and as it has to be */
  async #changeThere(write: Change, key: Document): Promise<boolean> {
    const guard = this.#guardOf(write.onlyIf, key);
    if (guard === undefined) return false;
    const set = this.#changesOf(write, key);
    if (set?.length === 0) return this.#isThere(write, key);
    const isOfPartition = set?.every(([name]) => this.#layout.statics.has(name)) ?? false;
    if (guard.isOfRecord || (guard.text === '' && !isOfPartition)) {
      return this.#apply(set, guard.text === '' ? EXISTS : guard, this.#layout.key, key);
    }
    // What is said of static columns holds whether the record is there or not.
    if (!(await this.#isThere(write, key))) return false;
    if (!isOfPartition) return this.#apply(set, guard, this.#layout.key, key);
    if (guard.text !== '') return this.#apply(set, guard, this.#layout.partition, key);
    const name = quoted(set?.[0]?.[0] ?? '');
    for (const text of [`${name} != null`, `${name} = null`, `${name} != null`]) {
      if (await this.#apply(set, { text, values: [] }, this.#layout.partition, key)) return true;
    }
    throw overloaded();
  }

  /** @param set  undefined: the record goes */
  #apply(set: Changes | undefined, guard: Statement, names: readonly string[], key: Document): Promise<boolean> {
    const { where, values } = keyRestriction(
      this.#layout,
      names.map((name) => key[name] ?? null),
    );
    const table = quoted(this.#table.name);
    const text = set?.map(([name]) => `${quoted(name)} = fromJson(?)`).join(', ');
    return this.#isApplied({
      text: `${text === undefined ? `DELETE FROM ${table}` : `UPDATE ${table} SET ${text}`} WHERE ${where} IF ${guard.text}`,
      values: [...(set ?? []).map(([, value]) => value), ...values, ...guard.values],
    });
  }

  /** undefined: its key alone tells that it is not meant. */
  #guardOf(onlyIf: Condition | undefined, key: Document): Guard | undefined {
    if (onlyIf && isNever(onlyIf)) return undefined;
    const parts = onlyIf ? comparisonsOf(onlyIf) : [];
    const ofKey = parts.filter(({ field }) => this.#layout.key.includes(field));
    if (!ofKey.every((part) => predicateOf(part, false)(key))) return undefined;
    const values: string[] = [];
    const ofOthers = parts.filter((part) => !ofKey.includes(part));
    const text = restrictions(ofOthers, this.#layout, values).join(' AND ');
    return { text, values, isOfRecord: ofOthers.some(({ field }) => !this.#layout.statics.has(field)) };
  }

  #changesOf(write: Change, key: Document): Changes | undefined {
    if (write.kind === 'delete') return undefined;
    return write.kind === 'merge' ? this.#set(write.members, key) : this.#setAll(write.document, key);
  }

  #set(members: Document, key: Document): Changes {
    return Object.entries(members).flatMap(([name, value]) => {
      const type = typeOf(this.#layout, name);
      if (Object.hasOwn(key, name)) {
        if (encode(value, type, name) === encode(key[name] ?? null, type, name)) return [];
        throw invalid(`Field '${name}' is part of the key, which never changes.`, { field: name });
      }
      return [[name, encode(value, type, name)] as const];
    });
  }

  /** What the new document does not have goes. Static columns are those of other records as well, and stay. */
  #setAll(document: Document, key: Document): Changes {
    const { others, statics } = this.#layout;
    const gone = others.filter((name) => !Object.hasOwn(document, name) && !statics.has(name));
    return [...this.#set(document, key), ...gone.map((name) => [name, 'null'] as const)];
  }

  /** Nothing is to be changed. */
  async #isThere({ onlyIf }: Change, key: Document): Promise<boolean> {
    const columns = [...this.#layout.columns.keys()];
    const { rows } = await this.#client.ask(
      this.#deadline,
      selectionByKey(
        this.#table,
        onlyIf ? columns : this.#layout.key,
        this.#layout.key.map((name) => key[name] ?? null),
      ),
    );
    const [row] = rows;
    if (!row || !onlyIf) return row !== undefined;
    return predicateOf(onlyIf, false)(new RowReader(columns, this.#layout).members(row.values()));
  }

  async #isApplied(statement: Statement): Promise<boolean> {
    const { rows } = await this.#client.ask(this.#deadline, statement);
    return rows[0]?.['[applied]'] === true;
  }
}

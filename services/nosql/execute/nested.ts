/**
 * Documents written together with those of their relations (database-api §5.3): parents that one belongs to first, then
 * itself, then what belongs to it. What was written before something failed is taken back by the journal.
 */
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { missing } from '#common/records/keys.ts';
import { isNone, type RecordObject, type Relations, relatedObject, relatedObjects } from '#common/records/nested.ts';
import type { FieldView, RelationView, TableView } from '#common/schema/extras.ts';
import { endsOf, type RelationEnds } from '#common/schema/relation-ends.ts';
import type { Operation } from '#proto/data/v1/data_pb.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import type { Condition, DocumentKey } from '../engine.ts';
import { joinAll } from '../plan/conditions.ts';
import { getter } from '../residual/path.ts';
import { changeOf } from './change.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { withJoins } from './joins.ts';
import { Finder, type GoodKey, withKey } from './keys.ts';
import { leadsTo, linkText } from './links.ts';
import { notTaken, readNew } from './new-document.ts';
import { RecordReader, relationsIn } from './records.ts';
import { scan } from './scan.ts';
import type { Done, Journal } from './undo.ts';

/** A document once it is written. */
export interface Written {
  readonly done: Done;
  readonly members: Document;
}

/** One that is there, and what decides whether the caller may change it. */
export interface Found {
  readonly key: DocumentKey;
  readonly document: StoredDocument;
  readonly condition: Condition | undefined;
}

interface Between {
  readonly junction: TableView;
  readonly near: FieldView;
  readonly link: FieldView;
}

export class NestedWriter {
  readonly #context: ServiceContext;
  readonly #journal: Journal;
  readonly #operation: Operation;
  readonly #deadline: Deadline;
  readonly #allowDelete: boolean;
  readonly #readers = new Map<TableView, RecordReader>();
  readonly #finders = new Map<TableView, Finder>();

  constructor(
    journal: Journal,
    allowDelete: boolean,
    operation: Operation,
    deadline: Deadline,
    context: ServiceContext,
  ) {
    this.#journal = journal;
    this.#allowDelete = allowDelete;
    this.#operation = operation;
    this.#deadline = deadline;
    this.#context = context;
  }

  /** @throws MillraceError */
  async create(table: TableView, record: RecordObject): Promise<Written> {
    const related = relationsIn(record, table);
    const complete = await this.#withParents(table, record, related);
    const stored = storedOf(table, this.#context);
    const read = readNew(complete, stored, this.#reader(table), this.#operation);
    if ('error' in read) throw read.error;
    const insertion = { kind: 'insert', document: read.members } as const;
    const done = await this.#journal.write(stored, insertion, undefined, this.#deadline);
    if (!done) throw notTaken();
    const members = { ...read.members, ...done.key };
    await this.#writeChildren(table, related, members);
    return { done, members };
  }

  /**
   * @param replace  the record takes the place of the document; else only its members change
   * @throws MillraceError not_found where it is gone meanwhile
   */
  async update(table: TableView, found: Found, record: RecordObject, replace: boolean): Promise<Written> {
    const related = relationsIn(record, table);
    const complete = await this.#withParents(table, record, related);
    const stored = storedOf(table, this.#context);
    const read = this.#reader(table).read(complete, replace ? 'replace' : 'merge', this.#operation.caller);
    const before = found.document.members();
    let done: Done = { key: keyMembers(found, table, this.#context), created: false };
    if (replace || Object.keys(read.members).length > 0) {
      const change = changeOf(found, read, replace, stored, this.#context);
      const changed = await this.#journal.write(stored, change, found.document, this.#deadline);
      if (!changed) throw missing(found.key.map(linkText).join(','));
      done = changed;
    }
    const members = replace ? withKey(read.members, found.key, stored) : { ...before, ...read.members };
    await this.#writeChildren(table, related, members);
    return { done, members };
  }

  /** belongs_to: a parent that is not there is made, and the record refers to it. */
  async #withParents(table: TableView, record: RecordObject, related: Relations): Promise<RecordObject> {
    const complete: Record<string, unknown> = { ...record };
    for (const [relation, value] of related) {
      if (relation.type !== 'belongs_to' || value === null || value === undefined) continue;
      const parent = relatedObject(value, relation);
      const { far, target, local } = this.#ends(relation, table);
      const key = this.#keyIn(far, parent);
      const found = key && (await this.#find(far, key));
      if (found) {
        await this.#changeFar(far, found, parent);
        continue;
      }
      const { members } = await this.#createFar(far, parent);
      complete[local.wireName] = memberAt(members, target) ?? null;
    }
    return complete;
  }

  async #writeChildren(table: TableView, related: Relations, members: Document): Promise<void> {
    for (const [relation, value] of related) {
      if (relation.type === 'belongs_to') continue;
      const ends = this.#ends(relation, table);
      const owner = memberAt(members, ends.local) ?? null;
      if (owner === null) {
        throw invalid(`The record has no value for '${ends.local.wireName}', which '${relation.wireName}' needs.`, {
          field: ends.local.wireName,
        });
      }
      if (relation.type === 'has_one' && isNone(value)) {
        await this.#disownAll(relation, ends, owner);
        continue;
      }
      for (const element of relatedObjects(value, relation)) {
        if (ends.junction) await this.#link(table, ends, owner, element);
        else await this.#adopt(relation, ends, owner, element);
      }
    }
  }

  /** has_many and has_one: created, adopted, changed, or disowned by a null in the field that refers to the owner. */
  async #adopt(
    relation: RelationView,
    { far, target }: RelationEnds,
    owner: Wire,
    element: RecordObject,
  ): Promise<void> {
    // The owner may be a part of their key.
    const owned = { ...element, [target.wireName]: owner };
    const key = this.#keyIn(far, owned);
    const found = key && (await this.#find(far, key));
    if (key && element[target.wireName] === null) {
      if (found) await this.#disown(relation, far, target, found);
    } else if (found) await this.#changeFar(far, found, owned);
    else if (key && this.#makesKeys(far)) throw missing(key.shown);
    else await this.#createFar(far, owned);
  }

  /** many_many: the far document, and the one between that joins it. */
  async #link(
    table: TableView,
    { far, target, local, junction: between }: RelationEnds,
    owner: Wire,
    element: RecordObject,
  ): Promise<void> {
    const { table: junction, near, link } = between as NonNullable<typeof between>;
    const severed = `${table.wireName}.${local.wireName}`;
    const { [severed]: given, ...record } = element;
    const key = this.#keyIn(far, record);
    const found = key && (await this.#find(far, key));
    if (key && given === null) {
      const value = found && memberAt(found.document.members(), target);
      if (value !== undefined && value !== null) await this.#sever({ junction, near, link }, owner, value);
      return;
    }
    const { members } = found ? await this.#changeFar(far, found, record) : await this.#createFar(far, record);
    const value = memberAt(members, target) ?? null;
    if (value === null) throw invalid(`The record has no value for '${target.wireName}'.`, { field: target.wireName });
    if ((await this.#between({ junction, near, link }, owner, value)).length > 0) return;
    await this.#createFar(junction, { [near.wireName]: owner, [link.wireName]: value });
  }

  async #sever(between: Between, owner: Wire, value: Wire): Promise<void> {
    const { junction } = between;
    this.#context.access.writing(junction, 'DELETE');
    const stored = storedOf(junction, this.#context);
    for (const document of await this.#between(between, owner, value)) {
      const key = this.#finder(junction).keyOf(document.members());
      await this.#journal.write(stored, { kind: 'delete', key }, document, this.#deadline);
    }
  }

  #between({ junction, near, link }: Between, owner: Wire, value: Wire): Promise<StoredDocument[]> {
    const pair = [this.#equal(near, owner), this.#equal(link, value)];
    return this.#all(junction, joinAll(pair));
  }

  #equal(field: FieldView, value: Wire): Condition {
    return leadsTo(field, [linkText(value) as string], this.#context);
  }

  async #all(table: TableView, condition: Condition): Promise<StoredDocument[]> {
    const stored = storedOf(table, this.#context);
    const wanted = { table: stored, condition, order: [], offset: 0, limit: undefined, fields: undefined };
    const found: StoredDocument[] = [];
    for await (const document of scan(wanted, this.#context, this.#deadline)) found.push(document);
    return found;
  }

  async #createFar(far: TableView, record: RecordObject): Promise<Written> {
    this.#context.access.writing(far, 'POST');
    return this.create(far, record);
  }

  /** Where nothing but the key is given nothing is changed. */
  async #changeFar(far: TableView, found: Found, change: RecordObject): Promise<Written> {
    const keys = this.#finder(far).reader.fields.map(({ wireName }) => wireName);
    if (Object.keys(change).every((name) => keys.includes(name))) {
      return { done: { key: {}, created: false }, members: found.document.members() };
    }
    this.#context.access.writing(far, 'PATCH');
    return this.update(far, found, change, false);
  }

  async #disown(relation: RelationView, far: TableView, target: FieldView, { key, document }: Found): Promise<void> {
    const isNullable = target.column?.nullable === true;
    if (!isNullable && !this.#allowDelete) {
      throw invalid(
        `'${relation.wireName}': '${target.wireName}' can not be NULL; allow_related_delete would delete.`,
        {
          field: target.wireName,
        },
      );
    }
    this.#context.access.writing(far, isNullable ? 'PATCH' : 'DELETE');
    const stored = storedOf(far, this.#context);
    const write = isNullable
      ? ({ kind: 'merge', key, members: { [target.name]: null }, upsert: false } as const)
      : ({ kind: 'delete', key } as const);
    await this.#journal.write(stored, write, document, this.#deadline);
  }

  async #disownAll(relation: RelationView, { far, target }: RelationEnds, owner: Wire): Promise<void> {
    this.#context.access.writing(far, target.column?.nullable ? 'PATCH' : 'DELETE');
    for (const document of await this.#all(far, this.#equal(target, owner))) {
      const key = this.#finder(far).keyOf(document.members());
      await this.#disown(relation, far, target, { key, document, condition: undefined });
    }
  }

  /** undefined: the record does not say all of it. */
  #keyIn(table: TableView, record: RecordObject): GoodKey | undefined {
    const { reader } = this.#finder(table);
    if (reader.fields.some(({ wireName }) => (record[wireName] ?? null) === null)) return undefined;
    const [key] = reader.ofRecords([record]);
    if (key && 'error' in key) throw key.error;
    return key;
  }

  /** Also undefined for one that the caller may not see. */
  async #find(table: TableView, key: GoodKey): Promise<Found | undefined> {
    const filters = [this.#context.access.reading(table)];
    const joined = await withJoins(filters, table, this.#operation, this.#context, this.#deadline);
    const condition = conditionOf(filters, table, this.#operation, joined);
    const [found] = await this.#finder(table).keysOf([key], condition, this.#deadline);
    return found && { ...found, condition };
  }

  #makesKeys(table: TableView): boolean {
    return storedOf(table, this.#context).key.every(({ generated }) => generated);
  }

  #ends(relation: RelationView, table: TableView): RelationEnds {
    const ends = endsOf(relation, table, this.#context.view);
    const { local, target, junction } = ends;
    const inner = [local, target, junction?.near, junction?.link].find((field) => field?.name.includes('.'));
    if (!inner) return ends;
    const message = `'${relation.wireName}' follows '${inner.wireName}', a member of a member: its records are only read.`;
    throw new MillraceError('unsupported', message, { relation: relation.wireName });
  }

  #finder(table: TableView): Finder {
    let finder = this.#finders.get(table);
    if (!finder) {
      finder = new Finder(table, [], this.#context);
      this.#finders.set(table, finder);
    }
    return finder;
  }

  #reader(table: TableView): RecordReader {
    let reader = this.#readers.get(table);
    if (!reader) {
      reader = new RecordReader(table, this.#context);
      this.#readers.set(table, reader);
    }
    return reader;
  }
}

const memberAt = (members: Document, { name }: FieldView): Wire | undefined => getter(name, false)(members);

function keyMembers({ key }: Found, table: TableView, context: ServiceContext): Document {
  return Object.fromEntries(storedOf(table, context).key.map(({ name }, i) => [name, key[i] as Wire]));
}

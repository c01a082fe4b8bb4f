/** A record as it was sent becomes members of a document (database-api §4.4, §9): what is not declared is kept as it is. */
import { invalid } from '#common/errors.ts';
import {
  bringsRelated as bringsRelations,
  type RecordObject,
  type Relations,
  relationsIn as relationsOf,
  requireReached as requireRelations,
} from '#common/records/nested.ts';
import { objectOf } from '#common/records/values.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { isReadOnly, validate } from '#common/schema/validate.ts';
import type { Caller } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import { coercionOf } from '../plan/coerce.ts';
import { isDeclared } from '../table-view.ts';
import type { ServiceContext } from './context.ts';

/** As common/records/nested.ts has it, for tables whose documents may hold anything. */
export const relationsIn = (record: RecordObject, table: TableView): Relations =>
  relationsOf(record, table, isDeclared);

/** Does any of the records hold a member that is a relation? */
export const bringsRelated = (records: readonly unknown[], table: TableView): boolean =>
  bringsRelations(records, table, isDeclared);

/** Every table that these records bring records of. @throws MillraceError that names those whose rules did not come */
export const requireReached = (records: readonly unknown[], table: TableView, context: ServiceContext): void =>
  requireRelations(records, table, context, isDeclared);

export interface ReadMembers {
  readonly members: Document;
  /** Members that are not writable. */
  readonly dropped: readonly string[];
}

interface Slot {
  readonly field: FieldView;
  readonly coerce: (value: unknown) => Wire;
  readonly isKey: boolean;
  readonly automatic: 'time' | 'user' | undefined;
  readonly onUpdate: boolean;
}

const AUTOMATIC: Readonly<Record<string, readonly [Slot['automatic'], onUpdate: boolean]>> = {
  timestamp_on_create: ['time', false],
  timestamp_on_update: ['time', true],
  user_id_on_create: ['user', false],
  user_id_on_update: ['user', true],
};

/** create: a new document. replace: one that takes the place of another. merge: only what is given changes. */
export type Purpose = 'create' | 'replace' | 'merge';

export class RecordReader {
  readonly #table: TableView;
  readonly #strict: boolean;
  /** Declared fields, by their names in records. */
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #hasRules: boolean;
  readonly #asStored: (members: Document) => Document;

  /** @param context  strict: members that are not writable are refused, not dropped */
  constructor(table: TableView, context: Pick<ServiceContext, 'strict' | 'engine' | 'view'>) {
    const { strict, engine, view } = context;
    this.#table = table;
    this.#strict = strict;
    const stored = view.stored.get(table.name);
    this.#asStored = (members) => (stored && engine.asStored?.(members, stored)) ?? members;
    const known = table.fields.filter(({ column }) => column?.nativeType !== 'seen');
    this.#slots = new Map(known.map((field) => [field.wireName, slotOf(field)]));
    this.#hasRules = known.some(({ column }) => column?.nativeType !== 'key');
  }

  /** @throws MillraceError invalid that names the field */
  read(record: unknown, purpose: Purpose, caller: Caller | undefined): ReadMembers {
    const members: Record<string, Wire> = Object.create(null);
    const dropped: string[] = [];
    for (const [name, value] of Object.entries(objectOf(record))) {
      const slot = this.#slots.get(name);
      if (slot) this.#set(slot, value, members, purpose, dropped);
      else if (this.#table.relations.length === 0 || !this.#table.byRelationWireName.get(name)) {
        members[name] = value as Wire;
      }
    }
    if (this.#hasRules) this.#complete(members, purpose, caller);
    if (this.#strict && dropped.length > 0) throw strangers(dropped);
    return { members: this.#asStored(members), dropped };
  }

  #set(slot: Slot, value: unknown, members: Record<string, Wire>, purpose: Purpose, dropped: string[]): void {
    const { field } = slot;
    if (slot.automatic) return;
    // A document that is changed may hold its key, which stays what it is.
    if (slot.isKey && purpose !== 'create') return;
    if (isReadOnly(field) || validate(field, value, purpose !== 'create') === 'drop') {
      dropped.push(field.wireName);
      return;
    }
    const coerced = slot.coerce(value);
    if (coerced === null && field.column?.nullable === false) {
      if (slot.isKey && field.column.autoIncrement) return;
      throw invalid(`Field '${field.wireName}' can not be NULL.`, { field: field.wireName });
    }
    members[field.name] = coerced;
  }

  /** What nobody has to give, and what everybody has to. */
  #complete(members: Record<string, Wire>, purpose: Purpose, caller: Caller | undefined): void {
    for (const { field, automatic, onUpdate, isKey } of this.#slots.values()) {
      if (automatic) {
        if (purpose === 'merge' && !onUpdate) continue;
        if (automatic === 'time') members[field.name] = now();
        else if (caller && caller.userId > 0) members[field.name] = caller.userId;
        continue;
      }
      if (purpose === 'merge' || isKey || field.name in members) continue;
      const fallback = field.column?.default ?? null;
      if (fallback !== null && typeof fallback !== 'object') members[field.name] = fallback;
      else if (field.required) {
        throw invalid(`Required field '${field.wireName}' can not be NULL.`, { field: field.wireName });
      }
    }
  }
}

function slotOf(field: FieldView): Slot {
  const [automatic, onUpdate] = AUTOMATIC[field.type] ?? [undefined, false];
  return { field, coerce: coercionOf(field), isKey: field.column?.primaryKey === true, automatic, onUpdate };
}

function strangers(names: readonly string[]) {
  return invalid(`Not to be written: ${names.map((name) => `'${name}'`).join(', ')}.`, { fields: names });
}

/** UTC, as databases write it. */
const now = (): string => new Date().toISOString().replace('T', ' ').slice(0, 19);

/** A record as it was sent becomes the values of columns (database-api §4.4). */
import { invalid } from '#common/errors.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { isReadOnly, validate } from '#common/schema/validate.ts';
import type { Caller } from '#proto/data/v1/data_pb.ts';
import { type Coerce, coercionOf } from '../compile/coerce.ts';
import type { Dialect } from '../dialect.ts';
import type { Param } from '../statement.ts';

/** The columns that a record sets, with their values. */
export interface Row {
  readonly fields: readonly FieldView[];
  readonly values: readonly Param[];
  /** Tells rows of the same columns: they share a statement. */
  readonly signature: string;
  /** Members that are unknown or not writable. */
  readonly dropped: readonly string[];
}

interface Slot {
  readonly field: FieldView;
  readonly coerce: Coerce;
  readonly readOnly: boolean;
  readonly validated: boolean;
  /** Given by us, whatever the client sends. */
  readonly automatic: 'never' | 'time' | 'user';
  readonly onUpdate: boolean;
}

const AUTOMATIC: Readonly<Record<string, readonly [Slot['automatic'], onUpdate: boolean]>> = {
  timestamp_on_create: ['time', false],
  timestamp_on_update: ['time', true],
  user_id_on_create: ['user', false],
  user_id_on_update: ['user', true],
};

/** Sets of columns that are remembered for one plan: programs write the same few, a mischievous one ever new ones. */
export const SIGNATURES_MAX = 200;

const NOT_GIVEN = Symbol('not given');

export class RecordReader {
  readonly #table: TableView;
  readonly #strict: boolean;
  readonly #slots: readonly Slot[];
  readonly #places: ReadonlyMap<string, number>;
  /** Rows of one signature share the list of fields. */
  readonly #fieldLists = new Map<string, readonly FieldView[]>();

  /** @param strict  members that are unknown or not writable are refused, not dropped */
  constructor(table: TableView, dialect: Dialect, strict: boolean) {
    this.#table = table;
    this.#strict = strict;
    this.#slots = table.fields.map((field) => {
      const [automatic, onUpdate] = AUTOMATIC[field.type] ?? ['never', false];
      return {
        field,
        coerce: coercionOf(field, dialect),
        readOnly: isReadOnly(field),
        validated: field.validation !== null,
        automatic,
        onUpdate,
      };
    });
    this.#places = new Map(table.fields.map((field, i) => [field.wireName, i]));
  }

  /** @throws MillraceError invalid that names the field */
  creating(record: unknown, caller: Caller | undefined): Row {
    return this.#row(record, caller, true);
  }

  /** Absent fields keep what they hold; the key is not changed. @throws MillraceError invalid that names the field */
  updating(record: unknown, caller: Caller | undefined): Row {
    return this.#row(record, caller, false);
  }

  #row(record: unknown, caller: Caller | undefined, creating: boolean): Row {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw invalid('Each record must be an object.');
    }
    const { given, dropped } = this.#match(record as Record<string, unknown>);
    const values: Param[] = [];
    let signature = '';
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i] as Slot;
      const value = this.#value(slot, given[i], caller, creating, dropped);
      if (value === undefined) continue;
      values.push(value);
      signature += `${i},`;
    }
    if (this.#strict && dropped.length > 0) throw strangers(dropped);
    let fields = this.#fieldLists.get(signature);
    if (!fields) {
      fields = signature
        .split(',')
        .slice(0, -1)
        .map((place) => (this.#slots[Number(place)] as Slot).field);
      if (this.#fieldLists.size < SIGNATURES_MAX) this.#fieldLists.set(signature, fields);
    }
    return { fields, values, signature, dropped };
  }

  #match(record: Record<string, unknown>) {
    const given: unknown[] = new Array(this.#slots.length).fill(NOT_GIVEN);
    const dropped: string[] = [];
    for (const key of Object.keys(record)) {
      const place = this.#places.get(key) ?? this.#placeOf(key);
      if (place !== undefined) given[place] = record[key];
      else if (!this.#table.byRelationWireName.get(key)) dropped.push(key);
    }
    return { given, dropped };
  }

  #placeOf(key: string): number | undefined {
    const field = this.#table.byFieldWireName.get(key);
    return field && this.#places.get(field.wireName);
  }

  /** undefined: the column is not part of the statement. */
  #value(
    slot: Slot,
    given: unknown,
    caller: Caller | undefined,
    creating: boolean,
    dropped: string[],
  ): Param | undefined {
    const { field } = slot;
    const absent = given === NOT_GIVEN;
    if (slot.automatic !== 'never') {
      if (!creating && !slot.onUpdate) return undefined;
      if (slot.automatic === 'time') return now();
      return caller && caller.userId > 0 ? caller.userId : undefined;
    }
    // A record that is changed may hold its key, which stays what it is.
    if (!creating && field.type === 'id') return undefined;
    if (slot.readOnly) {
      if (!absent) dropped.push(field.wireName);
      return undefined;
    }
    if (absent) {
      if (creating && field.required)
        throw invalid(`Required field '${field.wireName}' can not be NULL.`, { field: field.wireName });
      return undefined;
    }
    if (slot.validated && validate(field, given, !creating) === 'drop') {
      dropped.push(field.wireName);
      return undefined;
    }
    const value = slot.coerce(given);
    if (value === null && field.column?.nullable === false) {
      // A key that counts by itself may be given as null: the database then fills it.
      if (creating && field.column.autoIncrement) return undefined;
      throw invalid(`Field '${field.wireName}' can not be NULL.`, { field: field.wireName });
    }
    return value;
  }
}

function strangers(names: readonly string[]) {
  return invalid(`Not known, or not to be written: ${names.map((name) => `'${name}'`).join(', ')}.`, { fields: names });
}

/** UTC, as the databases write a timestamp. */
function now(): string {
  return new Date().toISOString().replace('T', ' ').slice(0, 19);
}

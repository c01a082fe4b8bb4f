/**
 * Records written together with the records of their relations (database-api §5.3): parents that a record belongs to
 * first, then the record, then what belongs to it. One record and all of its relations succeed or fail together.
 */

import { invalid, MillraceError } from '#common/errors.ts';
import {
  bringsRelated as bringsRelations,
  type IsField,
  isNone,
  type RecordObject,
  type Relations,
  relatedObject,
  relatedObjects,
  relationsIn as relationsOf,
  requireReached as requireRelations,
} from '#common/records/nested.ts';
import { memberOf } from '#common/records/values.ts';
import type { FieldView, RelationView, TableView } from '#common/schema/extras.ts';
import { keyFields } from '#common/schema/find.ts';
import { endsOf, type RelationEnds } from '#common/schema/relation-ends.ts';
import type { Filter, Operation } from '#proto/data/v1/data_pb.ts';
import { bind } from '../compile/builder.ts';
import { operandCoercionOf } from '../compile/coerce.ts';
import { compileByKey } from '../compile/read.ts';
import { compileDeleteByKey, compileInsert, compileUpdateByKey } from '../compile/write.ts';
import { hiddenOutputs } from '../plan/selection.ts';
import type { Param, Rows, Statement } from '../statement.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { RecordReader } from './records.ts';

type Run = (statement: Statement) => Promise<Rows>;

/** What is known of a record once it is written: its columns that keys and relations refer to, as text. */
type Written = ReadonlyMap<FieldView, string | null>;

export class NestedWriter {
  readonly #context: ServiceContext;
  readonly #operation: Operation;
  readonly #allowDelete: boolean;
  readonly #run: Run;
  readonly #readers = new Map<TableView, RecordReader>();

  /** @param run  inside of the transaction that holds the record and its relations */
  constructor(run: Run, operation: Operation, allowDelete: boolean, context: ServiceContext) {
    this.#run = run;
    this.#operation = operation;
    this.#allowDelete = allowDelete;
    this.#context = context;
  }

  /** @throws MillraceError */
  async create(table: TableView, record: RecordObject): Promise<Written> {
    const related = relationsIn(record, table);
    const complete = await this.#withParents(table, record, related);
    const row = this.#reader(table).creating(complete, this.#operation.caller);
    if (row.fields.length === 0) throw invalid('No valid fields were found in record.');
    const shown = referredFields(table);
    const template = compileInsert(table, row.fields, hiddenOutputs(shown, this.#context.dialect), this.#context);
    const rows = await this.#run(bind(template, bindContextOf(this.#operation, row.values)));
    const written = writtenOf(shown, rows);
    await this.#writeChildren(table, related, written);
    return written;
  }

  /**
   * @param rowFilter  the role's condition on the record itself
   * @returns undefined where there is no such record
   * @throws MillraceError
   */
  async update(
    table: TableView,
    keys: readonly FieldView[],
    key: readonly Param[],
    record: RecordObject,
    rowFilter?: Filter,
  ): Promise<Written | undefined> {
    const { dialect } = this.#context;
    const related = relationsIn(record, table);
    const complete = await this.#withParents(table, record, related);
    const row = this.#reader(table).updating(complete, this.#operation.caller);
    const shown = referredFields(table);
    const outputs = hiddenOutputs(shown, dialect);
    const template =
      row.fields.length > 0
        ? compileUpdateByKey(table, row.fields, keys, rowFilter, outputs, this.#context)
        : compileByKey(table, outputs, keys, (i) => (bound) => bound.record[i] as Param, rowFilter, this.#context);
    const rows = await this.#run(bind(template, bindContextOf(this.#operation, [...row.values, ...key])));
    if (rows.count === 0) return undefined;
    const written = writtenOf(shown, rows);
    await this.#writeChildren(table, related, written);
    return written;
  }

  /** belongs_to: a parent without its key is made, and the record refers to it. */
  async #withParents(table: TableView, record: RecordObject, related: Relations): Promise<RecordObject> {
    const complete: Record<string, unknown> = { ...record };
    for (const [relation, value] of related) {
      if (relation.type !== 'belongs_to' || value === null || value === undefined) continue;
      const parent = relatedObject(value, relation);
      const { far, target, local } = this.#ends(relation, table);
      const [keyField] = keyFields(far, []);
      const keyValue = keyField && memberOf(parent, keyField.wireName);
      if (keyField && keyValue !== undefined && keyValue !== null) {
        const key = [this.#coerced(keyField, keyValue)];
        if (await this.#updateFar(far, keyField, key, without(parent, keyField))) continue;
      }
      const written = await this.#createFar(far, parent);
      complete[local.wireName] = written.get(target) ?? null;
    }
    return complete;
  }

  async #writeChildren(table: TableView, related: Relations, written: Written): Promise<void> {
    for (const [relation, value] of related) {
      if (relation.type === 'belongs_to') continue;
      const { local } = this.#ends(relation, table);
      const owner = written.get(local) ?? null;
      if (owner === null)
        throw invalid(`The record has no value for '${local.wireName}', which '${relation.wireName}' needs.`);
      if (relation.type === 'has_one' && isNone(value)) {
        await this.#disownAll(relation, table, owner);
        continue;
      }
      for (const element of relatedObjects(value, relation)) {
        if (relation.type === 'many_many') await this.#link(relation, table, owner, element);
        else await this.#adopt(relation, table, owner, element);
      }
    }
  }

  /** has_many and has_one: created, adopted, changed, or disowned by a null in the field that refers to the owner. */
  async #adopt(relation: RelationView, table: TableView, owner: string, element: RecordObject): Promise<void> {
    const { far, target } = this.#ends(relation, table);
    const [keyField] = keyFields(far, []);
    const keyValue = keyField && memberOf(element, keyField.wireName);
    if (!keyField || keyValue === undefined || keyValue === null) {
      await this.#createFar(far, { ...element, [target.wireName]: owner });
      return;
    }
    const key = [this.#coerced(keyField, keyValue)];
    if (memberOf(element, target.wireName) === null) {
      await this.#disown(relation, far, target, [keyField], key);
      return;
    }
    const change = { ...without(element, keyField), [target.wireName]: owner };
    if (await this.#updateFar(far, keyField, key, change)) return;
    if (keyField.column?.autoIncrement) {
      throw new MillraceError('not_found', `Record with identifier '${String(keyValue)}' not found.`);
    }
    await this.#createFar(far, { ...element, [target.wireName]: owner });
  }

  /** many_many: the far record and the row of the junction that joins it. */
  async #link(relation: RelationView, table: TableView, owner: string, element: RecordObject): Promise<void> {
    const { far, target, local, junction: between } = this.#ends(relation, table);
    const { table: junction, near, link } = between as NonNullable<typeof between>;
    const [keyField] = keyFields(far, []);
    const keyValue = keyField && memberOf(element, keyField.wireName);
    let farValue: string | null;
    if (!keyField || keyValue === undefined || keyValue === null) {
      farValue = (await this.#createFar(far, element)).get(target) ?? null;
    } else {
      const key = [this.#coerced(keyField, keyValue)];
      const rest = without(element, keyField);
      const written = await this.#updateFar(far, keyField, key, rest);
      farValue = (written ?? (await this.#createFar(far, element))).get(target) ?? null;
      if (memberOf(element, `${table.wireName}.${local.wireName}`) === null) {
        this.#context.access.writing(junction, 'DELETE');
        const template = compileDeleteByKey(junction, [near, link], undefined, [], this.#context);
        await this.#run(bind(template, bindContextOf(this.#operation, this.#pair(near, link, owner, farValue))));
        return;
      }
    }
    const pair = this.#pair(near, link, owner, farValue);
    const binder = (i: number) => (bound: { record: readonly Param[] }) => bound.record[i] as Param;
    const outputs = hiddenOutputs([near], this.#context.dialect);
    const known = compileByKey(junction, outputs, [near, link], binder, undefined, this.#context);
    const rows = await this.#run(bind(known, bindContextOf(this.#operation, pair)));
    if (rows.count === 0) await this.#createFar(junction, { [near.wireName]: owner, [link.wireName]: farValue });
  }

  #createFar(far: TableView, record: RecordObject): Promise<Written> {
    this.#context.access.writing(far, 'POST');
    return this.create(far, record);
  }

  /** A change of nothing only looks whether the record is there. */
  #updateFar(
    far: TableView,
    keyField: FieldView,
    key: readonly Param[],
    change: RecordObject,
  ): Promise<Written | undefined> {
    const { access } = this.#context;
    if (Object.keys(change).length > 0) access.writing(far, 'PATCH');
    return this.update(far, [keyField], key, change, access.reading(far));
  }

  async #disown(
    relation: RelationView,
    far: TableView,
    target: FieldView,
    keys: readonly FieldView[],
    key: readonly Param[],
  ): Promise<void> {
    this.#context.access.writing(far, target.column?.nullable ? 'PATCH' : 'DELETE');
    const template = target.column?.nullable
      ? compileUpdateByKey(far, [target], keys, undefined, [], this.#context)
      : this.#deletion(relation, far, target, keys);
    const values = target.column?.nullable ? [null, ...key] : key;
    await this.#run(bind(template, bindContextOf(this.#operation, values)));
  }

  async #disownAll(relation: RelationView, table: TableView, owner: string): Promise<void> {
    const { far, target } = this.#ends(relation, table);
    await this.#disown(relation, far, target, [target], [this.#coerced(target, owner)]);
  }

  #deletion(relation: RelationView, far: TableView, target: FieldView, keys: readonly FieldView[]) {
    if (!this.#allowDelete) {
      throw invalid(`'${relation.wireName}': '${target.wireName}' can not be NULL; allow_related_delete would delete.`);
    }
    return compileDeleteByKey(far, keys, undefined, [], this.#context);
  }

  #pair(near: FieldView, link: FieldView, owner: string, farValue: string | null): Param[] {
    return [this.#coerced(near, owner), this.#coerced(link, farValue)];
  }

  #ends(relation: RelationView, table: TableView): RelationEnds {
    return endsOf(relation, table, this.#context.view);
  }

  #coerced(field: FieldView, value: unknown): Param {
    return operandCoercionOf(field, this.#context.dialect)(value);
  }

  #reader(table: TableView): RecordReader {
    let reader = this.#readers.get(table);
    if (!reader) {
      reader = new RecordReader(table, this.#context.dialect, this.#context.strict);
      this.#readers.set(table, reader);
    }
    return reader;
  }
}

const isField: IsField = (name, table) => table.byFieldWireName.get(name) !== undefined;

/** As common/records/nested.ts has it, for tables whose columns are known. */
export const relationsIn = (record: RecordObject, table: TableView): Relations => relationsOf(record, table, isField);

/** Does any of the records hold a member that is a relation? */
export const bringsRelated = (records: readonly unknown[], table: TableView): boolean =>
  bringsRelations(records, table, isField);

/** Every table that these records bring records of. @throws MillraceError that names those whose rules did not come */
export const requireReached = (records: readonly unknown[], table: TableView, context: ServiceContext): void =>
  requireRelations(records, table, context, isField);

/** The key, and every field that a relation starts from. */
export function referredFields(table: TableView): FieldView[] {
  const fields = new Set<FieldView>(keyFields(table, []));
  for (const relation of table.relations) {
    const local = table.byFieldName.get(relation.fields[0] ?? '');
    if (local?.column) fields.add(local);
  }
  return [...fields];
}

function writtenOf(fields: readonly FieldView[], rows: Rows): Written {
  return new Map(fields.map((field, i) => [field, rows.hidden[i] ?? null]));
}

function without(record: RecordObject, field: FieldView): RecordObject {
  const lower = field.wireName.toLowerCase();
  return Object.fromEntries(Object.entries(record).filter(([key]) => key.toLowerCase() !== lower));
}

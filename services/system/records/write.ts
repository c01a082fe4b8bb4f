/** Creating, changing and deleting one record with its nested records, inside of a transaction. */
import { type SqlBool, sql } from 'kysely';
import { invalid, MillraceError } from '#common/errors.ts';
import { note } from '../audit/trail.ts';
import { checkValues } from './check.ts';
import { Faults } from './faults.ts';
import { ownChild, type Parent, rowToWrite } from './find.ts';
import { isObject, readInput } from './input.ts';
import {
  type Context,
  ID,
  type JsonObject,
  type Key,
  type Model,
  type Relation,
  type Row,
  type Values,
} from './model.ts';
import { deleteRow, findRow, insertRow, selectRows, updateRow } from './store.ts';
import { timestamp } from './timestamp.ts';

/** @returns the new key  @throws MillraceError */
export async function createRecord(model: Model, record: JsonObject, context: Context, parent?: Parent): Promise<Key> {
  const tidy = model.rules.tidy?.(record, undefined) ?? record;
  const faults = new Faults();
  const input = readInput(model, tidy, faults, context.dropped);
  const replaced = model.replaces && (await findRow(context.db, model, String(input.values[model.key])));
  if (replaced) {
    await updateRecord(model, String(replaced[model.key]), record, context);
    return String(replaced[model.key]);
  }
  const values: Values = { ...defaultsOf(model), ...input.values };
  if (parent) values[parent.column] = parent.key;
  await model.rules.prepare?.(values, { current: undefined, context, faults });
  await checkValues(model, values, undefined, context, faults);
  const now = timestamp();
  const row = {
    ...storedOnly(model, values),
    ...model.scope,
    created_date: now,
    last_modified_date: now,
    created_by_id: parent ? null : callerId(context),
    last_modified_by_id: null,
  };
  const key = await insertRow(context.db, model, row, context.tools.engine);
  await note('create', model, key, Object.keys(input.values), context);
  await writeRelated(key, input.related, true, context);
  return key;
}

/** @throws MillraceError; not_found where it is not in the model's view */
export async function updateRecord(
  model: Model,
  key: Key,
  record: JsonObject,
  context: Context,
  parent?: Parent,
): Promise<void> {
  const current = await rowToWrite(model, key, context);
  const tidy = model.rules.tidy?.(record, current) ?? record;
  const faults = new Faults();
  const input = readInput(model, tidy, faults, context.dropped);
  const values: Values = { ...input.values };
  await model.rules.prepare?.(values, { current, context, faults });
  await checkValues(model, values, current, context, faults);
  const by = parent ? {} : { last_modified_by_id: callerId(context) };
  await updateRow(context.db, model, key, {
    ...storedOnly(model, values),
    last_modified_date: timestamp(),
    ...by,
  });
  await note('update', model, key, Object.keys(input.values), context);
  await writeRelated(key, input.related, false, context);
}

/** @throws MillraceError; not_found where it is not in the model's view */
export async function deleteRecord(model: Model, key: Key, context: Context): Promise<void> {
  const row = await rowToWrite(model, key, context);
  await model.rules.beforeDelete?.(row, context);
  await deleteRow(context.db, model, key);
  await note('delete', model, key, [], context);
}

const callerId = ({ caller }: Context): number | null => caller.userId || null;

function defaultsOf(model: Model): Values {
  return Object.fromEntries(
    model.columns.flatMap((column) => (column.default === undefined ? [] : [[column.name, column.default]])),
  );
}

/** Without what the rules have put elsewhere. */
function storedOnly(model: Model, values: Values): Values {
  const virtual = new Set(model.columns.flatMap((column) => (column.virtual ? [column.name] : [])));
  return Object.fromEntries(Object.entries(values).filter(([name]) => !virtual.has(name)));
}

/** Nested records are merged, never replaced; left untouched where they are not named (system-api §6.5). */
async function writeRelated(
  key: Key,
  related: ReadonlyMap<Relation, unknown>,
  isNew: boolean,
  context: Context,
): Promise<void> {
  for (const [relation, value] of related) {
    const other = context.tools.model(relation.model);
    if (other.readOnly) {
      context.dropped.add(relation.name);
      continue;
    }
    const parent = { column: relation.column, key: Number(key) };
    switch (relation.kind) {
      case 'has_many':
        await writeMany(relation, other, parent, value, isNew, context);
        break;
      case 'has_one':
        await writeOne(relation, other, parent, value, context);
        break;
      case 'belongs_to':
      case 'many_many':
        if (isNew && value !== null) {
          throw new MillraceError(
            'unsupported',
            `Records of the relation '${relation.name}' are written on their own.`,
          );
        }
        context.dropped.add(relation.name);
    }
  }
}

async function writeMany(
  relation: Relation,
  other: Model,
  parent: Parent,
  value: unknown,
  isNew: boolean,
  context: Context,
): Promise<void> {
  if (value === null || value === '') return;
  if (!Array.isArray(value)) throw notAList(relation.name);
  for (const record of value) {
    if (!isObject(record)) throw notAList(relation.name);
    const child = isNew ? undefined : await ownChild(other, parent, record, context);
    if (child) await changeChild(other, parent, child, record, context);
    else await createRecord(other, record, context, parent);
  }
}

async function writeOne(
  relation: Relation,
  other: Model,
  parent: Parent,
  value: unknown,
  context: Context,
): Promise<void> {
  const [child] = await selectRows(context.db, other, sql<SqlBool>`${sql.ref(parent.column)} = ${parent.key}`);
  const isEmpty = value === null || value === '' || (Array.isArray(value) && value.length === 0);
  if (isEmpty) {
    if (child) await deleteRecord(other, Number(child[ID.name]), context);
    return;
  }
  if (!isObject(value)) throw invalid(`The relation '${relation.name}' takes one record.`);
  if (child) await changeChild(other, parent, child, value, context);
  else await createRecord(other, value, context, parent);
}

/** A child that is sent with its parent set to null is deleted; with another parent it moves there. */
async function changeChild(
  other: Model,
  parent: Parent,
  child: Row,
  record: JsonObject,
  context: Context,
): Promise<void> {
  const id = Number(child[ID.name]);
  if (record[parent.column] === null) await deleteRecord(other, id, context);
  else await updateRecord(other, id, record, context, parent);
}

const notAList = (relation: string) => invalid(`The relation '${relation}' takes a list of records.`);

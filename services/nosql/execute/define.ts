/** Changes of the schema: tables are made and dropped in the store, all else is stored beside it (database-api §9). */
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { parseJson } from '#common/json.ts';
import type { Runner } from '#common/records/result.ts';
import { parseRelation } from '#common/schema/definition-relations.ts';
import { readName, readTexts } from '#common/schema/definition-words.ts';
import { describeField, describeRelation, describeTable } from '#common/schema/describe.ts';
import { isObject, type Properties, type TableView } from '#common/schema/extras.ts';
import { unknownTable } from '#common/schema/find.ts';
import { defaultLabel } from '#common/schema/labels.ts';
import { jsonResult } from '#common/schema/listing.ts';
import {
  DefineMode,
  type DefineParts,
  type DefineTables,
  type DropParts,
  type DropTables,
  type Operation,
  PartKind,
  type Shape,
  Target,
} from '#proto/data/v1/data_pb.ts';
import type { ExtraChange } from '#proto/system/v1/system_pb.ts';
import type { NewIndex, NoSqlEngine, NoSqlSource, StoreTable } from '../engine.ts';
import type { SchemaCache } from '../schema-cache.ts';
import type { StoreView } from '../table-view.ts';
import type { ServiceContext } from './context.ts';
import {
  addFields,
  change,
  dropFields,
  fieldChange,
  fieldsOf,
  forgotten,
  keyOf,
  newFieldsOf,
  removal,
} from './define-fields.ts';
import { createIndexes, dropIndexes } from './define-indexes.ts';

export type DefinitionAction = Extract<
  Shape['action'],
  { case: 'defineTables' | 'defineParts' | 'dropTables' | 'dropParts' }
>;

type SaveExtras = (changes: readonly ExtraChange[]) => Promise<void>;

interface Desk {
  readonly engine: NoSqlEngine;
  readonly source: NoSqlSource;
  readonly cache: SchemaCache;
  readonly saveExtras: SaveExtras;
}

export function planDefine(
  action: DefinitionAction,
  cache: SchemaCache,
  { engine, source }: ServiceContext,
  saveExtras: SaveExtras,
): Runner {
  const desk = { engine, source, cache, saveExtras };
  return async (operation, deadline) => {
    const view = await inTime(cache.readAfresh(), deadline);
    switch (action.case) {
      case 'defineTables':
        return jsonResult(await defineTables(action.value, bodyOf(operation), view, desk, deadline));
      case 'defineParts':
        return jsonResult(await defineParts(action.value, bodyOf(operation), view, desk, deadline));
      case 'dropTables':
        return jsonResult(await dropTables(action.value, view, desk, deadline));
      case 'dropParts':
        return jsonResult(await dropParts(action.value, view, desk, deadline));
    }
  };
}

function bodyOf(operation: Operation): readonly Properties[] {
  if (operation.records.length === 0) throw noData('create');
  const body = parseJson(operation.records);
  const given = isObject(body) && 'resource' in body ? body['resource'] : body;
  const list = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw noData('create');
  if (!list.every(isObject)) throw invalid('The definition must be an object or a list of objects.');
  return list;
}

const noData = (verb: string): MillraceError => invalid(`No data in schema ${verb} request.`);

async function defineTables(
  { table, mode, checkExist, describe }: DefineTables,
  body: readonly Properties[],
  view: StoreView,
  { engine, source, cache, saveExtras }: Desk,
  deadline: Deadline,
): Promise<unknown> {
  if (table && !view.byName.get(table)) throw unknownTable(table);
  const changes: ExtraChange[] = [];
  const fresh: (() => Promise<void>)[] = [];
  const indexes: {
    readonly table: string;
    readonly created: readonly NewIndex[];
    readonly dropped: readonly string[];
  }[] = [];
  const names: string[] = [];
  const grown: { readonly stored: StoreTable | undefined; readonly fields: readonly Properties[] }[] = [];
  for (const entry of body) {
    const definition = table ? { ...entry, name: table } : entry;
    const name = readName(definition, 'Table');
    const known = view.byName.get(name);
    if (known && checkExist) {
      throw new MillraceError('conflict', `A table with name '${known.name}' already exist in the database.`);
    }
    if (!known && mode !== DefineMode.CREATE) throw unknownTable(name);
    const fields = fieldsOf(definition);
    const real = known?.name ?? name;
    changes.push(change(real, {}, tableExtras(real, definition)));
    const created: NewIndex[] = [];
    for (const field of fields) {
      const { extras, index } = fieldChange(real, field, known, engine, view.stored.get(real));
      changes.push(extras);
      if (index) created.push(index);
    }
    const dropped = known && mode === DefineMode.REPLACE ? forgotten(known, fields) : [];
    changes.push(...dropped.map((field) => removal(real, { field })));
    indexes.push({ table: real, created, dropped });
    if (!known) {
      fresh.push(() => source.createTable(name, keyOf(fields), definition['native'], deadline, newFieldsOf(fields)));
    } else grown.push({ stored: view.stored.get(real), fields });
    names.push(real);
  }
  for (const make of fresh) await make();
  let hasNewFields = false;
  for (const { stored, fields } of grown) {
    if (await addFields(stored, fields, source, deadline)) hasNewFields = true;
  }
  if (fresh.length > 0 || hasNewFields) await inTime(cache.readAfresh(), deadline);
  for (const { table: name, created, dropped } of indexes) {
    await changeIndexes(name, created, dropped, { source, cache }, deadline);
  }
  await save(changes, saveExtras);
  const now = cache.current ?? view;
  const entries = names.map((name) => {
    const known = now.byName.get(name);
    return describe && known ? describeTable(now, known) : { name };
  });
  return table ? entries[0] : entries;
}

function tableExtras(name: string, definition: Properties): Properties {
  const extras = readTexts(name, definition, ['alias', 'label', 'plural', 'description', 'name_field']);
  if (extras['label'] === defaultLabel(name)) extras['label'] = null;
  return extras;
}

async function changeIndexes(
  name: string,
  created: readonly NewIndex[],
  dropped: readonly string[],
  { source, cache }: Pick<Desk, 'source' | 'cache'>,
  deadline: Deadline,
): Promise<void> {
  const stored = cache.current?.stored.get(name);
  const hasDropped = await dropIndexes(stored, dropped, source, deadline);
  const hasCreated = await createIndexes(stored, created, source, deadline);
  if (hasDropped || hasCreated) await inTime(cache.readAfresh(), deadline);
}

async function defineParts(
  { table: wanted, kind, name: only, describe }: DefineParts,
  body: readonly Properties[],
  view: StoreView,
  { engine, source, cache, saveExtras }: Desk,
  deadline: Deadline,
): Promise<unknown> {
  const table = tableOf(view, wanted);
  const changes: ExtraChange[] = [];
  const indexes: NewIndex[] = [];
  const names: string[] = [];
  const fields: Properties[] = [];
  for (const entry of body) {
    const definition = only ? { ...entry, name: only } : entry;
    if (kind === PartKind.RELATION) {
      const { name, extras, replaces } = parseRelation(definition, table, view);
      changes.push(change(table.name, { relation: name }, extras));
      if (replaces !== undefined && replaces !== name) changes.push(removal(table.name, { relation: replaces }));
      names.push(name);
    } else {
      const { extras, index } = fieldChange(table.name, definition, table, engine, view.stored.get(table.name));
      changes.push(extras);
      if (index) indexes.push(index);
      names.push(readName(definition, 'Field'));
      fields.push(definition);
    }
  }
  const hasNewFields = await addFields(view.stored.get(table.name), fields, source, deadline);
  if (hasNewFields) await inTime(cache.readAfresh(), deadline);
  await changeIndexes(table.name, indexes, [], { source, cache }, deadline);
  await save(changes, saveExtras);
  const now = cache.current ?? view;
  const entries = names.map((name) => (describe ? describePart(now, table.name, kind, name) : []));
  return only ? entries[0] : entries;
}

function describePart(view: StoreView, tableName: string, kind: PartKind, name: string): unknown {
  const table = view.byName.get(tableName);
  if (kind === PartKind.RELATION) {
    const relation = table?.byRelationName.get(name);
    return relation ? describeRelation(view, relation) : [];
  }
  const field = table?.byFieldName.get(name);
  return field ? describeField(field) : [];
}

async function dropTables(
  { tables, target }: DropTables,
  view: StoreView,
  { source, cache, saveExtras }: Desk,
  deadline: Deadline,
): Promise<unknown> {
  if (tables.length === 0) throw noData('delete');
  const found = [...new Set(tables.map((name) => tableOf(view, name).name))];
  for (const name of found) await source.dropTable(name, deadline);
  await save(
    found.map((name) => removal(name, {})),
    saveExtras,
  );
  await inTime(cache.readAfresh(), deadline);
  return target === Target.ONE ? { success: true } : found.map((name) => ({ name }));
}

/** A part that is not there is as good as dropped. */
async function dropParts(
  { table: wanted, kind, names }: DropParts,
  view: StoreView,
  { source, cache, saveExtras }: Desk,
  deadline: Deadline,
): Promise<unknown> {
  const table = tableOf(view, wanted);
  if (names.length === 0) throw noData('delete');
  if (kind !== PartKind.RELATION) {
    await changeIndexes(table.name, [], names, { source, cache }, deadline);
    const hasDropped = await dropFields(view.stored.get(table.name), names, source, deadline);
    if (hasDropped) await inTime(cache.readAfresh(), deadline);
  }
  const part = kind === PartKind.RELATION ? 'relation' : 'field';
  await save(
    names.map((name) => removal(table.name, { [part]: name })),
    saveExtras,
  );
  return { success: true };
}

function tableOf(view: StoreView, name: string): TableView {
  const table = view.byName.get(name);
  if (!table) throw unknownTable(name);
  return table;
}

async function save(changes: readonly ExtraChange[], saveExtras: SaveExtras): Promise<void> {
  if (changes.length > 0) await saveExtras(changes);
}

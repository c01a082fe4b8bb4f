/** Changes of the schema: tables are made and dropped in the store, all else is stored beside it (database-api §9). */
import { create } from '@bufbuild/protobuf';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { parseJson } from '#common/json.ts';
import type { Runner } from '#common/records/result.ts';
import { parseRelation } from '#common/schema/definition-relations.ts';
import {
  fault,
  isBlank,
  readDefault,
  readFieldExtras,
  readFlag,
  readName,
  readTexts,
  readType,
} from '#common/schema/definition-words.ts';
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
import { type ExtraChange, ExtraChangeSchema } from '#proto/system/v1/system_pb.ts';
import type { KeyField, NoSqlSource } from '../engine.ts';
import type { SchemaCache } from '../schema-cache.ts';
import { DECLARED, type StoreView } from '../table-view.ts';
import type { ServiceContext } from './context.ts';

export type DefinitionAction = Extract<
  Shape['action'],
  { case: 'defineTables' | 'defineParts' | 'dropTables' | 'dropParts' }
>;

type SaveExtras = (changes: readonly ExtraChange[]) => Promise<void>;

interface Desk {
  readonly source: NoSqlSource;
  readonly cache: SchemaCache;
  readonly saveExtras: SaveExtras;
}

export function planDefine(
  action: DefinitionAction,
  cache: SchemaCache,
  { source }: ServiceContext,
  saveExtras: SaveExtras,
): Runner {
  const desk = { source, cache, saveExtras };
  return async (operation, deadline) => {
    const view = await inTime(cache.readAfresh(), deadline);
    switch (action.case) {
      case 'defineTables':
        return jsonResult(await defineTables(action.value, bodyOf(operation), view, desk, deadline));
      case 'defineParts':
        return jsonResult(await defineParts(action.value, bodyOf(operation), view, desk));
      case 'dropTables':
        return jsonResult(await dropTables(action.value, view, desk, deadline));
      case 'dropParts':
        return jsonResult(await dropParts(action.value, view, desk));
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
  { source, cache, saveExtras }: Desk,
  deadline: Deadline,
): Promise<unknown> {
  if (table && !view.byName.get(table)) throw unknownTable(table);
  const changes: ExtraChange[] = [];
  const fresh: (() => Promise<void>)[] = [];
  const names: string[] = [];
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
    for (const field of fields) changes.push(fieldChange(real, field));
    if (known && mode === DefineMode.REPLACE) changes.push(...forgotten(known, fields));
    if (!known) fresh.push(() => source.createTable(name, keyOf(fields), definition['native'], deadline));
    names.push(real);
  }
  for (const make of fresh) await make();
  if (fresh.length > 0) await inTime(cache.readAfresh(), deadline);
  await save(changes, saveExtras);
  const now = cache.current ?? view;
  const entries = names.map((name) => {
    const known = now.byName.get(name);
    return describe && known ? describeTable(now, known) : { name };
  });
  return table ? entries[0] : entries;
}

function fieldsOf(definition: Properties): readonly Properties[] {
  const given = definition['field'] ?? [];
  const list = Array.isArray(given) ? given : [given];
  if (!list.every(isObject)) throw invalid("'field' must be a list of objects.", { field: 'field' });
  return list;
}

/** Of those that say so, in their order; none: the store's own. */
function keyOf(fields: readonly Properties[]): KeyField[] {
  return fields
    .filter((field) => readFlag(String(field['name']), field, 'is_primary_key'))
    .map((field) => {
      const { type } = readType(String(field['name']), field['type'] ?? 'string');
      const kind = type === 'binary' ? 'binary' : /int|id|decimal|double|float|number/.test(type) ? 'number' : 'string';
      return { name: readName(field, 'Field'), type: kind, generated: false };
    });
}

function tableExtras(name: string, definition: Properties): Properties {
  const extras = readTexts(name, definition, ['alias', 'label', 'plural', 'description', 'name_field']);
  if (extras['label'] === defaultLabel(name)) extras['label'] = null;
  return extras;
}

function fieldChange(table: string, definition: Properties): ExtraChange {
  const name = readName(definition, 'Field');
  if (readFlag(name, definition, 'is_virtual')) throw fault(name, 'virtual fields are functions of SQL databases');
  if (!isBlank(definition['db_function'])) throw fault(name, "'db_function' is for SQL databases");
  const { type, length } = readType(name, definition['type'] ?? 'string');
  return change(
    table,
    { field: name },
    {
      ...readFieldExtras(name, definition),
      [DECLARED]: true,
      declared_type: type,
      length,
      default: readDefault(name, definition['default']),
      ...('required' in definition && { required: readFlag(name, definition, 'required') }),
      ...('allow_null' in definition && { allow_null: readFlag(name, definition, 'allow_null') }),
    },
  );
}

function forgotten(table: TableView, fields: readonly Properties[]): ExtraChange[] {
  const kept = new Set(fields.map(({ name }) => name));
  const gone = table.fields.filter(({ name, column }) => column?.nativeType === 'declared' && !kept.has(name));
  return gone.map(({ name }) => removal(table.name, { field: name }));
}

async function defineParts(
  { table: wanted, kind, name: only, describe }: DefineParts,
  body: readonly Properties[],
  view: StoreView,
  { cache, saveExtras }: Desk,
): Promise<unknown> {
  const table = tableOf(view, wanted);
  const changes: ExtraChange[] = [];
  const names: string[] = [];
  for (const entry of body) {
    const definition = only ? { ...entry, name: only } : entry;
    if (kind === PartKind.RELATION) {
      const { name, extras, replaces } = parseRelation(definition, table, view);
      changes.push(change(table.name, { relation: name }, extras));
      if (replaces !== undefined && replaces !== name) changes.push(removal(table.name, { relation: replaces }));
      names.push(name);
    } else {
      changes.push(fieldChange(table.name, definition));
      names.push(readName(definition, 'Field'));
    }
  }
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
  { saveExtras }: Desk,
): Promise<unknown> {
  const table = tableOf(view, wanted);
  if (names.length === 0) throw noData('delete');
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

interface Part {
  readonly field?: string;
  readonly relation?: string;
}

const change = (table: string, part: Part, properties: Properties): ExtraChange =>
  create(ExtraChangeSchema, { table, ...part, propertiesJson: Buffer.from(JSON.stringify(properties)) });

const removal = (table: string, part: Part): ExtraChange => create(ExtraChangeSchema, { table, ...part });

async function save(changes: readonly ExtraChange[], saveExtras: SaveExtras): Promise<void> {
  if (changes.length > 0) await saveExtras(changes);
}

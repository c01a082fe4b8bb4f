/** Relations of a `_schema` write (database-api §5.4): virtual ones are stored, found ones can only get extras. */
import { invalid, notFound } from '../errors.ts';
import { differences, fault, readAction, readFlag, readTexts, withoutBlanks } from './definition-words.ts';
import { describeRelation } from './describe.ts';
import type { Properties, SchemaView, TableView } from './extras.ts';
import { defaultLabel } from './labels.ts';
import { RELATION_TYPES, relationName } from './relations.ts';

export interface RelationChange {
  readonly name: string;
  readonly extras: Properties;
  /** Stored under this name so far. */
  readonly replaces?: string;
}

/** @throws invalid that names the property; not_found for a relation that is neither there nor said to be virtual */
export function parseRelation(definition: Properties, table: TableView, view: SchemaView): RelationChange {
  const given = typeof definition['name'] === 'string' ? definition['name'].trim() : '';
  const known = table.byRelationName.get(given) ?? table.byRelationWireName.get(given);
  if (!known) {
    if (given === '') throw invalid('Relationship schema received does not have a valid name.');
    if (readFlag(given, definition, 'is_virtual')) return virtualChange(given, definition, {}, table, view);
    throw notFound(`No requested relationships found in table '${table.name}'.`);
  }
  const label = known.label === defaultLabel(known.name) ? null : known.label;
  const now = { ...describeRelation(view, known), label };
  if (known.isVirtual) return virtualChange(known.name, definition, now, table, view);
  return { name: known.name, extras: differences(readExtras(known.name, definition), now) };
}

/** @param now what is stored under the name; empty where nothing is */
function virtualChange(
  given: string,
  definition: Properties,
  now: Properties,
  table: TableView,
  view: SchemaView,
): RelationChange {
  const whole = { ...now, ...definition };
  const virtual = readVirtual(given, whole, table, view);
  const name = virtualName(virtual);
  const holder = table.byRelationName.get(name);
  if (holder && !holder.isVirtual) throw fault(given, `a relation '${name}' exists already`);
  if (now['name'] === name) {
    return { name, extras: differences({ ...readExtras(name, definition), ...virtual }, now) };
  }
  const extras = withoutBlanks({ ...readExtras(name, whole), ...virtual });
  return now['name'] === undefined ? { name, extras } : { name, extras, replaces: String(now['name']) };
}

function readExtras(name: string, definition: Properties): Properties {
  const extras = readTexts(name, definition, ['alias', 'label', 'description']);
  if (extras['label'] === defaultLabel(name)) extras['label'] = null;
  for (const key of ['always_fetch', 'flatten', 'flatten_drop_prefix']) {
    if (key in definition) extras[key] = readFlag(name, definition, key);
  }
  return extras;
}

/** The name follows from what the relation says; the one in the request is only what the caller calls it. */
const virtualName = (extras: Properties): string =>
  extras['type'] === 'many_many'
    ? relationName(String(extras['ref_table']), String(extras['junction_table']))
    : relationName(
        String(extras['ref_table']),
        String(extras[extras['type'] === 'belongs_to' ? 'field' : 'ref_field']).split(','),
      );

function readVirtual(name: string, definition: Properties, table: TableView, view: SchemaView): Properties {
  const type = RELATION_TYPES.find((known) => known === definition['type']);
  if (!type) throw fault(name, `'type' must be one of ${RELATION_TYPES.join(', ')}`);
  const far = endOf(name, definition, 'ref', view);
  const extras: Record<string, unknown> = {
    is_virtual: true,
    type,
    field: fieldsOf(name, definition, 'field', table),
    ref_service_id: far.serviceId,
    ref_table: far.table,
    ref_field: far.field('ref_field'),
    ref_on_update: readAction(name, definition, 'ref_on_update'),
    ref_on_delete: readAction(name, definition, 'ref_on_delete'),
  };
  if (type !== 'many_many') return extras;
  const junction = endOf(name, definition, 'junction', view);
  return {
    ...extras,
    junction_service_id: junction.serviceId,
    junction_table: junction.table,
    junction_field: junction.field('junction_field'),
    junction_ref_field: junction.field('junction_ref_field'),
  };
}

/** A table that the relation leads to: of this database, where it must be there, or of another service. */
interface End {
  readonly serviceId: number;
  readonly table: string;
  field(key: string): string;
}

function endOf(name: string, definition: Properties, end: 'ref' | 'junction', view: SchemaView): End {
  const serviceId = serviceIdOf(name, definition, `${end}_service_id`, view);
  const key = `${end}_table`;
  if (serviceId === view.serviceId) {
    const table = tableOf(name, definition, key, view);
    return { serviceId, table: table.name, field: (one) => fieldsOf(name, definition, one, table) };
  }
  const text = (one: string): string => {
    const value = definition[one];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    throw fault(name, `'${one}' must name what the other service has`);
  };
  return { serviceId, table: text(key), field: text };
}

function serviceIdOf(name: string, definition: Properties, key: string, view: SchemaView): number {
  const given = definition[key];
  if (given === undefined || given === null || given === '') return view.serviceId;
  const id = Number(given);
  if (!Number.isInteger(id) || id <= 0) throw fault(name, `'${key}' must be the identifier of a service`);
  return id;
}

function tableOf(name: string, definition: Properties, key: string, view: SchemaView): TableView {
  const wanted = definition[key];
  const table = typeof wanted === 'string' ? view.byName.get(wanted) : undefined;
  if (!table) throw fault(name, `'${key}' must be a table of the database`);
  return table;
}

function fieldsOf(name: string, definition: Properties, key: string, table: TableView): string {
  const names = String(definition[key] ?? '').split(',');
  const fields = names.map((field) => table.byFieldName.get(field.trim())?.name);
  if (fields.some((field) => field === undefined)) {
    throw fault(name, `'${key}' must name fields of table '${table.name}'`);
  }
  return fields.join(',');
}

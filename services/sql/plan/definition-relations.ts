/** Relations of a `_schema` write (database-api §5.4): virtual ones are stored, found ones can only get extras. */
import { invalid, notFound } from '#common/errors.ts';
import { describeRelation } from '../describe.ts';
import type { Properties, SchemaView, TableView } from '../extras.ts';
import { defaultLabel } from '../labels.ts';
import { RELATION_TYPES, relationName } from '../relations.ts';
import { differences, fault, readAction, readFlag, readTexts, withoutBlanks } from './definition-fields.ts';

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
  refuseOtherServices(name, definition, view);
  const target = tableOf(name, definition, 'ref_table', view);
  const extras: Record<string, unknown> = {
    is_virtual: true,
    type,
    field: fieldsOf(name, definition, 'field', table),
    ref_service_id: view.serviceId,
    ref_table: target.name,
    ref_field: fieldsOf(name, definition, 'ref_field', target),
    ref_on_update: readAction(name, definition, 'ref_on_update'),
    ref_on_delete: readAction(name, definition, 'ref_on_delete'),
  };
  if (type !== 'many_many') return extras;
  const junction = tableOf(name, definition, 'junction_table', view);
  return {
    ...extras,
    junction_service_id: view.serviceId,
    junction_table: junction.name,
    junction_field: fieldsOf(name, definition, 'junction_field', junction),
    junction_ref_field: fieldsOf(name, definition, 'junction_ref_field', junction),
  };
}

function refuseOtherServices(name: string, definition: Properties, view: SchemaView): void {
  for (const key of ['ref_service_id', 'junction_service_id']) {
    const id = definition[key];
    if (id !== undefined && id !== null && Number(id) !== view.serviceId) {
      throw fault(name, `'${key}' must be the service itself: relations do not lead to other services`);
    }
  }
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

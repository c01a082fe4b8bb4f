/** Records of another service that belong to ours: what is asked of that service, and whose each answer is. */
import { create } from '@bufbuild/protobuf';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import {
  Comparator,
  type Filter,
  FilterSchema,
  type ForeignTable,
  Selection_Kind as Kind,
  ReadSchema,
  type Related,
  ShapeSchema,
  Target,
  type Value,
  ValueSchema,
} from '#proto/data/v1/data_pb.ts';
import type { Parsed } from '../parse/records.ts';

const NOTHING = new Uint8Array();

/** Values of one condition: several reads are made of more, and travel together. */
export const VALUES_MAX = 1000;

/** What belongs to each value, by its canonical text. */
export type Groups = Map<string, Uint8Array[]>;

/**
 * @param parameters  of the call: the conditions of `related` point into them
 * @param values      of the far field
 */
export function farRead(
  service: string,
  { table, field }: ForeignTable,
  related: Related,
  parameters: readonly Value[],
  values: readonly string[],
): Parsed & { table: string; dataFrom: number } {
  const operands = values.map((_, i) => ({ kind: { case: 'parameter' as const, value: parameters.length + i } }));
  const belongs = create(FilterSchema, {
    node: { case: 'comparison', value: { field, comparator: Comparator.IN, operands } },
  });
  const filter: Filter = related.filter
    ? create(FilterSchema, { node: { case: 'all', value: { filters: [belongs, related.filter] } } })
    : belongs;
  const grouped = related.countOnly || related.group.length > 0;
  const read = create(ReadSchema, {
    ...{ table, target: Target.FILTER, filter, mergesForeign: true },
    selection: selectionOf(related, field),
    group: grouped ? [field, ...(related.countOnly ? [] : related.group)] : [],
    ...(related.countOnly ? {} : { order: related.order, limit: related.limit, related: related.related }),
  });
  return {
    shape: create(ShapeSchema, { service, action: { case: 'read', value: read } }),
    keys: [],
    parameters: [...parameters, ...values.map((value) => create(ValueSchema, { kind: { case: 'text', value } }))],
    records: NOTHING,
    single: false,
    repeatable: true,
    table,
    dataFrom: parameters.length,
  };
}

/** What was asked for, and the field that tells whose a record is. */
function selectionOf({ selection, countOnly }: Related, field: string) {
  if (countOnly) return { kind: Kind.LISTED, names: [field, 'COUNT(*)'] };
  if (selection?.kind !== Kind.LISTED) return { kind: Kind.ALL };
  return { kind: Kind.LISTED, names: shows(selection.names, field) ? selection.names : [...selection.names, field] };
}

const shows = (names: readonly string[], field: string): boolean =>
  names.some((name) => name.toLowerCase() === field.toLowerCase());

/** @param json  what the service answered */
export function addGroups(groups: Groups, json: Uint8Array, { field }: ForeignTable, related: Related): void {
  const { selection, countOnly } = related;
  const hidesField = selection?.kind === Kind.LISTED && !shows(selection.names, field);
  for (const record of parseJson(json) as Record<string, unknown>[]) {
    const key = keyOf(record, field);
    if (key === undefined) continue;
    const owner = canonical(record[key]);
    if (hidesField) delete record[key];
    const shown = countOnly ? Object.entries(record).find(([name]) => /^count_all$/i.test(name))?.[1] : record;
    const group = groups.get(owner) ?? [];
    groups.set(owner, group);
    group.push(Buffer.from(stringifyJson(shown ?? 0)));
  }
}

/** Pairs of a junction: values of its `field` and of its `link`. */
export function pairsOf(json: Uint8Array, { field, link }: ForeignTable): [near: string, far: string][] {
  return (parseJson(json) as Record<string, unknown>[]).flatMap((record) => {
    const [near, far] = [record[keyOf(record, field) ?? ''], record[keyOf(record, link) ?? '']];
    return near === null || far === null || near === undefined || far === undefined
      ? []
      : [[canonical(near), canonical(far)] as [string, string]];
  });
}

const keyOf = (record: Record<string, unknown>, field: string): string | undefined =>
  field in record ? field : Object.keys(record).find((key) => key.toLowerCase() === field.toLowerCase());

const DECIMAL = /^[+-]?\d+(?:\.\d+)?$/;

/** Databases write one number in several ways: 1, 1.0, 1.00. */
export function canonical(value: unknown): string {
  const text = value instanceof JsonNumber ? value.text : String(value);
  if (!DECIMAL.test(text)) return text;
  const plain = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return plain.replace(/^\+/, '');
}

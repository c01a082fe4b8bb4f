/**
 * Keys of two parts, of which a call gives the first one beside its identifiers (database-api §9.3): `?PartitionKey=p`.
 * Identifiers then name the second one, records need not hold the first, and lists are those of one partition.
 */
import { create } from '@bufbuild/protobuf';
import { invalid } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import { plainValue } from '#common/records/values.ts';
import { isObject, type Properties } from '#common/schema/extras.ts';
import {
  Comparator,
  type Filter,
  FilterSchema,
  type KeyPart,
  type Operation,
  type Shape,
  Target,
  type Value,
  ValueSchema,
} from '#proto/data/v1/data_pb.ts';
import type { StoreView } from './table-view.ts';

interface Call {
  readonly shape: Shape;
  readonly operation: Operation;
}

/** Equal shapes stay one object: plans hang on it. */
const narrowed = new WeakMap<Shape, Shape>();

/**
 * The same call, as if it had said the whole key everywhere.
 * @throws MillraceError invalid where a record is of another partition, or (strict) the table's key has no such part
 */
export function withKeyPart(call: Call, view: StoreView): Call {
  const { shape, operation } = call;
  const { keyPart, action } = shape;
  if (!keyPart || !('table' in (action.value ?? {}))) return call;
  const name = (action.value as { table: string }).table;
  const table = view.byWireName.get(name);
  const key = table && view.stored.get(table.name)?.key;
  if (!key || key.length < 2 || key[0]?.name !== keyPart.field) {
    if (!table || !shape.strict) return call;
    throw invalid(`'${keyPart.field}' is no part of the key of '${name}'.`, { field: keyPart.field });
  }
  const part = plainValue(operation.parameters[keyPart.parameter]);
  switch (action.case) {
    case 'create':
      return { shape, operation: withRecords(operation, keyPart.field, part) };
    case 'read':
    case 'update':
    case 'delete':
      if (action.value.target === Target.FILTER) return { shape: narrow(shape, keyPart), operation };
      if (action.value.target === Target.RECORDS)
        return { shape, operation: withRecords(operation, keyPart.field, part) };
      return { shape, operation: withKeys(operation, operation.parameters[keyPart.parameter]) };
    default:
      return call;
  }
}

/** One that is a list is whole. */
function withKeys(operation: Operation, part: Value | undefined): Operation {
  const keys = operation.keys.map((key) =>
    key.kind.case === 'list' || !part
      ? key
      : create(ValueSchema, { kind: { case: 'list', value: { values: [part, key] } } }),
  );
  return { ...operation, keys };
}

function withRecords(operation: Operation, field: string, part: unknown): Operation {
  const given = parseJson(operation.records);
  const keyed = (record: unknown): unknown => {
    if (!isObject(record)) return record; // refused as any other
    const own = (record as Properties)[field];
    if (own === undefined) return Object.assign(Object.create(null), record, { [field]: part });
    if (own === part) return record;
    throw invalid(`A record has another '${field}' than the call.`, { field });
  };
  const records = stringifyJson(Array.isArray(given) ? given.map(keyed) : keyed(given));
  return { ...operation, records: Buffer.from(records) };
}

function narrow(shape: Shape, { field, parameter }: KeyPart): Shape {
  const known = narrowed.get(shape);
  if (known) return known;
  const operands = [{ kind: { case: 'parameter' as const, value: parameter } }];
  const own = create(FilterSchema, {
    node: { case: 'comparison', value: { field, comparator: Comparator.EQ, operands } },
  });
  const { action } = shape;
  const { filter } = action.value as { filter?: Filter };
  const both = filter ? create(FilterSchema, { node: { case: 'all', value: { filters: [own, filter] } } }) : own;
  const made = { ...shape, action: { ...action, value: { ...action.value, filter: both } } } as Shape;
  narrowed.set(shape, made);
  return made;
}

/**
 * Records of other services that belong to ours: asked for by whoever puts the answer together. Where they belong stands
 * a mark that no JSON holds (Result.foreign in data.proto).
 */
import type { Foreign, Operation, Related, Result } from '#proto/data/v1/data_pb.ts';
import type { RelationView } from '../schema/extras.ts';

const NULL = Buffer.from('null');
const EMPTY_LIST = Buffer.from('[]');
const ZERO = Buffer.from('0');

/** By the operation whose answer is being made. */
const wanted = new WeakMap<Operation, Foreign[]>();

/** @returns what stands in place of the records that belong to each local value */
export function markForeign(
  relation: RelationView,
  related: Related,
  named: boolean,
  values: readonly (string | null)[],
  operation: Operation,
): Uint8Array[] {
  const list = wanted.get(operation) ?? [];
  wanted.set(operation, list);
  const places = new Map<string, number>();
  for (const value of values) if (value !== null && !places.has(value)) places.set(value, places.size);
  const nullable = relation.type === 'belongs_to';
  const absent = related.countOnly ? ZERO : nullable ? NULL : EMPTY_LIST;
  if (places.size === 0) return values.map(() => absent);
  const index = list.push(foreignOf(relation, related, named, [...places.keys()])) - 1;
  return values.map((value) => (value === null ? absent : Buffer.from(`\x01${index}:${places.get(value)}\x01`)));
}

/** The result, with what its marks stand for. */
export function withForeign(result: Result, operation: Operation): Result {
  const foreign = wanted.get(operation);
  return foreign && foreign.length > 0 ? { ...result, foreign } : result;
}

/** What was marked by an attempt that failed. */
export function forgetForeign(operation: Operation): void {
  wanted.delete(operation);
}

function foreignOf(relation: RelationView, related: Related, named: boolean, values: string[]): Foreign {
  const { type, foreign, refTable, refFields, junction } = relation;
  const $typeName = 'millrace.data.v1.ForeignTable';
  const far = { serviceId: foreign?.refServiceId ?? 0, table: refTable, field: refFields[0] ?? '', link: '' };
  const between = junction && {
    serviceId: foreign?.junctionServiceId ?? 0,
    table: junction.table,
    field: junction.fields[0] ?? '',
    link: junction.refFields[0] ?? '',
  };
  return {
    $typeName: 'millrace.data.v1.Foreign',
    related,
    named,
    single: type === 'belongs_to' || type === 'has_one',
    nullable: type === 'belongs_to',
    far: { $typeName, ...far },
    ...(between && { junction: { $typeName, ...between } }),
    values,
  };
}

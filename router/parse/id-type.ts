/**
 * `id_type=integer`: identifiers of the path and of `ids` are numbers, which texts are not to stores whose keys may be
 * either (database-api §9.1). To columns that have a type it is all the same.
 */
import type { Value } from '#proto/data/v1/data_pb.ts';
import type { ApiRequest } from './api-request.ts';
import { namesOf } from './options.ts';

const INTEGER = /^int(?:eger)?$/i;
/** As a number is written: what has other zeros is a text, and no such identifier. */
const DIGITS = /^(?:0|-?[1-9]\d*)$/;

/** @returns the identifiers as they are said to be; those that are none of the type stay texts */
export function typedIds(request: ApiRequest, ids: readonly Value[]): readonly Value[] {
  const types = namesOf(request.query.get('id_type')).map((type) => INTEGER.test(type));
  return types.includes(true) ? ids.map((id) => typed(id, types)) : ids;
}

/** Of a list, the types are those of its parts. */
function typed(id: Value, types: readonly boolean[]): Value {
  const { kind } = id;
  if (kind.case === 'list') {
    const values = kind.value.values.map((part, i) => typed(part, types.slice(i, i + 1)));
    return { ...id, kind: { case: 'list', value: { ...kind.value, values } } };
  }
  if (kind.case !== 'text' || types[0] !== true || !DIGITS.test(kind.value)) return id;
  return { ...id, kind: { case: 'number', value: kind.value } };
}

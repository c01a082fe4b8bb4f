/** Options of a record call, read from query string and body and checked (database-api §2.2–2.4). */
import { FILTER_LENGTH_MAX, KEYS_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import {
  BatchMode,
  type Filter,
  Selection_Kind as Kind,
  Order_Nulls as Nulls,
  type Order,
  type Related,
  type Selection,
  type Value,
} from '#proto/data/v1/data_pb.ts';
import type { ApiRequest } from './api-request.ts';
import { native } from './filter/nodes.ts';
import { parseFilter } from './filter/parse.ts';
import { isTrue } from './query.ts';
import { splitList } from './split-list.ts';

const NO_PARAMS: ReadonlyMap<string, Value> = new Map();

export function textValue(text: string): Value {
  return { $typeName: 'millrace.data.v1.Value', kind: { case: 'text', value: text } };
}

/** A JSON value as it travels. */
export function toValue(json: unknown): Value {
  const $typeName = 'millrace.data.v1.Value';
  if (typeof json === 'string') return textValue(json);
  if (typeof json === 'number') return { $typeName, kind: { case: 'number', value: String(json) } };
  if (json instanceof JsonNumber) return { $typeName, kind: { case: 'number', value: json.text } };
  if (typeof json === 'boolean') return { $typeName, kind: { case: 'boolean', value: json } };
  if (Array.isArray(json)) {
    const values = json.map(toValue);
    return { $typeName, kind: { case: 'list', value: { $typeName: 'millrace.data.v1.ValueList', values } } };
  }
  return { $typeName, kind: { case: 'null', value: true } };
}

/** `*` or nothing is all on a read; nothing on a write, and an empty text, is the key. */
export function selectionOf(request: ApiRequest, writing: boolean): Selection {
  return selection(request.option('fields'), writing ? Kind.KEY : Kind.ALL);
}

function selection(fields: unknown, absent: Kind): Selection {
  const $typeName = 'millrace.data.v1.Selection';
  if (fields === undefined || fields === null) return { $typeName, kind: absent, names: [] };
  const names = namesOf(fields);
  if (names.length === 0) return { $typeName, kind: Kind.KEY, names: [] };
  if (names.includes('*')) return { $typeName, kind: Kind.ALL, names: [] };
  return { $typeName, kind: Kind.LISTED, names };
}

/** A comma list or an array; blanks around names do not count. Commas inside parentheses belong to the name. */
export function namesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.map((name) => (typeof name === 'string' ? name : stringifyJson(name)));
  return typeof value === 'string' ? splitList(value) : [];
}

/** @param parameters  values are added to these */
export function filterOf(
  request: ApiRequest,
  option: 'filter' | 'having' = 'filter',
  parameters: Value[] = [],
): { filter: Filter | undefined; parameters: Value[] } {
  const given = request.option(option);
  const query = option === 'filter' ? nativeText(given) : undefined;
  if (query !== undefined) {
    parameters.push(textValue(query));
    return { filter: native(parameters.length - 1), parameters };
  }
  // The original takes only text; a list is of no effect there.
  if (typeof given !== 'string') return { filter: undefined, parameters };
  return parseFilter(given, paramsOf(request), parameters);
}

/** A condition in the words of a store (database-api §9.1): an object, or text that is one; undefined: it is none. */
function nativeText(given: unknown): string | undefined {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return stringifyJson(given);
  if (typeof given !== 'string' || !/^\s*\{[\s\S]*\}\s*$/.test(given)) return undefined;
  if (given.length > FILTER_LENGTH_MAX) return undefined;
  try {
    // `{user.id} = owner` begins with a lookup.
    parseJson(Buffer.from(given));
    return given;
  } catch {
    return undefined;
  }
}

function paramsOf(request: ApiRequest): ReadonlyMap<string, Value> {
  const { params } = request.query;
  const inBody = request.option('params');
  if (params.size === 0 && (typeof inBody !== 'object' || inBody === null)) return NO_PARAMS;
  const values = new Map<string, Value>();
  if (typeof inBody === 'object' && inBody !== null) {
    for (const [name, value] of Object.entries(inBody)) values.set(name, toValue(value));
  }
  for (const [name, value] of params) values.set(name, textValue(value));
  return values;
}

/**
 * `f [asc|desc] [nulls first|last], …`; a direction that is neither is ascending, as the original has it. A name with
 * blanks is written in double quotes, as in filters.
 */
export function orderOf(request: ApiRequest): Order[] {
  return order(request.option('order'));
}

function order(value: unknown): Order[] {
  if (typeof value !== 'string' || value.trim() === '') return [];
  if (value.includes(';')) throw invalid('Invalid order by clause in request.', { field: 'order' });
  return namesOf(value).map((part) => {
    const [, quoted, bare = '', rest = ''] = /^(?:"((?:[^"]|"")+)"|(\S+))\s*(.*)$/s.exec(part) ?? [];
    const field = quoted?.replaceAll('""', '"') ?? bare;
    const lower = rest.toLowerCase().split(/\s+/);
    const nulls = lower.indexOf('nulls');
    return {
      $typeName: 'millrace.data.v1.Order',
      field,
      descending: lower[0] === 'desc',
      nulls: nulls < 0 ? Nulls.UNSPECIFIED : lower[nulls + 1] === 'last' ? Nulls.LAST : Nulls.FIRST,
    };
  });
}

/** A whole number above zero, else 0: not given. */
export function countOption(request: ApiRequest, name: string): number {
  return countOf(request.option(name));
}

function countOf(value: unknown): number {
  const number = typeof value === 'number' ? value : typeof value === 'string' ? Number(value.trim() || Number.NaN) : 0;
  if (!Number.isInteger(number) || number < 1) return 0;
  return Math.min(number, 0xffffffff);
}

export function flagOption(request: ApiRequest, name: string): boolean {
  const value = request.option(name);
  return typeof value === 'string' ? isTrue(value) : value === true || value === 1;
}

/** A comma list, an array, or one number; undefined where the option is absent. */
export function idsOf(request: ApiRequest): Value[] | undefined {
  const ids = request.option('ids');
  if (ids === undefined) return undefined;
  const values =
    typeof ids === 'string' ? splitList(ids).map(textValue) : (Array.isArray(ids) ? ids : [ids]).map(toValue);
  if (values.length > KEYS_MAX) throw invalid(`At most ${KEYS_MAX} identifiers are taken at once.`, { field: 'ids' });
  return values;
}

export function modeOf(request: ApiRequest): BatchMode {
  const goOn = flagOption(request, 'continue');
  const rollback = flagOption(request, 'rollback');
  if (goOn && rollback) throw invalid('Rollback and continue operations can not be requested at the same time.');
  if (rollback) return BatchMode.ROLLBACK;
  return goOn ? BatchMode.CONTINUE : BatchMode.STOP;
}

/**
 * `related=a,b,a.c` with `a.fields`, `a.limit`, `a.c.order` beside it: `a.c` are records that belong to those of `a`,
 * which is then wanted too.
 *
 * @param parameters  values of the relations' filters are added to these
 */
export function relatedOf(request: ApiRequest, parameters: Value[]): Related[] {
  const { query } = request;
  const names = namesOf(query.get('related'));
  if (names.length === 0) return [];
  const params = paramsOf(request);
  const below = (prefix: string): Related[] => {
    const inner = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    return [...new Set(inner.map((name) => name.split('.', 1)[0] ?? ''))].map((name) => one(`${prefix}${name}`, name));
  };
  const one = (path: string, name: string): Related => {
    const text = query.get(`${path}.filter`);
    const filter = text === undefined ? undefined : parseFilter(text, params, parameters).filter;
    return {
      $typeName: 'millrace.data.v1.Related',
      name,
      selection: selection(query.get(`${path}.fields`), Kind.ALL),
      order: order(query.get(`${path}.order`)),
      limit: countOf(query.get(`${path}.limit`)),
      group: namesOf(query.get(`${path}.group`)),
      countOnly: query.flag(`${path}.count_only`),
      related: below(`${path}.`),
      ...(filter ? { filter } : {}),
    };
  };
  return below('');
}

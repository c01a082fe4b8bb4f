/** Groups, counted and summed here over documents that were read: as many groups as a bound allows. */
import { GROUPS_MAX } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { TableView } from '#common/schema/extras.ts';
import { unknownName } from '#common/schema/mismatch.ts';
import { type Filter, Selection_Kind as Kind, type Operation, type Read } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import { bindFilters } from '../plan/conditions.ts';
import { compareValues } from '../residual/compare.ts';
import { predicateOf } from '../residual/evaluate.ts';
import { getter } from '../residual/path.ts';
import { sortBy } from '../residual/sort.ts';
import { sumOf } from '../residual/sum.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { documentJson } from './outputs.ts';
import { orderOf, scan } from './scan.ts';

const AGGREGATE = /^(COUNT|SUM|AVG|MIN|MAX)\(\s*(\*|.+?)\s*\)$/i;
const KEY = /^(COUNT|SUM|AVG|MIN|MAX)_(.+)$/i;

interface Member {
  readonly name: string;
  /** undefined: a field of the group. */
  readonly aggregate: string | undefined;
  /** In the document; undefined: COUNT(*). */
  readonly field: string | undefined;
}

interface Group {
  readonly values: Document;
  count: number;
  /** By the field: how many have a value, and what those are added up, the least and the greatest. */
  readonly tallies: Tally[];
}

interface Tally {
  count: number;
  numbers: number;
  sum: number | JsonNumber;
  min: Wire;
  max: Wire;
}

/** @returns the JSON of all groups that meet `having`, in order */
export function planGroups(read: Read, table: TableView, context: ServiceContext) {
  const stored = storedOf(table, context);
  const nameOf = (name: string): string => table.byFieldWireName.get(name)?.name ?? name;
  const group = read.group.map((name) => ({ name, field: nameOf(name) }));
  const listed = read.selection?.kind === Kind.LISTED ? read.selection.names : read.group;
  const shown = listed.map((name) => memberOf(name, read.group, nameOf));
  const asked = namesIn(read.having).concat(read.order.map(({ field }) => field));
  const members = distinct([
    ...shown,
    ...group.map(({ name, field }) => ({ name, field, aggregate: undefined })),
    ...asked.map((name) => memberOf(spelled(name), read.group, nameOf)),
  ]);
  const having = read.having && renamed(read.having, (name) => memberOf(spelled(name), read.group, nameOf).name);
  const order = orderOf(read.order, table).map((key, i) => ({
    ...key,
    field: memberOf(spelled(read.order[i]?.field ?? ''), read.group, nameOf).name,
  }));
  const elements = context.engine.pushdown.elements ?? false;
  const gets = group.map(({ field }) => getter(field, elements));
  const summed = members.flatMap(({ aggregate, field }) => (aggregate && field ? [field] : []));
  const fields = [...new Set(summed)];
  const values = fields.map((field) => getter(field, elements));
  return async (operation: Operation, deadline: Deadline): Promise<Uint8Array[]> => {
    const condition = conditionOf([read.filter, read.rowFilter], table, operation, context);
    const wanted = { table: stored, condition, order: [], offset: 0, limit: undefined };
    const groups = new Map<string, Group>();
    const needed = [...new Set([...fields, ...group.map(({ field }) => field)])].filter((one) => !one.includes('.'));
    let scanned = 0;
    for await (const one of scan(
      { ...wanted, fields: needed.length < fields.length + group.length ? undefined : needed },
      context,
      deadline,
    )) {
      if (++scanned > context.scannedMax) throw tooManyScanned(context.scannedMax, stored.name);
      add(
        groups,
        one.members(),
        group.map(({ name }) => name),
        gets,
        values,
      );
    }
    const rows = [...groups.values()].map((one) => rowOf(one, members, fields));
    const test =
      having &&
      predicateOf(
        bindFilters([having], table, { parameters: operation.parameters, senses: undefined, takesNative: false }) ?? {
          kind: 'all',
          of: [],
        },
        false,
      );
    const kept = test ? rows.filter(test) : rows;
    const sorted = order.length > 0 ? sortBy(kept, order, (row, field) => row[field] ?? null) : kept;
    return sorted.map((row) => documentJson(only(row, shown)));
  };
}

const only = (row: Document, shown: readonly Member[]): Document =>
  Object.fromEntries(shown.map(({ name }) => [name, row[name] ?? null]));

/** `SUM_total` and `COUNT_ALL`, as the answer has them, for `SUM(total)` and `COUNT(*)`. */
function spelled(name: string): string {
  const [, fn, argument] = KEY.exec(name) ?? [];
  return fn ? `${fn}(${argument?.toUpperCase() === 'ALL' ? '*' : argument})` : name;
}

function memberOf(name: string, group: readonly string[], nameOf: (name: string) => string): Member {
  if (group.includes(name)) return { name, aggregate: undefined, field: nameOf(name) };
  const [, fn, argument] = AGGREGATE.exec(name) ?? [];
  const aggregate = fn?.toUpperCase();
  if (aggregate && argument === '*' && aggregate === 'COUNT') return { name: 'COUNT_ALL', aggregate, field: undefined };
  if (aggregate && argument && argument !== '*')
    return { name: `${aggregate}_${argument}`, aggregate, field: nameOf(argument) };
  throw unknownName(`Invalid field requested: ${name}`, { field: name });
}

function add(
  groups: Map<string, Group>,
  members: Document,
  names: readonly string[],
  gets: readonly ((document: Document) => Wire | undefined)[],
  values: readonly ((document: Document) => Wire | undefined)[],
): void {
  const own = gets.map((get) => get(members) ?? null);
  const key = JSON.stringify(own);
  let group = groups.get(key);
  if (!group) {
    if (groups.size >= GROUPS_MAX) throw tooManyGroups();
    const tallies = values.map((): Tally => ({ count: 0, numbers: 0, sum: 0, min: null, max: null }));
    group = { values: Object.fromEntries(names.map((name, i) => [name, own[i] as Wire])), count: 0, tallies };
    groups.set(key, group);
  }
  group.count++;
  for (const [i, get] of values.entries()) tally(group.tallies[i] as Tally, get(members) ?? null);
}

function tally(one: Tally, value: Wire): void {
  if (value === null) return;
  one.count++;
  if (typeof value === 'number' || value instanceof JsonNumber) {
    one.numbers++;
    one.sum = sumOf(one.sum, value);
  }
  if (one.min === null || (compareValues(value, one.min) ?? 0) < 0) one.min = value;
  if (one.max === null || (compareValues(value, one.max) ?? 0) > 0) one.max = value;
}

function rowOf(group: Group, members: readonly Member[], fields: readonly string[]): Document {
  const row: Record<string, Wire> = Object.create(null);
  for (const { name, aggregate, field } of members) {
    row[name] = aggregate === undefined ? (group.values[name] ?? null) : aggregated(aggregate, field, group, fields);
  }
  return row;
}

function aggregated(aggregate: string, field: string | undefined, group: Group, fields: readonly string[]): Wire {
  if (field === undefined) return group.count;
  const { count, numbers, sum, min, max } = group.tallies[fields.indexOf(field)] as Tally;
  switch (aggregate) {
    case 'COUNT':
      return count;
    case 'SUM':
      return numbers === 0 ? null : sum;
    case 'AVG':
      return numbers === 0 ? null : Number(sum) / numbers;
    case 'MIN':
      return min;
    default:
      return max;
  }
}

function namesIn(filter: Filter | undefined): string[] {
  switch (filter?.node.case) {
    case 'comparison':
      return [filter.node.value.field];
    case 'not':
      return namesIn(filter.node.value);
    case 'all':
    case 'any':
      return filter.node.value.filters.flatMap(namesIn);
    default:
      return [];
  }
}

function renamed(filter: Filter, nameOf: (name: string) => string): Filter {
  const { $typeName, node } = filter;
  switch (node.case) {
    case 'comparison':
      return { $typeName, node: { case: node.case, value: { ...node.value, field: nameOf(node.value.field) } } };
    case 'not':
      return { $typeName, node: { case: node.case, value: renamed(node.value, nameOf) } };
    case 'all':
    case 'any': {
      const filters = node.value.filters.map((inner) => renamed(inner, nameOf));
      return { $typeName, node: { case: node.case, value: { ...node.value, filters } } };
    }
    default:
      return filter;
  }
}

const distinct = (members: readonly Member[]): Member[] => [...new Map(members.map((one) => [one.name, one])).values()];

const tooManyGroups = () =>
  invalid(`The documents fall into more than ${GROUPS_MAX} groups: narrow them by a filter.`, { field: 'group' });

const tooManyScanned = (bound: number, table: string) =>
  invalid(
    `Grouping would read more than ${bound} documents of '${table}': narrow them by a filter, or raise 'max_scanned' ` +
      'of the service.',
    { table, max_scanned: bound },
  );

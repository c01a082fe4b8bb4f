/**
 * Groups, counted and summed by the store where it does that as it is done here, else here over documents that were
 * read: as many groups as a bound allows.
 */
import { GROUPS_MAX } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { JsonNumber } from '#common/json.ts';
import type { TableView } from '#common/schema/extras.ts';
import { unknownName } from '#common/schema/mismatch.ts';
import { type Filter, Selection_Kind as Kind, type Operation, type Read } from '#proto/data/v1/data_pb.ts';
import type { Document, Wire } from '../document.ts';
import type { Condition, Grouping, StoreTable, Tally } from '../engine.ts';
import { bindFilters, isNever } from '../plan/conditions.ts';
import { split } from '../plan/split.ts';
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
  /** By the field. */
  readonly tallies: readonly Writable<Tally>[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Groups of a read: how the store would make them, and how they become an answer. */
export interface GroupPlan {
  /** Does the store make them, of what meets this condition? It may find that it cannot, by what is stored. */
  isPushed(condition: Condition | undefined): boolean;
  /** @returns the JSON of all groups that meet `having`, in order */
  pieces(operation: Operation, deadline: Deadline): Promise<Uint8Array[]>;
}

export function planGroups(read: Read, table: TableView, context: ServiceContext): GroupPlan {
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
  const grouping = groupingOf(group, members, fields);
  const isPushed = (condition: Condition | undefined): boolean =>
    isPushable(grouping, condition, stored, table, context);
  const names = group.map(({ name }) => name);

  async function pushed(condition: Condition | undefined, deadline: Deadline): Promise<Group[] | undefined> {
    if (condition && isNever(condition)) return [];
    const found = await context.source.group?.(stored, condition, grouping, deadline);
    if (found && found.length > GROUPS_MAX) throw tooManyGroups();
    return found?.map(({ values, count, tallies }) => ({ values: valuesOf(names, values), count, tallies }));
  }

  async function counted(condition: Condition | undefined, deadline: Deadline): Promise<Group[]> {
    const groups = new Map<string, Group>();
    const needed = [...new Set([...fields, ...group.map(({ field }) => field)])];
    const asked = needed.some((one) => one.includes('.')) ? undefined : needed;
    const wanted = { table: stored, condition, order: [], offset: 0, limit: undefined, fields: asked };
    let scanned = 0;
    for await (const one of scan(wanted, context, deadline)) {
      if (++scanned > context.scannedMax) throw tooManyScanned(context.scannedMax, stored.name);
      add(groups, one.members(), names, gets, values);
    }
    return [...groups.values()];
  }

  async function pieces(operation: Operation, deadline: Deadline): Promise<Uint8Array[]> {
    const condition = conditionOf([read.filter, read.rowFilter], table, operation, context);
    const groups =
      (isPushed(condition) ? await pushed(condition, deadline) : undefined) ?? (await counted(condition, deadline));
    const rows = groups.map((one) => rowOf(one, members, fields));
    const binding = { parameters: operation.parameters, senses: undefined, takesNative: false };
    const test = having && predicateOf(bindFilters([having], table, binding) ?? { kind: 'all', of: [] }, false);
    const kept = test ? rows.filter(test) : rows;
    const sorted = order.length > 0 ? sortBy(kept, order, (row, field) => row[field] ?? null) : kept;
    return sorted.map((row) => documentJson(only(row, shown)));
  }

  return { isPushed, pieces };
}

function groupingOf(
  group: readonly { readonly field: string }[],
  members: readonly Member[],
  fields: readonly string[],
): Grouping {
  const asks = (field: string, ...aggregates: string[]): boolean =>
    members.some((one) => one.field === field && aggregates.includes(one.aggregate ?? ''));
  return {
    by: group.map(({ field }) => field),
    tallied: fields.map((field) => ({
      field,
      sums: asks(field, 'SUM', 'AVG'),
      compares: asks(field, 'MIN', 'MAX'),
    })),
  };
}

/** Sums of fractions are made digit by digit here, and of doubles in stores. */
const FRACTIONS = /^(?:double|float|decimal|money)$/;

function isPushable(
  grouping: Grouping,
  condition: Condition | undefined,
  stored: StoreTable,
  table: TableView,
  { engine: { pushdown }, source }: ServiceContext,
): boolean {
  if (!source.group || !pushdown.groups?.(grouping, stored)) return false;
  if (split(condition, pushdown, stored).residual !== undefined) return false;
  return !grouping.tallied.some(({ field, sums }) => sums && FRACTIONS.test(table.byFieldName.get(field)?.type ?? ''));
}

const valuesOf = (names: readonly string[], values: readonly Wire[]): Document =>
  Object.fromEntries(names.map((name, i) => [name, values[i] ?? null]));

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
    const tallies = values.map((): Writable<Tally> => ({ count: 0, numbers: 0, sum: 0, min: null, max: null }));
    group = { values: valuesOf(names, own), count: 0, tallies };
    groups.set(key, group);
  }
  group.count++;
  for (const [i, get] of values.entries()) tally(group.tallies[i] as Writable<Tally>, get(members) ?? null);
}

function tally(one: Writable<Tally>, value: Wire): void {
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

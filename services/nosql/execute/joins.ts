/**
 * Conditions on fields of related documents (`relation.field = …`). No store joins: the related documents are read
 * first, and the condition becomes one on the values that lead to them.
 */
import { JOINS_MAX, RELATED_DEPTH_MAX } from '#common/bounds.ts';
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import type { Runner } from '#common/records/result.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { endsOf } from '#common/schema/relation-ends.ts';
import type { RelationPath } from '#common/schema/relation-path.ts';
import { Comparator, type Comparison, type Filter, type Operation, type Shape } from '#proto/data/v1/data_pb.ts';
import type { Condition } from '../engine.ts';
import { ALWAYS, isNever, type Join, joinAll, joinAny, relatedPath } from '../plan/conditions.ts';
import { split } from '../plan/split.ts';
import { getter } from '../residual/path.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { shown } from './explain.ts';
import { leadsTo, linkText } from './links.ts';
import { scan } from './scan.ts';

type Filters = readonly (Filter | undefined)[];

/**
 * A plan of an operation whose conditions are on its own table alone is made once; else one for each operation, as what
 * is related is read anew.
 */
export function planJoined(
  { action }: Pick<Shape, 'action'>,
  context: ServiceContext,
  plan: (context: ServiceContext) => Runner,
): Runner {
  if (action.case !== 'read' && action.case !== 'update' && action.case !== 'delete') return plan(context);
  const { filter, rowFilter } = action.value;
  const filters = [filter, rowFilter];
  const table = context.view.byWireName.get(action.value.table);
  if (!table || comparisonsOf(filters, table).length === 0) return plan(context);
  const explains = action.case === 'read' && action.value.explain;
  return async (operation, deadline) => {
    const given = explains ? { ...context, explained: [] } : context;
    return plan(await withJoins(filters, table, operation, given, deadline))(operation, deadline);
  };
}

/**
 * The context in which `conditionOf` knows what these filters say of related documents.
 * @param depth  relations that were followed to get here
 * @throws MillraceError invalid where too many would be read, denied for tables that the caller may not read
 */
export async function withJoins(
  filters: Filters,
  table: TableView,
  operation: Operation,
  context: ServiceContext,
  deadline: Deadline,
  depth = 0,
): Promise<ServiceContext> {
  const comparisons = comparisonsOf(filters, table);
  const [first] = comparisons;
  if (!first) return context;
  const { field } = first.comparison;
  if (depth >= RELATED_DEPTH_MAX) {
    throw invalid(`The condition on '${field}' leads through more than ${RELATED_DEPTH_MAX} relations.`, { field });
  }
  if (comparisons.length > JOINS_MAX) {
    throw invalid(`A filter has at most ${JOINS_MAX} conditions on fields of related records.`, { field: 'filter' });
  }
  const found = await Promise.all(
    comparisons.map((one) => joinOf(one, table, { operation, context, deadline, depth })),
  );
  const known = comparisons.map(({ comparison }, i): [Comparison, Join] => [comparison, found[i] as Join]);
  return { ...context, joins: new Map([...context.joins, ...known]) };
}

interface Asked {
  readonly comparison: Comparison;
  readonly path: RelationPath;
}

function comparisonsOf(filters: Filters, table: TableView): Asked[] {
  if (table.relations.length === 0) return [];
  const walk = (filter: Filter | undefined): Asked[] => {
    const node = filter?.node;
    switch (node?.case) {
      case 'comparison': {
        const path = relatedPath(node.value.field, table);
        return path ? [{ comparison: node.value, path }] : [];
      }
      case 'not':
        return walk(node.value);
      case 'all':
      case 'any':
        return node.value.filters.flatMap(walk);
      default:
        return [];
    }
  };
  return filters.flatMap(walk);
}

interface Task {
  readonly operation: Operation;
  readonly context: ServiceContext;
  readonly deadline: Deadline;
  /** Relations that were followed to get here. */
  readonly depth: number;
}

async function joinOf({ comparison, path }: Asked, table: TableView, task: Task): Promise<Join> {
  const { context } = task;
  const { relation, rest } = path;
  const { access, view } = context;
  const { local, far, target, junction } = endsOf(relation, table, view);
  access.require(junction ? [far, junction.table] : [far]);
  const inner: Filter = {
    $typeName: 'millrace.data.v1.Filter',
    node: { case: 'comparison', value: { ...comparison, field: rest } },
  };
  const reading = (from: TableView, field: FieldView, filters: Filters, led?: Condition) =>
    valuesOf({ from, field, filters, led, asked: comparison.field }, task);
  let values = await reading(far, target, [inner, access.reading(far)]);
  if (junction) {
    const { table: between, near, link } = junction;
    values = await reading(between, near, [access.reading(between)], among(link, values, context));
  }
  const some = among(local, values, context);
  const missing: Condition = { kind: 'compare', field: local.name, comparator: Comparator.IS_NULL, operands: [] };
  return { some, none: some.kind === 'compare' ? joinAny([{ kind: 'not', of: some }, missing]) : ALWAYS };
}

interface Reading {
  readonly from: TableView;
  readonly field: FieldView;
  readonly filters: Filters;
  /** What a table before this one says of it. */
  readonly led: Condition | undefined;
  /** What the caller asks for, for messages. */
  readonly asked: string;
}

/** What a field holds in the documents that meet the filters. */
async function valuesOf({ from, field, filters, led, asked }: Reading, task: Task): Promise<string[]> {
  const { operation, context, deadline, depth } = task;
  const joined = await withJoins(filters, from, operation, context, deadline, depth + 1);
  const own = conditionOf(filters, from, operation, joined);
  const condition = joinAll([led, own].filter((one) => one !== undefined));
  if (isNever(condition)) return [];
  if (context.explained) return [explainReading(from, field, condition, context)];
  const fields = field.name.includes('.') ? undefined : [field.name];
  const wanted = { table: storedOf(from, context), condition, order: [], offset: 0, limit: undefined, fields };
  const get = getter(field.name, false);
  const values = new Set<string>();
  let read = 0;
  for await (const document of scan(wanted, context, deadline)) {
    if (++read > context.scannedMax) throw tooMany(asked, from, context.scannedMax);
    const value = linkText(get(document.members()));
    if (value !== null) values.add(value);
  }
  return [...values];
}

/** @returns what stands for the values in the plan */
function explainReading(from: TableView, field: FieldView, condition: Condition, context: ServiceContext): string {
  const table = storedOf(from, context);
  const { pushed, residual } = split(condition, context.engine.pushdown, table);
  const plan = { table: table.name, field: field.name, pushed: shown(pushed), residual: shown(residual) };
  context.explained?.push({ ...plan, scan: residual !== undefined });
  return `${field.name} of ${table.name}`;
}

function among(field: FieldView, values: readonly string[], context: ServiceContext): Condition {
  if (!context.explained || values.length === 0) return leadsTo(field, values, context);
  return { kind: 'compare', field: field.name, comparator: Comparator.IN, operands: values };
}

const tooMany = (asked: string, { wireName }: TableView, bound: number) =>
  invalid(
    `The condition on '${asked}' is met by more than ${bound} documents of '${wireName}', which are read first. ` +
      `Make it narrower, or raise 'max_scanned' of the service.`,
    { field: asked, table: wireName, max_scanned: bound },
  );

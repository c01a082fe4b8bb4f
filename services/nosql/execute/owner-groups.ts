/** Related records in groups: those of each owner are counted and summed, in place of the records. */
import { create } from '@bufbuild/protobuf';
import type { Deadline } from '#common/deadline.ts';
import { parseJson } from '#common/json.ts';
import type { TableView } from '#common/schema/extras.ts';
import type { RelationEnds } from '#common/schema/relation-ends.ts';
import {
  type Comparison,
  ComparisonSchema,
  type Filter,
  FilterSchema,
  Selection_Kind as Kind,
  type Operation,
  ReadSchema,
  type Related,
} from '#proto/data/v1/data_pb.ts';
import type { Document } from '../document.ts';
import type { Condition } from '../engine.ts';
import { NEVER } from '../plan/conditions.ts';
import type { ServiceContext } from './context.ts';
import { planGroups } from './groups.ts';
import { withJoins } from './joins.ts';
import { leadsTo, linkText } from './links.ts';
import { documentJson } from './outputs.ts';

type Groups = ReadonlyMap<string, readonly Uint8Array[]>;

/** The groups of related documents that lead to each of the values. */
export async function groupsByOwner(
  related: Related,
  { far, target }: RelationEnds,
  values: readonly string[],
  operation: Operation,
  context: ServiceContext,
  deadline: Deadline,
): Promise<Groups> {
  const names = namesOf(related);
  const owner = target.wireName;
  const read = { group: [owner, ...related.group.filter((name) => name !== owner)], names: [...names, owner] };
  const among = leadsTo(target, values, context);
  const pieces = await groupsAmong(related, read, far, among, operation, context, deadline);
  const groups = new Map<string, Uint8Array[]>();
  for (const piece of pieces.slice(0, limitOf(related, context))) {
    const { [owner]: value = null, ...rest } = parseJson(piece) as Document;
    const whose = linkText(value) ?? '';
    groups.set(whose, [...(groups.get(whose) ?? []), names.includes(owner) ? piece : documentJson(rest)]);
  }
  return groups;
}

/** The groups of those related documents that an owner is joined with by documents between. */
export async function groupsThrough(
  related: Related,
  { far, target }: RelationEnds,
  links: ReadonlyMap<string, readonly string[]>,
  operation: Operation,
  context: ServiceContext,
  deadline: Deadline,
): Promise<Groups> {
  const groups = new Map<string, readonly Uint8Array[]>();
  const read = { group: related.group, names: namesOf(related) };
  // One by one: the same document may be in the groups of many.
  let left = limitOf(related, context);
  for (const [owner, values] of links) {
    if (left <= 0) break;
    const among = leadsTo(target, [...new Set(values)], context);
    const own = await groupsAmong(related, read, far, among, operation, context, deadline);
    groups.set(owner, own.slice(0, left));
    left -= own.length;
  }
  return groups;
}

/** Of all groups, as SQL services have it. */
const limitOf = ({ limit }: Related, { maxRecords }: ServiceContext): number =>
  limit > 0 ? Math.min(limit, maxRecords) : maxRecords;

const namesOf = ({ selection, group }: Related): readonly string[] =>
  selection?.kind === Kind.LISTED ? selection.names : group;

async function groupsAmong(
  { filter, order }: Related,
  { group, names }: { readonly group: readonly string[]; readonly names: readonly string[] },
  far: TableView,
  among: Condition,
  operation: Operation,
  context: ServiceContext,
  deadline: Deadline,
): Promise<readonly Uint8Array[]> {
  const owned = create(ComparisonSchema, {});
  const rules = [filter, context.access.reading(far)];
  const joined = await withJoins(rules, far, operation, context, deadline);
  const join = { some: among, none: NEVER };
  const joins = new Map<Comparison, typeof join>([...joined.joins, [owned, join]]);
  const filters = [...rules.filter((one) => one !== undefined), comparing(owned)];
  const read = create(ReadSchema, {
    table: far.wireName,
    filter: create(FilterSchema, { node: { case: 'all', value: { filters } } }),
    selection: { kind: Kind.LISTED, names: [...names] },
    group: [...group],
    order: [...order],
  });
  return planGroups(read, far, { ...joined, joins }).pieces(operation, deadline);
}

const comparing = (value: Comparison): Filter => create(FilterSchema, { node: { case: 'comparison', value } });

/** Records that belong to each document (database-api §5.2), by virtual relations: of this store, or of other services. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { markForeign } from '#common/records/foreign.ts';
import { arrayOfPieces, withMembers } from '#common/records/pieces.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import type { RelationEnds } from '#common/schema/relation-ends.ts';
import { tablesOf, type WantedRelation, wantedRelations } from '#common/schema/wanted-relations.ts';
import type { Filter, Operation, Related } from '#proto/data/v1/data_pb.ts';
import type { Document, StoredDocument, Wire } from '../document.ts';
import { joinAll } from '../plan/conditions.ts';
import { getter } from '../residual/path.ts';
import type { SortKey } from '../residual/sort.ts';
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { withJoins } from './joins.ts';
import { leadsTo, linkText } from './links.ts';
import { outputsOf } from './outputs.ts';
import { groupsByOwner, groupsThrough } from './owner-groups.ts';
import { orderOf, scan } from './scan.ts';

export interface RelatedReader {
  readonly empty: boolean;
  /** Fields that lead to the related records: documents given to `attach` have them. */
  readonly localFields: readonly FieldView[];
  attach(
    documents: readonly StoredDocument[],
    pieces: readonly Uint8Array[],
    operation: Operation,
    deadline: Deadline,
  ): Promise<Uint8Array[]>;
}

type Fetch = (values: readonly (string | null)[], operation: Operation, deadline: Deadline) => Promise<Uint8Array[]>;

const NULL = Buffer.from('null');
const ZERO = Buffer.from('0');
const EMPTY_LIST = Buffer.from('[]');

/** @throws MillraceError as SQL services do for relations that cannot be followed, or read by the caller */
export function planRelated(
  related: readonly Related[],
  table: TableView,
  context: ServiceContext,
  path: readonly TableView[] = [],
): RelatedReader {
  if (related.length === 0 && table.relations.length === 0) return NONE;
  const wanted = wantedRelations(related, table, context, path);
  context.access.require(wanted.flatMap(({ ends }) => (ends ? tablesOf(ends) : [])));
  const planned = wanted
    .filter(({ named, ends }) => named || !ends || tablesOf(ends).every((one) => context.access.mayRead(one)))
    .map((one) => planRelation(one, table, context, [...path, table]));
  if (planned.length === 0) return NONE;
  return {
    empty: false,
    localFields: [...new Set(planned.map(({ local }) => local))],
    attach: async (documents, pieces, operation, deadline) => {
      const members = documents.map((document) => document.members());
      const columns = await Promise.all(
        planned.map(({ get, fetch }) =>
          fetch(
            members.map((one) => linkText(get(one))),
            operation,
            deadline,
          ),
        ),
      );
      return pieces.map((piece, i) =>
        withMembers(
          piece,
          planned.map(({ name }, j) => [name, columns[j]?.[i] ?? NULL]),
        ),
      );
    },
  };
}

const NONE: RelatedReader = { empty: true, localFields: [], attach: async (_, pieces) => [...pieces] };

interface Planned {
  readonly name: string;
  readonly local: FieldView;
  readonly get: (document: Document) => Wire | undefined;
  readonly fetch: Fetch;
}

function planRelation(
  { related, relation, ends, named }: WantedRelation,
  table: TableView,
  context: ServiceContext,
  path: readonly TableView[],
): Planned {
  const local = ends?.local ?? (table.byFieldName.get(relation.fields[0] ?? '') as FieldView);
  const planned = { name: relation.wireName, local, get: getter(local.name, false) };
  if (!ends) {
    return { ...planned, fetch: async (values, operation) => markForeign(relation, related, named, values, operation) };
  }
  const isSingle = relation.type === 'belongs_to' || relation.type === 'has_one';
  // The original shows a has_one without a row as an empty list.
  const absent = related.countOnly ? ZERO : relation.type === 'belongs_to' ? NULL : EMPTY_LIST;
  const fetch = related.group.length > 0 && !related.countOnly ? groupsOf : recordsOf;
  return { ...planned, fetch: fetch({ related, ends, isSingle, absent }, context, path) };
}

interface Branch {
  readonly related: Related;
  readonly ends: RelationEnds;
  readonly isSingle: boolean;
  /** Shown where nothing belongs to a record. */
  readonly absent: Uint8Array;
}

const shownOf = (own: readonly Uint8Array[], { isSingle, absent }: Branch): Uint8Array => {
  if (own.length === 0) return absent;
  return isSingle ? (own[0] as Uint8Array) : arrayOfPieces(own);
};

/** For each value that leads there: the groups of the records. */
function groupsOf(branch: Branch, context: ServiceContext): Fetch {
  const { related, ends } = branch;
  if (related.related.length > 0) {
    throw invalid('Groups of related records bring none of their own.', { field: 'related' });
  }
  return async (values, operation, deadline) => {
    const distinct = [...new Set(values)].filter((value) => value !== null);
    if (distinct.length === 0) return values.map(() => branch.absent);
    const groups = ends.junction
      ? await groupsThrough(
          related,
          ends,
          await linksOf(ends.junction, distinct, context, operation, deadline),
          operation,
          context,
          deadline,
        )
      : await groupsByOwner(related, ends, distinct, operation, context, deadline);
    return values.map((value) => shownOf(groups.get(value ?? '') ?? [], branch));
  };
}

/** For each value that leads there: the records, in their order. */
function recordsOf(branch: Branch, context: ServiceContext, path: readonly TableView[]): Fetch {
  const { related, ends, absent } = branch;
  const nested = planRelated(related.related, ends.far, context, path);
  const outputs = outputsOf(related.selection, ends.far, [], nested.localFields);
  const target = getter(ends.target.name, false);
  const order = orderOf(related.order, ends.far);
  const limit = related.limit > 0 ? Math.min(related.limit, context.maxRecords) : context.maxRecords;
  return async (values, operation, deadline) => {
    const distinct = [...new Set(values)].filter((value) => value !== null);
    if (distinct.length === 0) return values.map(() => absent);
    const links = ends.junction ? await linksOf(ends.junction, distinct, context, operation, deadline) : undefined;
    const farValues = links ? [...new Set([...links.values()].flat())] : distinct;
    const filters = [related.filter, context.access.reading(ends.far)];
    const found = await documentsWith(
      ends.far,
      ends.target,
      farValues,
      filters,
      { order, limit },
      context,
      operation,
      deadline,
    );
    const pieces = found.map((one) => outputs.json(one));
    const whole = nested.empty ? pieces : await nested.attach(found, pieces, operation, deadline);
    const groups = new Map<string, Uint8Array[]>();
    for (const [i, one] of found.entries()) {
      const owner = linkText(target(one.members())) ?? '';
      groups.set(owner, [...(groups.get(owner) ?? []), whole[i] as Uint8Array]);
    }
    return values.map((value) => {
      if (value === null) return absent;
      const own = links ? (links.get(value) ?? []).flatMap((far) => groups.get(far) ?? []) : (groups.get(value) ?? []);
      if (related.countOnly) return Buffer.from(String(own.length));
      return shownOf(own, branch);
    });
  };
}

/** Over the table between: which far values belong to each near one. */
async function linksOf(
  { table, near, link }: NonNullable<RelationEnds['junction']>,
  values: readonly string[],
  context: ServiceContext,
  operation: Operation,
  deadline: Deadline,
): Promise<Map<string, string[]>> {
  const filters = [context.access.reading(table)];
  const all = { order: [], limit: undefined };
  const found = await documentsWith(table, near, values, filters, all, context, operation, deadline);
  const [nearOf, linkOf] = [getter(near.name, false), getter(link.name, false)];
  const links = new Map<string, string[]>();
  for (const one of found) {
    const members = one.members();
    const [from, to] = [linkText(nearOf(members)), linkText(linkOf(members))];
    if (from !== null && to !== null) links.set(from, [...(links.get(from) ?? []), to]);
  }
  return links;
}

/** Documents whose field holds one of these values, and that meet the filters. */
async function documentsWith(
  table: TableView,
  field: FieldView,
  values: readonly string[],
  filters: readonly (Filter | undefined)[],
  { order, limit }: { readonly order: readonly SortKey[]; readonly limit: number | undefined },
  context: ServiceContext,
  operation: Operation,
  deadline: Deadline,
): Promise<StoredDocument[]> {
  const among = leadsTo(field, values, context);
  const own = conditionOf(filters, table, operation, await withJoins(filters, table, operation, context, deadline));
  const condition = own ? joinAll([among, own]) : among;
  const wanted = { table: storedOf(table, context), condition, order, offset: 0, limit, fields: undefined };
  const found: StoredDocument[] = [];
  for await (const document of scan(wanted, context, deadline)) found.push(document);
  return found;
}

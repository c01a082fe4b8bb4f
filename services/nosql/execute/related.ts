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
import { conditionOf, type ServiceContext, storedOf } from './context.ts';
import { withJoins } from './joins.ts';
import { leadsTo, linkText } from './links.ts';
import { outputsOf } from './outputs.ts';
import { groupsByOwner, groupsThrough } from './owner-groups.ts';
import { orderOf, scan, tooMany, type Wanted } from './scan.ts';

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
  const branch = { related, ends, isSingle, absent };
  if (related.countOnly) return { ...planned, fetch: countsOf(branch, context) };
  return { ...planned, fetch: related.group.length > 0 ? groupsOf(branch, context) : recordsOf(branch, context, path) };
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

/** For each value that leads there: how many records there are, whatever a list may hold. */
function countsOf({ related, ends }: Branch, context: ServiceContext): Fetch {
  const { far, target, junction } = ends;
  const get = getter(target.name, false);
  const fields = target.name.includes('.') ? undefined : [target.name];
  return async (values, operation, deadline) => {
    const distinct = [...new Set(values)].filter((value) => value !== null);
    if (distinct.length === 0) return values.map(() => ZERO);
    const links = junction ? await linksOf(junction, distinct, context, operation, deadline) : undefined;
    const farValues = links ? [...new Set([...links.values()].flat())] : distinct;
    const filters = [related.filter, context.access.reading(far)];
    const all = { order: [], limit: undefined, fields };
    const counts = new Map<string, number>();
    let read = 0;
    for await (const one of documentsWith(far, target, farValues, filters, all, context, operation, deadline)) {
      if (++read > context.scannedMax) throw tooMany(context.scannedMax, storedOf(far, context));
      const leads = linkText(get(one.members())) ?? '';
      counts.set(leads, (counts.get(leads) ?? 0) + 1);
    }
    const countOf = (value: string): number => counts.get(value) ?? 0;
    return values.map((value) => {
      if (value === null) return ZERO;
      const count = links ? (links.get(value) ?? []).reduce((sum, one) => sum + countOf(one), 0) : countOf(value);
      return Buffer.from(String(count));
    });
  };
}

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
    const listing = { order, limit, fields: undefined };
    const { far } = ends;
    const found: StoredDocument[] = [];
    for await (const one of documentsWith(
      far,
      ends.target,
      farValues,
      filters,
      listing,
      context,
      operation,
      deadline,
    )) {
      found.push(one);
    }
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
  const all = { order: [], limit: undefined, fields: undefined };
  const [nearOf, linkOf] = [getter(near.name, false), getter(link.name, false)];
  const links = new Map<string, string[]>();
  for await (const one of documentsWith(table, near, values, filters, all, context, operation, deadline)) {
    const members = one.members();
    const [from, to] = [linkText(nearOf(members)), linkText(linkOf(members))];
    if (from !== null && to !== null) links.set(from, [...(links.get(from) ?? []), to]);
  }
  return links;
}

/** Documents whose field holds one of these values, and that meet the filters. */
async function* documentsWith(
  table: TableView,
  field: FieldView,
  values: readonly string[],
  filters: readonly (Filter | undefined)[],
  listing: Pick<Wanted, 'order' | 'limit' | 'fields'>,
  context: ServiceContext,
  operation: Operation,
  deadline: Deadline,
): AsyncGenerator<StoredDocument> {
  const among = leadsTo(field, values, context);
  const own = conditionOf(filters, table, operation, await withJoins(filters, table, operation, context, deadline));
  const condition = own ? joinAll([among, own]) : among;
  yield* scan({ table: storedOf(table, context), condition, offset: 0, ...listing }, context, deadline);
}

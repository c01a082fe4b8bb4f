/**
 * Records of other tables that belong to each record (database-api §5.2), and records that belong to those: one
 * statement for each relation, whose rows are put into the JSON of their parents.
 */

import type { Deadline } from '#common/deadline.ts';
import { markForeign } from '#common/records/foreign.ts';
import { arrayOfPieces, withMembers } from '#common/records/pieces.ts';
import type { FieldView, TableView } from '#common/schema/extras.ts';
import { tablesOf, type WantedRelation, wantedRelations } from '#common/schema/wanted-relations.ts';
import { Selection_Kind as Kind, type Operation, type Related } from '#proto/data/v1/data_pb.ts';
import { operandCoercionOf } from '../compile/coerce.ts';
import { type Branch, compileBranch } from '../compile/related.ts';
import { hiddenOutputs, outputsOf } from '../plan/selection.ts';
import type { Param, Rows } from '../statement.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { rowAt } from './rows.ts';

export interface RelatedReader {
  readonly empty: boolean;
  /** Fields that lead to the related records: the rows given to `attach` carry them as their hidden columns. */
  readonly localFields: readonly FieldView[];
  /** The rows' JSON, each with its related records. */
  attach(rows: Rows, operation: Operation, deadline: Deadline): Promise<Uint8Array[]>;
}

/** JSON of what belongs to each local value. */
type Fetch = (values: readonly (string | null)[], operation: Operation, deadline: Deadline) => Promise<Uint8Array[]>;

interface Planned {
  readonly name: string;
  readonly local: FieldView;
  readonly fetch: Fetch;
}

const NULL = Buffer.from('null');
const ZERO = Buffer.from('0');
const EMPTY_LIST = Buffer.from('[]');

/**
 * Unknown names are left out, as the original has it; so are, among all relations, those that cannot be followed or read.
 * @param path  tables that lead here: what is always fetched ends where it would begin anew
 * @throws MillraceError unsupported for keys of several columns, denied where the caller may not read the table
 */
export function planRelated(
  related: readonly Related[],
  table: TableView,
  context: ServiceContext,
  path: readonly TableView[] = [],
): RelatedReader {
  const wanted = wantedRelations(related, table, context, path);
  context.access.require(wanted.flatMap(({ ends }) => (ends ? tablesOf(ends) : [])));
  const planned = wanted
    .filter(({ named, ends }) => named || !ends || tablesOf(ends).every((one) => context.access.mayRead(one)))
    .map((one) => planRelation(one, table, context, [...path, table]));
  const localFields = [...new Set(planned.map(({ local }) => local))];
  return {
    empty: planned.length === 0,
    localFields,
    attach: async (rows, operation, deadline) => {
      const width = localFields.length;
      const columns = await Promise.all(
        planned.map(({ local, fetch }) => {
          const at = localFields.indexOf(local);
          const values = Array.from({ length: rows.count }, (_, i) => rows.hidden[i * width + at] ?? null);
          return fetch(values, operation, deadline);
        }),
      );
      return Array.from({ length: rows.count }, (_, i) =>
        withMembers(
          rowAt(rows, i),
          planned.map(({ name }, j) => [name, columns[j]?.[i] ?? NULL]),
        ),
      );
    },
  };
}

function planRelation(
  { related, relation, ends, named }: WantedRelation,
  table: TableView,
  context: ServiceContext,
  path: readonly TableView[],
): Planned {
  const { dialect } = context;
  if (!ends) {
    return {
      name: relation.wireName,
      local: table.byFieldName.get(relation.fields[0] ?? '') as FieldView,
      fetch: async (values, operation) => markForeign(relation, related, named, values, operation),
    };
  }
  const isSingle = relation.type === 'belongs_to' || relation.type === 'has_one';
  const planned = { name: relation.wireName, local: ends.local };
  if (related.countOnly)
    return { ...planned, fetch: countsOf(compileBranch(related, ends, 'count', context), context) };
  const nested = planRelated(related.related, ends.far, context, path);
  const selection = related.selection ?? { $typeName: 'millrace.data.v1.Selection', kind: Kind.ALL, names: [] };
  const shown = outputsOf(selection, ends.far, [], dialect, {
    grouped: related.group.length > 0,
    extra: nested.localFields,
  });
  const branch = compileBranch(related, ends, [...hiddenOutputs(nested.localFields, dialect), ...shown], context);
  // The original shows a has_one without a row as an empty list.
  const absent = relation.type === 'belongs_to' ? NULL : EMPTY_LIST;
  return { ...planned, fetch: recordsOf(branch, nested, isSingle, absent, context) };
}

function recordsOf(
  branch: Branch,
  nested: RelatedReader,
  isSingle: boolean,
  absent: Uint8Array,
  context: ServiceContext,
): Fetch {
  return async (values, operation, deadline) => {
    const rows = await run(branch, values, operation, deadline, context);
    if (!rows || rows.count === 0) return values.map(() => absent);
    const width = rows.hidden.length / rows.count;
    const pieces = nested.empty
      ? Array.from({ length: rows.count }, (_, i) => rowAt(rows, i))
      : await nested.attach(withoutFirst(rows, width), operation, deadline);
    const groups = new Map<string, Uint8Array[]>();
    pieces.forEach((piece, i) => {
      const owner = String(rows.hidden[i * width]);
      const group = groups.get(owner);
      if (group) group.push(piece);
      else groups.set(owner, [piece]);
    });
    return values.map((value) => {
      const group = value === null ? undefined : groups.get(value);
      if (!group) return absent;
      return isSingle ? (group[0] as Uint8Array) : arrayOfPieces(group);
    });
  };
}

/** The hidden columns of a count: whose it is, and how many. */
function countsOf(branch: Branch, context: ServiceContext): Fetch {
  return async (values, operation, deadline) => {
    const rows = await run(branch, values, operation, deadline, context);
    const counts = new Map<string, Uint8Array>();
    for (let i = 0; i < (rows?.count ?? 0); i++) {
      counts.set(String(rows?.hidden[2 * i]), Buffer.from(String(rows?.hidden[2 * i + 1])));
    }
    return values.map((value) => (value === null ? ZERO : (counts.get(value) ?? ZERO)));
  };
}

/** undefined: nothing leads anywhere. */
async function run(
  { owner, template }: Branch,
  values: readonly (string | null)[],
  operation: Operation,
  deadline: Deadline,
  { source, dialect }: ServiceContext,
): Promise<Rows | undefined> {
  const distinct = [...new Set(values)].filter((value) => value !== null);
  if (distinct.length === 0) return undefined;
  const coerce = operandCoercionOf(owner, dialect);
  const record: Param[] = distinct.map((value) => coerce(value));
  return source.run(template.bind(record, bindContextOf(operation)), deadline);
}

function withoutFirst(rows: Rows, width: number): Rows {
  return { ...rows, hidden: rows.hidden.filter((_, i) => i % width !== 0) };
}

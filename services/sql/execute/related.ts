/**
 * Records of other tables that belong to each record (database-api §5.2), and records that belong to those: one
 * statement for each relation, whose rows are put into the JSON of their parents.
 */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { Selection_Kind as Kind, type Operation, type Related } from '#proto/data/v1/data_pb.ts';
import { operandCoercionOf } from '../compile/coerce.ts';
import { type Branch, compileBranch } from '../compile/related.ts';
import type { FieldView, RelationView, TableView } from '../extras.ts';
import { endsOf, findEnds, type RelationEnds } from '../plan/relation-ends.ts';
import { hiddenOutputs, outputsOf } from '../plan/selection.ts';
import type { Param, Rows } from '../statement.ts';
import { bindContextOf, type ServiceContext } from './context.ts';
import { markForeign } from './foreign.ts';
import { arrayOfPieces, rowAt } from './rows.ts';

export interface RelatedReader {
  readonly empty: boolean;
  /** Fields that lead to the related records: the rows given to `attach` carry them as their hidden columns. */
  readonly localFields: readonly FieldView[];
  /** The rows' JSON, each with its related records. */
  attach(rows: Rows, operation: Operation, deadline: Deadline): Promise<Uint8Array[]>;
}

/** JSON of what belongs to each local value. */
type Fetch = (values: readonly (string | null)[], operation: Operation, deadline: Deadline) => Promise<Uint8Array[]>;

interface Wanted {
  readonly related: Related;
  readonly relation: RelationView;
  /** undefined: in another service. */
  readonly ends: RelationEnds | undefined;
  /** Named, and not only among all of them. */
  readonly named: boolean;
}

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
  const wanted = wantedOf(related, table, context, path);
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

/** What is asked for, then what is there always. */
function wantedOf(
  related: readonly Related[],
  table: TableView,
  { view, strict, mergesForeign }: ServiceContext,
  path: readonly TableView[],
): Wanted[] {
  const wanted = new Map<RelationView, Wanted>();
  const add = (relation: RelationView, one: Related, named: boolean): void => {
    if (wanted.has(relation)) return;
    if (relation.foreign && mergesForeign && table.byFieldName.get(relation.fields[0] ?? '')?.column) {
      wanted.set(relation, { related: one, relation, ends: undefined, named });
      return;
    }
    const ends = named ? endsOf(relation, table, view) : findEnds(relation, table, view);
    if (ends) wanted.set(relation, { related: one, relation, ends, named });
  };
  for (const one of related) {
    const spelled = spellings(one, table);
    if (strict && spelled.length === 0 && one.name !== '*') {
      throw invalid(`'${one.name}' is no relation of '${table.wireName}'.`, { field: 'related' });
    }
    for (const each of spelled) add(table.byRelationWireName.get(each.name) as RelationView, each, true);
  }
  for (const one of related) if (one.name === '*') for (const relation of table.relations) add(relation, one, false);
  for (const relation of table.relations) {
    const isNew = relation.alwaysFetch && !path.some(({ name }) => name === relation.refTable);
    if (isNew && relation.refTable !== table.name) add(relation, allOf(relation), false);
  }
  return [...wanted.values()];
}

/** What was read as `a` and below it `b` may be one relation whose name has a dot. */
function spellings(related: Related, table: TableView): Related[] {
  if (table.byRelationWireName.get(related.name)) return [related];
  return related.related.flatMap((inner) => spellings({ ...inner, name: `${related.name}.${inner.name}` }, table));
}

const tablesOf = ({ far, junction }: RelationEnds): TableView[] => (junction ? [far, junction.table] : [far]);

function allOf(relation: RelationView): Related {
  return {
    $typeName: 'millrace.data.v1.Related',
    name: relation.wireName,
    order: [],
    limit: 0,
    group: [],
    countOnly: false,
    related: [],
  };
}

function planRelation(
  { related, relation, ends, named }: Wanted,
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

/** A JSON object with members added at its end. */
function withMembers(object: Uint8Array, members: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [object.subarray(0, object.length - 1)];
  let separator = object.length > 2 ? ',' : '';
  for (const [name, json] of members) {
    parts.push(Buffer.from(`${separator}${JSON.stringify(name)}:`), json);
    separator = ',';
  }
  parts.push(Buffer.from('}'));
  return Buffer.concat(parts);
}

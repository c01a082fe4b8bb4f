/**
 * Records of other tables that belong to each record (database-api §5.2): one statement for each relation, two for a
 * many-to-many one, whose rows are put into the JSON of their parents.
 */
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { Selection_Kind as Kind, type Operation, type Related, type Selection } from '#proto/data/v1/data_pb.ts';
import { operandCoercionOf } from '../compile/coerce.ts';
import { ListTemplate } from '../compile/list.ts';
import { orderSql, selectFrom } from '../compile/read.ts';
import type { Param, Rows } from '../engine.ts';
import type { FieldView, RelationView, TableView } from '../extras.ts';
import { hiddenOutputs, type Output, outputsOf } from '../plan/selection.ts';
import { arrayOfPieces, bindContextOf, rowAt, type ServiceContext } from './context.ts';

export interface RelatedReader {
  readonly empty: boolean;
  /** Fields that lead to the related records: the rows given to `attach` carry them as their hidden columns. */
  readonly localFields: readonly FieldView[];
  /** The rows' JSON, each with its related records. */
  attach(rows: Rows, operation: Operation, deadline: Deadline): Promise<Uint8Array[]>;
}

/** JSON of the related records for each local value. */
type Branch = (values: readonly (string | null)[], operation: Operation, deadline: Deadline) => Promise<Uint8Array[]>;

interface Planned {
  readonly name: string;
  readonly local: FieldView;
  readonly fetch: Branch;
}

const NULL = Buffer.from('null');
const EMPTY_LIST = Buffer.from('[]');

/** Unknown names are left out, as the original has it. @throws MillraceError unsupported for keys of several columns */
export function planRelated(related: readonly Related[], table: TableView, context: ServiceContext): RelatedReader {
  const planned = related.flatMap((one) =>
    (one.name === '*' ? table.relations : [table.byRelationWireName.get(one.name)]).flatMap((relation) =>
      relation ? [planRelation(one, relation, table, context)] : [],
    ),
  );
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

function planRelation(related: Related, relation: RelationView, table: TableView, context: ServiceContext): Planned {
  const [localName, ...more] = relation.fields;
  const local = localName === undefined ? undefined : table.byFieldName.get(localName);
  const far = context.view.byName.get(relation.refTable);
  const target = far?.byFieldName.get(relation.refFields[0] ?? '');
  if (more.length > 0) {
    throw new MillraceError(
      'unsupported',
      'Relating records with multi-column foreign keys is not currently supported.',
    );
  }
  if (!local || !far || !target) {
    throw new MillraceError('invalid', `The relation '${relation.wireName}' leads to a table that is not there.`);
  }
  const single = relation.type === 'belongs_to';
  const fetch =
    relation.type === 'many_many'
      ? planManyMany(related, relation, far, target, context)
      : planChildren(related, far, target, single || relation.type === 'has_one', context);
  // The original shows a has_one without a row as an empty list.
  const absent = single ? NULL : EMPTY_LIST;
  return { name: relation.wireName, local, fetch: fetch(absent) };
}

function planChildren(related: Related, far: TableView, target: FieldView, single: boolean, context: ServiceContext) {
  const { dialect, source } = context;
  const outputs = [...hiddenOutputs([target], dialect), ...outputsOf(selectionOf(related), far, [], dialect)];
  const template = compileIn(related, far, target, outputs, context);
  return (absent: Uint8Array): Branch =>
    async (values, operation, deadline) => {
      const distinct = distinctOf(values);
      if (distinct.length === 0) return values.map(() => absent);
      const rows = await source.run(
        template.bind(coerced(distinct, target, context), bindContextOf(operation)),
        deadline,
      );
      const groups = grouped(rows);
      return values.map((value) => {
        const pieces = value === null ? undefined : groups.get(value);
        if (!pieces) return absent;
        return single ? (pieces[0] as Uint8Array) : arrayOfPieces(pieces);
      });
    };
}

function planManyMany(
  related: Related,
  relation: RelationView,
  far: TableView,
  target: FieldView,
  context: ServiceContext,
) {
  const { dialect, source } = context;
  const junction = context.view.byName.get(relation.junction?.table ?? '');
  const near = junction?.byFieldName.get(relation.junction?.fields[0] ?? '');
  const link = junction?.byFieldName.get(relation.junction?.refFields[0] ?? '');
  if (!junction || !near || !link) {
    throw new MillraceError('invalid', `The relation '${relation.wireName}' leads through a table that is not there.`);
  }
  const links = compileIn({ order: [], limit: 0 }, junction, near, hiddenOutputs([near, link], dialect), context);
  const fetchFar = planChildren(related, far, target, true, context)(NULL);
  return (_absent: Uint8Array): Branch =>
    async (values, operation, deadline) => {
      const distinct = distinctOf(values);
      if (distinct.length === 0) return values.map(() => EMPTY_LIST);
      const rows = await source.run(links.bind(coerced(distinct, near, context), bindContextOf(operation)), deadline);
      const pairs = Array.from({ length: rows.count }, (_, i) => rows.hidden.slice(i * 2, i * 2 + 2));
      const farKeys = pairs.map(([, key]) => key ?? null);
      const farJson = await fetchFar(farKeys, operation, deadline);
      const groups = new Map<string, Uint8Array[]>();
      pairs.forEach(([value], i) => {
        const json = farJson[i];
        if (value === null || value === undefined || !json || json === NULL) return;
        groups.set(value, [...(groups.get(value) ?? []), json]);
      });
      return values.map((value) => arrayOfPieces(value === null ? [] : (groups.get(value) ?? [])));
    };
}

/** `select … where target in (values) order … limit`: the limit is on the whole, as the original has it. */
function compileIn(
  related: Pick<Related, 'order' | 'limit'>,
  table: TableView,
  target: FieldView,
  outputs: readonly Output[],
  context: ServiceContext,
): ListTemplate {
  const { dialect, maxRecords } = context;
  const column = target.column;
  if (!column) throw new MillraceError('invalid', `Field '${target.wireName}' cannot relate records.`);
  const limit = related.limit > 0 ? Math.min(related.limit, maxRecords) : maxRecords;
  return new ListTemplate(dialect, (condition) => {
    const builder = selectFrom(table, outputs, dialect);
    builder.add(` where ${condition(builder.quote(column.name), column, builder)}`);
    if (related.order.length > 0) builder.add(` order by ${orderSql(related.order, table, outputs, dialect)}`);
    builder.add(` limit ${builder.placeholder(() => limit, dialect.wholeNumberType)}`);
    return builder.finish(outputs.map((output) => output.column));
  });
}

function selectionOf(related: Related): Selection {
  return related.selection ?? { $typeName: 'millrace.data.v1.Selection', kind: Kind.ALL, names: [] };
}

function coerced(values: readonly string[], field: FieldView, { dialect }: ServiceContext): Param[] {
  const coerce = operandCoercionOf(field, dialect);
  return values.map((value) => coerce(value));
}

function distinctOf(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter((value) => value !== null))];
}

/** By the text of the first hidden column. */
function grouped(rows: Rows): Map<string, Uint8Array[]> {
  const groups = new Map<string, Uint8Array[]>();
  for (let i = 0; i < rows.count; i++) {
    const value = rows.hidden[i];
    if (value === null || value === undefined) continue;
    const pieces = groups.get(value);
    if (pieces) pieces.push(rowAt(rows, i));
    else groups.set(value, [rowAt(rows, i)]);
  }
  return groups;
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

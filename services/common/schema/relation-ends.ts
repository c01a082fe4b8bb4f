/** From which field a relation starts, and where it leads. */
import { MillraceError } from '../errors.ts';
import type { FieldView, RelationView, SchemaView, TableView } from './extras.ts';

export interface RelationEnds {
  /** Of the table that has the relation. */
  readonly local: FieldView;
  readonly far: TableView;
  /** The field of the far table that holds the same value. */
  readonly target: FieldView;
  /** many_many: the table between, and its fields that hold the values of `local` and `target`. */
  readonly junction: { readonly table: TableView; readonly near: FieldView; readonly link: FieldView } | undefined;
}

/** @throws MillraceError unsupported for keys of several columns, invalid where it leads to nothing that is there */
export function endsOf(relation: RelationView, table: TableView, view: SchemaView): RelationEnds {
  const ends = findEnds(relation, table, view);
  if (ends) return ends;
  if (relation.foreign) {
    const message = `The relation '${relation.wireName}' leads to another service: its records are only read along.`;
    throw new MillraceError('unsupported', message, { relation: relation.wireName });
  }
  if (hasSeveralColumns(relation)) {
    const message = 'Relating records with multi-column foreign keys is not currently supported.';
    throw new MillraceError('unsupported', message, { relation: relation.wireName });
  }
  throw new MillraceError('invalid', `The relation '${relation.wireName}' leads to a table that is not there.`);
}

/** undefined where nobody can follow it: it has a key of several columns, or leads to nothing that is there. */
export function findEnds(relation: RelationView, table: TableView, view: SchemaView): RelationEnds | undefined {
  if (relation.foreign || hasSeveralColumns(relation)) return undefined;
  const local = table.byFieldName.get(relation.fields[0] ?? '');
  const far = view.byName.get(relation.refTable);
  const target = far?.byFieldName.get(relation.refFields[0] ?? '');
  const junction = relation.type === 'many_many' ? junctionOf(relation, view) : undefined;
  if (!local?.column || !far || !target?.column || (relation.type === 'many_many' && !junction)) return undefined;
  return { local, far, target, junction };
}

/** On either side, or in the table between. */
const hasSeveralColumns = ({ fields, refFields, junction }: RelationView): boolean =>
  [fields, refFields, junction?.fields, junction?.refFields].some((names) => names && names.length > 1);

function junctionOf({ junction }: RelationView, view: SchemaView): RelationEnds['junction'] {
  const table = view.byName.get(junction?.table ?? '');
  const near = table?.byFieldName.get(junction?.fields[0] ?? '');
  const link = table?.byFieldName.get(junction?.refFields[0] ?? '');
  return table && near?.column && link?.column ? { table, near, link } : undefined;
}

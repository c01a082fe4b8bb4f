/** Which relations of a table an operation asks for, and where they lead. */
import type { Related } from '#proto/data/v1/data_pb.ts';
import { invalid } from '../errors.ts';
import type { RelationView, SchemaView, TableView } from './extras.ts';
import { endsOf, findEnds, type RelationEnds } from './relation-ends.ts';

export interface WantedRelation {
  readonly related: Related;
  readonly relation: RelationView;
  /** undefined: in another service. */
  readonly ends: RelationEnds | undefined;
  /** Named, and not only among all of them. */
  readonly named: boolean;
}

interface Asking {
  readonly view: SchemaView;
  /** What would be left out in silence is refused. */
  readonly strict: boolean;
  /** Whoever asks puts records of other services into the answer. */
  readonly mergesForeign: boolean;
}

/** What is asked for, then what is there always. */
export function wantedRelations(
  related: readonly Related[],
  table: TableView,
  { view, strict, mergesForeign }: Asking,
  path: readonly TableView[],
): WantedRelation[] {
  const wanted = new Map<RelationView, WantedRelation>();
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

export const tablesOf = ({ far, junction }: RelationEnds): TableView[] => (junction ? [far, junction.table] : [far]);

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

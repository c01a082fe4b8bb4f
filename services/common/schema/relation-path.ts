/** `relation.field`: a field of related records, by its path. */
import type { RelationView, TableView } from './extras.ts';

export interface RelationPath {
  readonly relation: RelationView;
  /** A field of the far table, or a path of its own. */
  readonly rest: string;
}

/** undefined where no relation of the table is named. Names may have dots of their own. */
export function relationPath(name: string, table: TableView): RelationPath | undefined {
  if (table.relations.length === 0) return undefined;
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const relation = table.byRelationWireName.get(name.slice(0, dot));
    if (relation) return { relation, rest: name.slice(dot + 1) };
  }
  return undefined;
}

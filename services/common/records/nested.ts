/** Members of a record that are records of its relations (database-api §5.3). */
import { invalid } from '../errors.ts';
import type { RelationView, SchemaView, TableView } from '../schema/extras.ts';
import { endsOf } from '../schema/relation-ends.ts';
import type { TableAccess } from '../schema/table-access.ts';

export type RecordObject = Readonly<Record<string, unknown>>;
export type Relations = ReadonlyMap<RelationView, unknown>;

/** A field of that name comes before a relation. */
export type IsField = (name: string, table: TableView) => boolean;

export function relationsIn(record: RecordObject, table: TableView, isField: IsField): Relations {
  const found = new Map<RelationView, unknown>();
  for (const [key, value] of Object.entries(record)) {
    const relation = table.byRelationWireName.get(key);
    if (relation && !isField(key, table)) found.set(relation, value);
  }
  return found;
}

/** Does any of the records hold a member that is a relation? */
export function bringsRelated(records: readonly unknown[], table: TableView, isField: IsField): boolean {
  if (table.relations.length === 0) return false;
  return records.some(
    (record) =>
      typeof record === 'object' && record !== null && relationsIn(record as RecordObject, table, isField).size > 0,
  );
}

/** Every table that these records bring records of. @throws MillraceError that names those whose rules did not come */
export function requireReached(
  records: readonly unknown[],
  table: TableView,
  { view, access }: { readonly view: SchemaView; readonly access: TableAccess },
  isField: IsField,
): void {
  const reached = new Set<TableView>();
  const collect = (values: readonly unknown[], owner: TableView): void => {
    for (const value of values) {
      if (typeof value !== 'object' || value === null) continue;
      if (Array.isArray(value)) {
        collect(value, owner);
        continue;
      }
      for (const [relation, inner] of relationsIn(value as RecordObject, owner, isField)) {
        const { far, junction } = endsOf(relation, owner, view);
        reached.add(far);
        if (junction) reached.add(junction.table);
        collect([inner], far);
      }
    }
  };
  collect(records, table);
  access.require([...reached]);
}

/** The one record of a relation. @throws MillraceError invalid that names the relation */
export function relatedObject(value: unknown, { wireName }: RelationView): RecordObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`'${wireName}' must hold an object.`, { field: wireName });
  }
  return value as RecordObject;
}

/** The records of a relation, of which one may stand for itself. @throws MillraceError invalid that names the relation */
export function relatedObjects(value: unknown, relation: RelationView): RecordObject[] {
  if (isNone(value)) return [];
  const list = Array.isArray(value) ? value : [value];
  return list.map((element) => relatedObject(element, relation));
}

/** No record at all: NULL, or an empty list. */
export function isNone(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

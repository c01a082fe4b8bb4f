/** The tables of a database, as far as the caller may know them: their records as schemas, how they are related. */
import { DOCUMENT_TABLES_MAX } from '#common/bounds.ts';
import { VERB_BITS } from '#common/verbs.ts';
import { ResourceKind } from '#proto/data/v1/data_pb.ts';
import { PathAccess } from './access.ts';
import { content, listOf, object } from './components.ts';
import { componentNames, type Json, ref, type Segment } from './document.ts';
import { type Field, fieldSchemas, wireName } from './schema-types.ts';
import type { Subject, Wants } from './subject.ts';

const GET = VERB_BITS['GET'] ?? 0;
const ANY_ID: Segment = { name: 'id', description: '' };

interface Relation {
  readonly alias?: string | null;
  readonly name: string;
  readonly type: string;
  readonly field: string;
  readonly ref_service_id: number;
  readonly ref_table: string;
  readonly ref_field: string;
  readonly junction_service_id: number | null;
  readonly junction_table: string | null;
}

export interface Table {
  /** As in paths of records. */
  readonly wireName: string;
  /** As in paths of `_schema`. */
  readonly realName: string;
  /** The first one in lower case. */
  readonly key: string;
  /** As a part of operation ids and names of components, unlike that of any other table. */
  readonly idPart: string;
  readonly hasRecords: boolean;
  readonly fields: readonly Field[];
  /** To tables that the caller may read. */
  readonly relations: readonly Relation[];
}

export interface Tables {
  readonly tables: readonly Table[];
  /** There are more than one document describes. */
  readonly isCut: boolean;
}

/**
 * Those that the caller may use in any way. Fields and relations are those of tables that he may read.
 * @throws MillraceError whatever the connector says
 */
export async function tablesOf({ service, access, catalogue, wants, state, principal }: Subject): Promise<Tables> {
  const listed = await catalogue.resources(service, ResourceKind.SCHEMA);
  const usable = listed.flatMap((entry) => {
    const [realName, wire] = [String(entry['name']), wireName(entry as unknown as Field)];
    const hasRecords = access.may(['_table', wire], 31) || access.may(['_table', wire, ANY_ID], 31);
    if (!hasRecords && !access.may(['_schema', realName], 31)) return [];
    return [{ realName, wireName: wire, key: wire.toLowerCase(), hasRecords }];
  });
  const tables = usable.slice(0, DOCUMENT_TABLES_MAX);
  const isReadable = ({ realName, wireName: wire }: (typeof tables)[number]): boolean =>
    access.may(['_table', wire], GET) ||
    access.may(['_table', wire, ANY_ID], GET) ||
    access.may(['_schema', realName], GET);
  const readable = tables.filter(isReadable);
  const isWanted = wants.expand || wants.tables === 'descriptions';
  const described =
    isWanted && readable.length > 0
      ? await catalogue.tables(
          service,
          readable.map(({ realName }) => realName),
        )
      : [];
  const byName = new Map(described.map((table) => [String(table['name']), table]));

  const readableNames = new Set(readable.flatMap(({ realName, key }) => [realName.toLowerCase(), key]));
  const mayRead = (serviceId: number | null, table: string | null): boolean => {
    if (table === null) return true;
    if (serviceId === service.id) return readableNames.has(table.toLowerCase());
    const other = serviceId === null ? undefined : state.services.get(serviceId);
    return other !== undefined && new PathAccess(principal, other).may(['_table', table], GET);
  };
  const idParts = componentNames(tables.map(({ wireName: wire }) => wire));
  const complete = tables.map((table) => {
    const description = byName.get(table.realName);
    const relations = (description?.['related'] ?? []) as Relation[];
    return {
      ...table,
      idPart: idParts.get(table.wireName) ?? '',
      fields: (description?.['field'] ?? []) as Field[],
      relations: relations.filter(
        (each) =>
          mayRead(each.ref_service_id, each.ref_table) && mayRead(each.junction_service_id, each.junction_table),
      ),
    };
  });
  return { tables: complete, isCut: tables.length < usable.length };
}

/** Body and answer of calls on one table. */
export interface RecordShapes {
  readonly records: { readonly body: Json; readonly answer: Json };
  readonly record: { readonly body: Json; readonly answer: Json };
}

export interface TableSchemas {
  readonly components: Json;
  /** undefined: the caller may not know the fields. */
  shapesOf(table: Table): RecordShapes | undefined;
}

/** A schema for the records of each table, under `service.table`. */
export function tableSchemas({ service }: Subject, tables: readonly Table[]): TableSchemas {
  const described = tables.filter(({ fields }) => fields.length > 0);
  const names = new Map(described.map((table) => [table.key, `${service.name}.${table.idPart}`]));
  const realNames = new Map(described.map(({ realName, key }) => [realName.toLowerCase(), key]));
  const nameOf = (table: string): string | undefined => {
    const key = table.toLowerCase();
    return names.get(key) ?? names.get(realNames.get(key) ?? '');
  };
  const relationSchema = (relation: Relation): Json => {
    const name = relation.ref_service_id === service.id ? nameOf(relation.ref_table) : undefined;
    const one = name === undefined ? { type: 'object' } : ref('schemas', name);
    return relation.type === 'has_many' || relation.type === 'many_many' ? listOf(one) : one;
  };
  const components = described.map((table) => {
    const related = table.relations.map((relation) => [wireName(relation), relationSchema(relation)]);
    return [names.get(table.key), object({ ...fieldSchemas(table.fields), ...Object.fromEntries(related) })];
  });
  return {
    components: Object.fromEntries(components) as Json,
    shapesOf: ({ key }) => {
      const name = names.get(key);
      if (name === undefined) return undefined;
      const record = ref('schemas', name);
      const records = { resource: listOf(record) };
      const shape = (schema: Json, answered: Json) => ({
        body: { required: true, content: content(schema) },
        answer: { description: 'What was asked for of each.', content: content(answered) },
      });
      return {
        records: shape(object(records), object({ ...records, meta: ref('schemas', 'Metadata') })),
        record: shape(record, record),
      };
    },
  };
}

/** What the original says of tables in `_spec`, for programs that write queries. */
export function tableExtensions({ tables: wanted }: Wants, shown: readonly Table[]): Json {
  const names = shown.filter(({ hasRecords }) => hasRecords).map(({ wireName: wire }) => wire);
  const resources = {
    type: 'database',
    tables: names,
    count: names.length,
    note: 'Names for /_table/{table_name}.',
  };
  if (wanted === 'names') return { 'x-dreamfactory-resources': resources };
  const related = shown.filter(({ relations }) => relations.length > 0);
  const all = related.flatMap((table) => table.relations.map((relation) => ({ table: table.wireName, ...relation })));
  return {
    'x-dreamfactory-resources': resources,
    'x-dreamfactory-relationships': {
      description: 'Names for the option `related`, by table.',
      tables: Object.fromEntries(related.map(({ wireName: wire, relations }) => [wire, relations.map(told)])),
      patterns: {
        junction_tables: all
          .filter(({ type }) => type === 'many_many')
          .map(({ table, ref_table, junction_table }) => ({
            table,
            related_table: ref_table,
            junction: junction_table,
            hint: `Records of ${table} and of ${ref_table} belong together by records of ${junction_table}.`,
          })),
        hierarchies: all
          .filter(({ table, type, ref_table }) => type === 'has_many' && ref_table === table)
          .map(({ table, field, ref_field }) => ({
            table,
            child_field: ref_field,
            parent_field: field,
            hint: `Records of ${table} are a tree: ${ref_field} refers to the ${field} of the parent. All that is below a record is found level by level.`,
          })),
      },
    },
  };
}

function told(relation: Relation): Json {
  const { type, field, ref_table, ref_field, junction_table } = relation;
  const description: Readonly<Record<string, string>> = {
    belongs_to: `${field} refers to ${ref_field} of ${ref_table}.`,
    has_one: `${ref_field} of one record of ${ref_table} refers to ${field}.`,
    has_many: `${ref_field} of records of ${ref_table} refers to ${field}.`,
    many_many: `Records of ${ref_table}, by way of ${junction_table}.`,
  };
  return {
    name: wireName(relation),
    type,
    field,
    ref_table,
    ref_field,
    junction_table,
    description: description[type] ?? '',
  };
}

/** The paths of a database service (database-api §11). */
import { MillraceError } from '#common/errors.ts';
import { ResourceKind } from '#proto/data/v1/data_pb.ts';
import { type OptionName, operation } from './components.ts';
import { databaseComponents, databaseWord } from './database-components.ts';
import { at, type Json, joined, type Part, type PathEntry, type Placeholder, type Segment } from './document.ts';
import type { Subject } from './subject.ts';
import { type RecordShapes, type Table, type Tables, tableExtensions, tableSchemas, tablesOf } from './tables.ts';

const TABLE: Placeholder = { name: 'table_name', description: 'Name of the table.' };
const FIELD: Placeholder = { name: 'field_name', description: 'Name of the field.' };
const RELATION: Placeholder = { name: 'relationship_name', description: 'Name of the relation.' };
const ID: Placeholder = {
  name: 'id',
  description: 'Identifier of the record; the values of a composite key, comma-separated.',
};
const PROCEDURE: Placeholder = { name: 'procedure_name', description: 'Name of the procedure.' };
const FUNCTION: Placeholder = { name: 'function_name', description: 'Name of the function.' };

const LISTING: readonly OptionName[] = ['fields', 'ids', 'as_list', 'include_access', 'schema', 'refresh'];
const WRITTEN: readonly OptionName[] = ['fields', 'related', 'id_field', 'continue', 'rollback'];

const NO_TABLES: Tables = { tables: [], isCut: false };

export async function describeDatabase(subject: Subject): Promise<Part> {
  const { service, word, wants } = subject;
  const [hasRoutines, { tables, isCut }] = await Promise.all([
    hasResource(subject, '_proc'),
    wants.expand || wants.tables !== 'nothing' ? tablesOf(subject) : NO_TABLES,
  ]);
  const shown = wants.only.length === 0 ? tables : tables.filter((table) => wants.only.includes(table.key));
  const schemas = tableSchemas(subject, shown);
  const perTable = wants.expand ? shown.flatMap((table) => expanded(word, table, schemas.shapesOf(table))) : [];
  const ofAny = [...schemaEntries(word, TABLE, ''), ...recordEntries(word, TABLE, '')];
  const entries = [
    at([], {
      get: operation(`get${word}Resources`, 'What this service has.', `${databaseWord(service.type)}sResponse`, {
        options: ['as_list', 'as_access_list', 'include_access', 'fields', 'id_field', 'refresh'],
      }),
    }),
    ...collectionEntries(word),
    ...perTable,
    ...(!wants.expand || isCut ? ofAny : []),
    ...(hasRoutines ? routineEntries(word) : []),
  ];
  return {
    entries: wants.expand && wants.only.length > 0 ? perTable : entries,
    components: joined(databaseComponents(service.type, hasRoutines), { schemas: schemas.components }),
    ...(wants.tables !== 'nothing' && { extensions: tableExtensions(wants, shown) }),
  };
}

/** A database that does not answer has its usual paths all the same. */
async function hasResource({ service, catalogue }: Subject, name: string): Promise<boolean> {
  try {
    const resources = await catalogue.probe(service, ResourceKind.ROOT);
    return resources.some((each) => each['name'] === name);
  } catch (error) {
    if (error instanceof MillraceError) return false;
    throw error;
  }
}

function collectionEntries(word: string): PathEntry[] {
  const write = (verb: string, summary: string) =>
    operation(`${verb}${word}Tables`, summary, 'TableSchemas', { body: 'TableSchemas' });
  return [
    at(['_schema'], {
      get: operation(`get${word}DbSchemaResources`, 'Names of tables; with ids, their descriptions.', 'TableSchemas', {
        options: LISTING,
      }),
      post: write('create', 'Create tables.'),
      put: write('replace', 'Change tables; fields that are not named are dropped.'),
      patch: write('update', 'Change tables.'),
    }),
    at(['_table'], { get: operation(`get${word}Tables`, 'Names of tables.', 'TableSchemas', { options: LISTING }) }),
  ];
}

/** @param suffix  of the ids of operations that are for one table only */
function schemaEntries(word: string, table: Segment, suffix: string, fields: readonly string[] = []): PathEntry[] {
  const id = (verb: string, noun: string) => `${verb}${word}${noun}${suffix}`;
  const read = (noun: string, summary: string, answer: string) =>
    operation(id('describe', noun), summary, answer, { options: ['refresh'] });
  const write = (verb: string, noun: string, summary: string, body: string) =>
    operation(id(verb, noun), summary, 'Success', { body, options: ['fields'] });
  const drop = (noun: string, summary: string, options: readonly OptionName[] = []) =>
    operation(id('delete', noun), summary, 'Success', { options });
  const parts = (noun: string, what: string, body: string) => ({
    get: read(noun, `Describe the ${what}s of a table.`, body),
    post: write('create', noun, `Create ${what}s.`, body),
    put: write('replace', noun, `Change ${what}s; those that are not named are dropped.`, body),
    patch: write('update', noun, `Change ${what}s.`, body),
    delete: drop(noun, `Drop ${what}s.`, ['ids']),
  });
  const part = (noun: string, what: string, end = '') => ({
    get: operation(`${id('describe', noun)}${end}`, `Describe a ${what}.`, `${noun}Schema`, { options: ['refresh'] }),
    put: operation(`${id('replace', noun)}${end}`, `Change a ${what}.`, 'Success', { body: `${noun}Schema` }),
    patch: operation(`${id('update', noun)}${end}`, `Change a ${what}.`, 'Success', { body: `${noun}Schema` }),
    delete: operation(`${id('delete', noun)}${end}`, `Drop a ${what}.`, 'Success'),
  });
  const named =
    suffix === '' ? [{ segment: FIELD, end: '' }] : fields.map((segment) => ({ segment, end: `_${segment}` }));
  return [
    at(['_schema', table], {
      get: read('Table', 'Describe a table.', 'TableSchema'),
      post: write('create', 'Table', 'Create a table.', 'TableSchema'),
      put: write('replace', 'Table', 'Change a table; fields that are not named are dropped.', 'TableSchema'),
      patch: write('update', 'Table', 'Change a table.', 'TableSchema'),
      delete: drop('Table', 'Drop a table with all its records.'),
    }),
    at(['_schema', table, '_field'], parts('Fields', 'field', 'FieldSchemas')),
    at(['_schema', table, '_related'], parts('Relationships', 'relation', 'RelationshipSchemas')),
    ...named.map(({ segment, end }) => at(['_schema', table, '_field', segment], part('Field', 'field', end))),
    at(['_schema', table, '_related', RELATION], part('Relationship', 'relation')),
  ];
}

/** Bodies and answers of the records of one table, or of any. */
interface Shapes {
  readonly records: { readonly body: string | Json; readonly answer: string | Json };
  readonly record: { readonly body: string | Json; readonly answer: string | Json };
}

const ANY: Shapes = {
  records: { body: 'RecordsRequest', answer: 'RecordsResponse' },
  record: { body: 'RecordRequest', answer: 'RecordResponse' },
};

function recordEntries(word: string, table: Segment, suffix: string, { records, record }: Shapes = ANY): PathEntry[] {
  const id = (verb: string, noun: string) => `${verb}${word}${noun}${suffix}`;
  const change = (verb: string, summary: string) =>
    operation(id(verb, 'TableRecords'), summary, records.answer, {
      description: 'Each record by its key; or the first one to all in `ids`, or to all that match `filter`.',
      options: [...WRITTEN, 'ids', 'filter', 'allow_related_delete'],
      body: records.body,
    });
  const changeOne = (verb: string, summary: string) =>
    operation(id(verb, 'TableRecord'), summary, record.answer, {
      options: ['fields', 'related', 'id_field', 'allow_related_delete'],
      body: record.body,
    });
  return [
    at(['_table', table], {
      get: operation(id('get', 'TableRecords'), 'Read records.', records.answer, {
        description: 'All that match `filter`, or those in `ids`, page by page.',
        options: [
          ...(['fields', 'related', 'filter', 'limit', 'offset', 'after', 'order', 'group', 'having'] as const),
          ...(['count_only', 'include_count', 'include_schema', 'ids', 'id_field', 'as_list', 'file'] as const),
        ],
      }),
      post: operation(id('create', 'TableRecords'), 'Create records.', records.answer, {
        options: WRITTEN,
        body: records.body,
        tunnels: true,
      }),
      put: change('replace', 'Replace records.'),
      patch: change('update', 'Change records.'),
      delete: operation(id('delete', 'TableRecords'), 'Delete records.', records.answer, {
        options: [...WRITTEN, 'ids', 'filter', 'force'],
      }),
    }),
    at(['_table', table, ID], {
      get: operation(id('get', 'TableRecord'), 'Read a record.', record.answer, {
        options: ['fields', 'related', 'id_field'],
      }),
      put: changeOne('replace', 'Replace a record.'),
      patch: changeOne('update', 'Change a record.'),
      delete: operation(id('delete', 'TableRecord'), 'Delete a record.', record.answer, {
        options: ['fields', 'related', 'id_field'],
      }),
    }),
  ];
}

/** @param shapes  undefined: the caller may not know the fields */
function expanded(word: string, table: Table, shapes: RecordShapes | undefined): PathEntry[] {
  const suffix = `_${table.idPart}`;
  return [
    ...schemaEntries(
      word,
      table.realName,
      suffix,
      table.fields.map(({ name }) => name),
    ),
    ...recordEntries(word, table.wireName, suffix, shapes ?? ANY),
  ];
}

function routineEntries(word: string): PathEntry[] {
  const kind = (path: string, noun: string, placeholder: Placeholder): PathEntry[] => [
    at([path], {
      get: operation(`get${word}${noun}s`, 'Names; with ids, their descriptions.', `${noun}Schemas`, {
        options: ['fields', 'ids', 'as_list', 'schema', 'refresh'],
      }),
    }),
    at([path, placeholder], {
      get: operation(`call${word}${noun}`, 'Run it; its parameters are those of the query.', `${noun}Response`, {
        options: ['wrapper', 'returns'],
      }),
      post: operation(`call${word}${noun}WithParams`, 'Run it.', `${noun}Response`, {
        options: ['wrapper', 'returns'],
        body: `${noun}Request`,
      }),
    }),
  ];
  return [...kind('_proc', 'StoredProcedure', PROCEDURE), ...kind('_func', 'StoredFunction', FUNCTION)];
}

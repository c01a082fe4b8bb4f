/** Bodies and answers of a database service: descriptions of tables, records of any table, routines. */
import { answers, bodies, count, flag, listOf, METADATA, object, text } from './components.ts';
import { type Components, type Json, joined, ref, wordOf } from './document.ts';

const WORDS: Readonly<Record<string, string>> = {
  sqlite: 'SqliteDb',
  pgsql: 'PostgreSqlDb',
  mysql: 'MySqlDb',
  mariadb: 'MariaDb',
};

/** What clients know a service of a type by in the names of components. */
export const databaseWord = (type: string): string => WORDS[type] ?? `${wordOf(type)}Db`;

const described = (schema: Json, description: string): Json => ({ ...schema, description });
const nullable = ({ type, ...schema }: Json): Json => ({ type: [type, 'null'], ...schema });

const FIELD = object({
  alias: nullable(text('What the field is called in records, where that is not its name.')),
  name: text('Name of the field in the database.'),
  label: text('Name for people.'),
  description: nullable(text('What it holds.')),
  type: text('Simple type: id, integer, string, boolean, decimal, datetime, reference, …'),
  db_type: nullable(text('Type in the database.')),
  length: nullable(count('Characters at most.')),
  precision: nullable(count('Digits of a number.')),
  scale: nullable(count('Digits behind the point.')),
  default: { description: 'Value of a new record that brings none.' },
  required: flag('A new record has to bring it.'),
  allow_null: flag('It may hold nothing.'),
  fixed_length: flag('Shorter values are filled up.'),
  supports_multibyte: flag('It holds characters of any language.'),
  auto_increment: flag('The database numbers new records.'),
  is_primary_key: flag('It identifies a record, alone or with others.'),
  is_unique: flag('No two records have the same value.'),
  is_index: flag('It is indexed.'),
  is_foreign_key: flag('It refers to a record of another table.'),
  ref_table: nullable(text('The table it refers to.')),
  ref_field: nullable(text('The field it refers to.')),
  ref_on_update: nullable(text('What happens here when that field changes.')),
  ref_on_delete: nullable(text('What happens here when that record is deleted.')),
  picklist: { description: 'Values to choose from.' },
  validation: { description: 'What values are checked for.' },
  db_function: { description: 'Functions that are applied on the way in and out.' },
  is_virtual: flag('It is no column of the table.'),
  is_aggregate: flag('Its function goes over several records.'),
});

const RELATION = object({
  alias: nullable(text('What the relation is called in records, where that is not its name.')),
  name: text('Name of the relation.'),
  label: text('Name for people.'),
  description: nullable(text('What it means.')),
  type: text('belongs_to, has_one, has_many or many_many.'),
  field: text('The field of this table.'),
  is_virtual: flag('The database does not know it.'),
  ref_service_id: count('The service of the other table.'),
  ref_table: text('The other table.'),
  ref_field: text('The field of the other table.'),
  junction_service_id: nullable(count('many_many: the service of the table between.')),
  junction_table: nullable(text('many_many: the table between.')),
  junction_field: nullable(text('Its field that refers to this table.')),
  junction_ref_field: nullable(text('Its field that refers to the other table.')),
  always_fetch: flag('Its records come along unasked.'),
});

const TABLE = object({
  alias: nullable(text('What the table is called in paths of records, where that is not its name.')),
  name: text('Name of the table in the database.'),
  label: text('Name for people, of one record.'),
  plural: text('Name for people, of several records.'),
  description: nullable(text('What it holds.')),
  is_view: flag('It is a view.'),
  primary_key: listOf({ type: 'string' }, 'Fields that identify a record.'),
  name_field: nullable(text('The field that names a record.')),
  field: listOf(ref('schemas', 'FieldSchema'), 'Its fields.'),
  related: listOf(ref('schemas', 'RelationshipSchema'), 'Its relations.'),
  access: {
    type: ['integer', 'array'],
    items: { type: 'string' },
    description: 'The verbs that the caller may use: a mask, or their names.',
  },
});

const schemaList = (name: string, of: string): Json => object({ resource: listOf(ref('schemas', name), `The ${of}.`) });

/** A record of any table. */
const RECORD = object({}, { description: 'Fields by their names.', additionalProperties: true });

const PARAMETER = object({
  name: text('Name of the parameter.'),
  position: count('Its place, counted from 1.'),
  param_type: text('IN, OUT or INOUT.'),
  type: text('Simple type.'),
  db_type: text('Type in the database.'),
  length: nullable(count('Characters at most.')),
  precision: nullable(count('Digits of a number.')),
  scale: nullable(count('Digits behind the point.')),
  default: { description: 'Value where the call brings none.' },
});

const ROUTINE = object({
  name: text('Name of the routine.'),
  label: text('Name for people.'),
  description: nullable(text('What it does.')),
  return_type: nullable(text('Type of the value it gives back.')),
  return_schema: { description: 'Columns of the rows it gives back.' },
  params: listOf(ref('schemas', 'StoredRoutineParameterSchema'), 'Its parameters.'),
});

const TABLES: Components = {
  responses: answers({
    TableSchemas: 'Tables.',
    TableSchema: 'A table.',
    FieldSchemas: 'Fields.',
    FieldSchema: 'A field.',
    RelationshipSchemas: 'Relations.',
    RelationshipSchema: 'A relation.',
    RecordsResponse: 'Records.',
    RecordResponse: 'A record.',
  }),
  schemas: {
    TableSchemas: schemaList('TableSchema', 'tables'),
    TableSchema: described(TABLE, 'A table or a view of the database.'),
    FieldSchemas: schemaList('FieldSchema', 'fields'),
    FieldSchema: described(FIELD, 'A field of a table.'),
    RelationshipSchemas: schemaList('RelationshipSchema', 'relations'),
    RelationshipSchema: described(RELATION, 'A relation of a table to another one, or to itself.'),
    StoredRoutineSchemas: schemaList('StoredRoutineSchema', 'routines'),
    StoredRoutineSchema: ROUTINE,
    StoredRoutineParameterSchema: PARAMETER,
    RecordRequest: RECORD,
    RecordsRequest: object({
      resource: listOf(ref('schemas', 'RecordRequest'), 'The records.'),
      ids: listOf({ type: ['string', 'integer'] }, 'Identifiers of records, where none are brought.'),
      filter: text('Which records, where neither is given.'),
      params: { description: 'Values of the filter: `{":name": "x"}`.' },
    }),
    RecordResponse: RECORD,
    RecordsResponse: object({
      resource: listOf(ref('schemas', 'RecordResponse'), 'The records.'),
      meta: ref('schemas', 'Metadata'),
    }),
    Metadata: METADATA,
  },
  requestBodies: bodies({
    TableSchemas: 'Tables.',
    TableSchema: 'A table.',
    FieldSchemas: 'Fields.',
    FieldSchema: 'A field.',
    RelationshipSchemas: 'Relations.',
    RelationshipSchema: 'A relation.',
    RecordsRequest: 'Records.',
    RecordRequest: 'A record.',
  }),
};

function routine(noun: string, what: string): Components {
  return {
    responses: answers({
      [`${noun}Response`]: `What the ${what} gives back.`,
      [`${noun}Schemas`]: [`Names or descriptions of ${what}s.`, 'StoredRoutineSchemas'],
    }),
    schemas: {
      [`${noun}Response`]: { description: 'A value, rows, several sets of rows, or parameters that come back.' },
      [`${noun}Request`]: object({
        params: {
          description: 'Values by place, by name, or each with its name.',
          anyOf: [
            listOf(ref('schemas', `${noun}Param`)),
            object({}, { additionalProperties: true }),
            listOf({ type: ['string', 'number', 'boolean', 'null'] }),
          ],
        },
        schema: ref('schemas', `${noun}ResultSchema`),
        wrapper: text('Name of the member that holds the rows.'),
        returns: text('Type of the one value that is the answer.'),
      }),
      [`${noun}Param`]: object({ name: text('Name of the parameter.'), value: { description: 'Its value.' } }),
      [`${noun}ResultSchema`]: object(
        {},
        { additionalProperties: { type: 'string' }, description: 'Types of members of the answer, by name.' },
      ),
    },
    requestBodies: bodies({ [`${noun}Request`]: 'Parameters, and how the answer is to be read.' }),
  };
}

const ROUTINES = joined(routine('StoredProcedure', 'procedure'), routine('StoredFunction', 'function'));

export function databaseComponents(type: string, hasRoutines: boolean): Components {
  const word = databaseWord(type);
  const root: Components = {
    responses: answers({
      [`${word}Response`]: ['A part of this service.', word],
      [`${word}sResponse`]: ['The parts of this service.', `${word}s`],
    }),
    schemas: {
      [word]: object({ name: text('Name of the resource.') }),
      [`${word}s`]: object({ resource: listOf(ref('schemas', word), 'The resources of this service.') }),
    },
  };
  return joined(root, TABLES, hasRoutines ? ROUTINES : {});
}

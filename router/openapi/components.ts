/** What the documents of all services have in common: security schemes, answers, query options (system-api §9). */
import { type Components, type Json, type Operation, ref } from './document.ts';

const byKey = (where: 'query' | 'header', name: string, description: string): Json => ({
  type: 'apiKey',
  in: where,
  name,
  description,
});

export const SECURITY_SCHEMES: Json = {
  BasicAuth: { type: 'http', scheme: 'basic' },
  BearerAuth: { type: 'http', scheme: 'bearer' },
  ApiKeyQuery: byKey('query', 'api_key', 'Key of an app.'),
  ApiKeyHeader: byKey('header', 'X-DreamFactory-API-Key', 'Key of an app.'),
  SessionTokenQuery: byKey('query', 'session_token', 'Token of a session.'),
  SessionTokenHeader: byKey('header', 'X-DreamFactory-Session-Token', 'Token of a session.'),
};

/** Each scheme alone will do, as far as OpenAPI can tell. */
export const anyOf = (schemes: Json): Json[] => Object.keys(schemes).map((name) => ({ [name]: [] }));

const TEXT = { type: 'string' };
const FLAG = { type: 'boolean' };
const COUNT = { type: 'integer', format: 'int32' };
const NAMES = { type: 'array', items: TEXT };

export const object = (properties: Json, more: Json = {}): Json => ({ type: 'object', properties, ...more });
export const listOf = (items: Json, description?: string): Json => ({
  type: 'array',
  ...(description !== undefined && { description }),
  items,
});
export const text = (description: string): Json => ({ ...TEXT, description });
export const flag = (description: string): Json => ({ ...FLAG, description });
export const count = (description: string): Json => ({ ...COUNT, description });

/** A body or an answer, in the formats that are both read and written. */
export const content = (schema: Json): Json => ({ 'application/json': { schema }, 'application/xml': { schema } });

/** Answers by their names, each with the schema of the same name unless another one is given. */
export function answers(described: Readonly<Record<string, string | readonly [description: string, schema: string]>>) {
  const entries = Object.entries(described).map(([name, given]) => {
    const [description, schema] = typeof given === 'string' ? [given, name] : given;
    return [name, { description, content: content(ref('schemas', schema)) }];
  });
  return Object.fromEntries(entries) as Json;
}

/** Request bodies, in the same way. */
export function bodies(described: Readonly<Record<string, string>>): Json {
  const entries = Object.entries(answers(described)).map(([name, body]) => [
    name,
    { ...(body as Json), required: true },
  ]);
  return Object.fromEntries(entries);
}

const ERROR = object({
  error: object({
    code: { type: ['integer', 'string'], description: 'The status, or a code that is more exact.' },
    context: {
      description: 'Facts for programs: fields with their faults, records of a batch and what became of each.',
    },
    message: text('What is wrong, in words.'),
    status_code: count('The status of the answer.'),
  }),
});

export const COMMON: Components = {
  responses: answers({
    Success: 'It is done.',
    Error: 'It was refused, or it failed.',
    ResourceList: 'A list of names.',
  }),
  schemas: {
    Success: object({ success: flag('Whether it is done.') }),
    Error: ERROR,
    ResourceList: object({ resource: listOf(TEXT, 'What there is.') }),
  },
};

/** `meta` of a list. */
export const METADATA: Json = object({
  schema: { description: 'Description of the table, where it was asked for.' },
  count: count('How many there are, whatever the page.'),
  next: count('Offset of the next page.'),
  next_after: text('Where the next page begins, for pages by key.'),
});

const OPTIONS = {
  after: [
    TEXT,
    'Pages that follow each other by key: empty for the first one, then `meta.next_after` of the page before.',
  ],
  allow_delete: [FLAG, 'Without any other choice: all of them.'],
  allow_related_delete: [
    FLAG,
    'Records that are taken out of a relation, and cannot be without an owner, are deleted.',
  ],
  as_access_list: [FLAG, 'The components that a rule of a role may name.'],
  as_list: [FLAG, 'A list of identifiers only.'],
  continue: [FLAG, 'Go on with the other records when one fails.'],
  count_only: [FLAG, 'Nothing but the number of records that match.'],
  delete_storage: [FLAG, 'With the folder that it is stored in.'],
  dry_run: [FLAG, 'Say what would be done, and do nothing.'],
  expand_schema: [FLAG, 'A path for each table and each field.'],
  fields: [NAMES, 'Fields that come back, comma-separated; `*` for all.'],
  file: [TEXT, 'Send the answer as a file of this name; its ending chooses the format.'],
  filter: [TEXT, "Which records: `(name like 'A%') and (age > 21)`."],
  force: [FLAG, 'Without any other choice: all of them.'],
  group: [
    NAMES,
    'Fields to group by; `fields` may then hold COUNT(*), SUM(field), AVG(field), MIN(field), MAX(field).',
  ],
  having: [TEXT, 'Which groups, by their fields and aggregates.'],
  id_field: [NAMES, 'Fields that identify a record, in the place of its primary key.'],
  ids: [NAMES, 'Identifiers, comma-separated.'],
  include_access: [FLAG, 'The verbs that the caller may use on each entry.'],
  include_count: [FLAG, 'How many match, as `meta.count`.'],
  include_files: [FLAG, 'With the files of the application in its package.'],
  include_schema: [FLAG, 'The description of the table, as `meta.schema`.'],
  limit: [COUNT, 'How many at most.'],
  login: [FLAG, 'Sign in at once.'],
  offset: [COUNT, 'How many to leave out in front.'],
  openapi: [{ ...TEXT, enum: ['3.0', '3.1'] }, 'Version of OpenAPI.'],
  overwrite: [FLAG, 'Change records that are there already.'],
  order: [TEXT, 'Fields to order by: `name asc, age desc nulls last`.'],
  pkg: [FLAG, 'As a package, in the place of the record.'],
  refresh: [FLAG, 'Read afresh what is kept in memory.'],
  regenerate: [FLAG, 'Give the app a new key.'],
  related: [NAMES, 'Relations whose records come along, comma-separated.'],
  reset: [FLAG, 'Begin to replace a forgotten password.'],
  returns: [TEXT, 'Type of the one value that is the answer.'],
  rollback: [FLAG, 'All records or none.'],
  schema: [TEXT, 'Only tables of this schema of the database.'],
  scriptable: [FLAG, 'With the moments at which a script may run.'],
  service: [TEXT, 'Only of this service.'],
  services_only: [FLAG, 'Names of services only.'],
  system_only: [FLAG, 'Without the names of other services.'],
  wrapper: [TEXT, 'Name of the member that holds the rows.'],
} as const satisfies Record<string, readonly [schema: Json, description: string]>;

export type OptionName = keyof typeof OPTIONS;

function queryOption(name: OptionName): Json {
  const [schema, description] = OPTIONS[name];
  return { name, description, in: 'query', style: 'form', explode: false, schema };
}

/** For clients that can do no more than GET and POST (system-api §1.4). */
const TUNNEL: Json = {
  name: 'X-HTTP-METHOD',
  description: 'Another verb than POST.',
  in: 'header',
  schema: { ...TEXT, enum: ['GET', 'PUT', 'PATCH', 'DELETE'] },
};

export interface OperationInit {
  readonly description?: string;
  readonly options?: readonly OptionName[];
  /** Parameters beside those. */
  readonly parameters?: readonly Json[];
  /** Of `components.requestBodies`, or a body. */
  readonly body?: string | Json;
  /** Of the success: 200 unless something is created. */
  readonly status?: number;
  /** Other verbs may come by this one. */
  readonly tunnels?: boolean;
}

/** @param answer  of `components.responses`, or an answer */
export function operation(
  operationId: string,
  summary: string,
  answer: string | Json,
  { description, options = [], parameters = [], body, status = 200, tunnels = false }: OperationInit = {},
): Operation {
  const all = [...options.map(queryOption), ...parameters, ...(tunnels ? [TUNNEL] : [])];
  return {
    summary,
    ...(description !== undefined && { description }),
    operationId,
    ...(all.length > 0 && { parameters: all }),
    ...(body !== undefined && { requestBody: typeof body === 'string' ? ref('requestBodies', body) : body }),
    responses: {
      [status]: typeof answer === 'string' ? ref('responses', answer) : answer,
      default: ref('responses', 'Error'),
    },
  };
}

/** Record calls, of databases and of the system alike: verb, path, options and body become one operation. */
import { create } from '@bufbuild/protobuf';
import { invalid, MillraceError } from '#common/errors.ts';
import { readPageToken } from '#common/page-token.ts';
import {
  CreateSchema,
  DeleteSchema,
  KeyPartSchema,
  Selection_Kind as Kind,
  Paging,
  ReadSchema,
  type Shape,
  ShapeSchema,
  Target,
  UpdateSchema,
  type Value,
} from '#proto/data/v1/data_pb.ts';
import type { ApiRequest } from './api-request.ts';
import { typedIds } from './id-type.ts';
import {
  countOption,
  filterOf,
  flagOption,
  idsOf,
  modeOf,
  namesOf,
  orderOf,
  relatedOf,
  selectionOf,
  textValue,
  toValue,
} from './options.ts';
import { KEY_PART, preferencesOf, requireKnownOptions } from './prefer.ts';
import { viewOf } from './views.ts';

/** An operation before it is decided upon, and how its answer is to be shown. */
export interface Parsed {
  readonly shape: Shape;
  readonly keys: readonly Value[];
  readonly parameters: readonly Value[];
  readonly records: Uint8Array;
  /** The answer is one thing: never wrapped. */
  readonly single: boolean;
  /** Nothing happens twice when the operation is run twice. */
  readonly repeatable: boolean;
}

const NOTHING = new Uint8Array();
const EMPTY_OBJECT = Buffer.from('{}');

/** @param id  from the path; undefined: the collection */
export function parseRecords(request: ApiRequest, service: string, table: string, id: string | undefined): Parsed {
  const { strict } = preferencesOf(request);
  if (strict) requireKnownOptions(request);
  const parsed = withKeyPart(request, parseVerb(request, service, table, id));
  return strict ? { ...parsed, shape: { ...parsed.shape, strict } } : parsed;
}

/** The part of a key that is given once for all of the request. */
function withKeyPart(request: ApiRequest, parsed: Parsed): Parsed {
  const part = request.query.get(KEY_PART);
  if (part === undefined) return parsed;
  if (request.http.upload) {
    throw invalid(`Records of an import name their '${KEY_PART}' themselves.`, { field: KEY_PART });
  }
  const keyPart = create(KeyPartSchema, { field: KEY_PART, parameter: parsed.parameters.length });
  return { ...parsed, shape: { ...parsed.shape, keyPart }, parameters: [...parsed.parameters, textValue(part)] };
}

function parseVerb(request: ApiRequest, service: string, table: string, id: string | undefined): Parsed {
  if (request.http.upload) return parseImport(request, service, table);
  switch (request.verb) {
    case 'GET':
      return parseRead(request, service, table, id);
    case 'POST':
      return parseCreate(request, service, table, id);
    case 'PUT':
    case 'PATCH':
      return parseUpdate(request, service, table, id);
    case 'DELETE':
      return parseDelete(request, service, table, id);
    default:
      throw new MillraceError('unsupported', `${request.verb} requests are not supported on records.`);
  }
}

function parseRead(request: ApiRequest, service: string, table: string, id: string | undefined): Parsed {
  const ids = id === undefined ? idsOf(request) : undefined;
  const byRecords = id === undefined && ids === undefined && hasRecords(request);
  const target = id !== undefined ? Target.ONE : ids ? Target.KEYS : byRecords ? Target.RECORDS : Target.FILTER;
  const { filter, parameters } = target === Target.FILTER ? filterOf(request) : noFilter();
  const countOnly = flagOption(request, 'count_only');
  const having = filterOf(request, 'having', parameters).filter;
  const view = id === undefined ? viewOf(request, parameters) : undefined;
  const after = target === Target.FILTER && !countOnly ? request.query.get('after') : undefined;
  const read = create(ReadSchema, {
    table,
    target: countOnly ? Target.FILTER : target,
    selection: selectionOf(request, false),
    order: orderOf(request),
    limit: countOption(request, 'limit'),
    offset: countOption(request, 'offset'),
    // Of a view's rows it is a flag.
    group: view ? [] : namesOf(request.option('group')),
    includeCount: request.query.flag('include_count'),
    countOnly,
    includeSchema: request.query.flag('include_schema'),
    idField: namesOf(request.query.get('id_field')),
    mode: modeOf(request),
    related: relatedOf(request, parameters),
    mergesForeign: true,
    estimateCount: preferencesOf(request).estimatedCount,
    explain: preferencesOf(request).explain,
    paging: after === undefined ? Paging.UNSPECIFIED : after === '' ? Paging.FIRST : Paging.AFTER,
    ...(filter ? { filter } : {}),
    ...(having ? { having } : {}),
    ...(view ? { view } : {}),
  });
  return {
    shape: create(ShapeSchema, { service, action: { case: 'read', value: read } }),
    keys: after ? [toValue(readPageToken(after))] : typedIds(request, id !== undefined ? [textValue(id)] : (ids ?? [])),
    parameters,
    records: byRecords ? request.body.records : NOTHING,
    single: target === Target.ONE || countOnly,
    repeatable: true,
  };
}

function parseCreate(request: ApiRequest, service: string, table: string, id: string | undefined): Parsed {
  if (id !== undefined) throw invalid('Create record by identifier not currently supported.');
  const parameters: Value[] = [];
  const value = create(CreateSchema, {
    table,
    selection: selectionOf(request, true),
    idField: namesOf(request.query.get('id_field')),
    mode: modeOf(request),
    related: relatedOf(request, parameters),
    allowRelatedDelete: request.query.flag('allow_related_delete'),
  });
  return {
    shape: create(ShapeSchema, { service, action: { case: 'create', value } }),
    keys: [],
    parameters,
    records: requireRecords(request),
    single: false,
    repeatable: false,
  };
}

/** Records that come behind this, however many: how many were written is all that can be told of them. */
function parseImport(request: ApiRequest, service: string, table: string): Parsed {
  if (request.verb !== 'POST') throw new MillraceError('unsupported', 'Only new records (POST) come as a stream.');
  for (const field of ['fields', 'related'] as const) {
    if (request.query.has(field))
      throw invalid(`An import answers with a count: '${field}' has no meaning.`, { field });
  }
  const selection = { kind: Kind.LISTED, names: [] };
  const value = create(CreateSchema, { table, selection, mode: modeOf(request) });
  return {
    shape: create(ShapeSchema, { service, action: { case: 'create', value } }),
    keys: [],
    parameters: [],
    records: NOTHING,
    single: true,
    repeatable: false,
  };
}

/** @param id  from the path; undefined: the collection */
export function parseUpdate(request: ApiRequest, service: string, table: string, id: string | undefined): Parsed {
  const ids = id === undefined ? idsOf(request) : undefined;
  const byKeys = ids !== undefined && ids.length > 0;
  const { filter, parameters } = id === undefined && !byKeys ? filterOf(request) : noFilter();
  const target = id !== undefined ? Target.ONE : byKeys ? Target.KEYS : filter ? Target.FILTER : Target.RECORDS;
  const value = create(UpdateSchema, {
    table,
    target,
    selection: selectionOf(request, true),
    idField: namesOf(request.query.get('id_field')),
    mode: modeOf(request),
    limit: countOption(request, 'limit'),
    related: relatedOf(request, parameters),
    allowRelatedDelete: request.query.flag('allow_related_delete'),
    replace: request.verb === 'PUT',
    upsert: true,
    ...(filter ? { filter } : {}),
  });
  return {
    shape: create(ShapeSchema, { service, action: { case: 'update', value } }),
    keys: typedIds(request, id !== undefined ? [textValue(id)] : byKeys ? ids : []),
    parameters,
    records: id !== undefined ? requireObject(request) : requireRecords(request),
    single: target === Target.ONE,
    repeatable: false,
  };
}

function parseDelete(request: ApiRequest, service: string, table: string, id: string | undefined): Parsed {
  const ids = id === undefined ? idsOf(request) : undefined;
  const byKeys = ids !== undefined;
  const byRecords = id === undefined && !byKeys && hasRecords(request);
  const { filter, parameters } = id === undefined && !byKeys && !byRecords ? filterOf(request) : noFilter();
  const target = id !== undefined ? Target.ONE : byKeys ? Target.KEYS : byRecords ? Target.RECORDS : Target.FILTER;
  const everything = target === Target.FILTER && !filter && flagOption(request, 'force');
  if (target === Target.FILTER && !filter && !everything) {
    throw invalid('No filter or records given for delete request.');
  }
  const value = create(DeleteSchema, {
    table,
    target,
    selection: selectionOf(request, true),
    idField: namesOf(request.query.get('id_field')),
    mode: modeOf(request),
    everything,
    related: relatedOf(request, parameters),
    ...(filter ? { filter } : {}),
  });
  return {
    shape: create(ShapeSchema, { service, action: { case: 'delete', value } }),
    keys: typedIds(request, id !== undefined ? [textValue(id)] : (ids ?? [])),
    parameters,
    records: byRecords ? request.body.records : NOTHING,
    single: target === Target.ONE || everything,
    repeatable: false,
  };
}

/** What a call without a filter has; made anew, as values of other filters may be added. */
const noFilter = (): ReturnType<typeof filterOf> => ({ filter: undefined, parameters: [] });

function hasRecords(request: ApiRequest): boolean {
  return request.http.body.length > 0 && request.body.kind === 'records';
}

function requireRecords(request: ApiRequest): Uint8Array {
  if (hasRecords(request)) return request.body.records;
  throw invalid(
    "No record(s) detected in request. Please make sure record(s) are wrapped in a 'resource' tag. " +
      'Example: {"resource":[{"record":1},{"record":2}]}',
  );
}

/** The whole body is the record, as the original reads it. */
function requireObject(request: ApiRequest): Uint8Array {
  return request.http.body.length > 0 ? request.body.json : EMPTY_OBJECT;
}

/** Which kind of call a path below a service is: a list of names, records of a table, its schema. */
import { create } from '@bufbuild/protobuf';
import { MillraceError, notFound } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import {
  Comparator,
  FilterSchema,
  ListResourcesSchema,
  ResourceKind,
  RoutineKind,
  ShapeSchema,
} from '#proto/data/v1/data_pb.ts';
import type { ApiRequest } from './api-request.ts';
import { idsOf, namesOf, textValue } from './options.ts';
import { type Parsed, parseRecords, parseUpdate } from './records.ts';
import { describeRoutines, parseCall, routineNames } from './routine.ts';
import { parseSchema } from './schema.ts';

/** A parsed call, and what its answer lists or touches. */
export interface ParsedResource extends Parsed {
  /** A list of named things below this path: `_table`, or '' for the service itself; undefined: records or descriptions. */
  readonly listing: string | undefined;
  /** The table whose row conditions hold; undefined where there are no rows. */
  readonly table: string | undefined;
}

const NOTHING = new Uint8Array();

/** Calls on a database service. @throws MillraceError unsupported, not_found */
export function parseDatabase(request: ApiRequest): ParsedResource {
  const { segments, service, verb } = request;
  requireNames(request);
  const [resource, name, id, ...more] = segments;
  if (resource === undefined) {
    if (verb !== 'GET') throw withoutResource(verb, service);
    return listing(request, ResourceKind.ROOT, '');
  }
  switch (resource.toLowerCase()) {
    case '_table':
      if (name === undefined) {
        if (verb !== 'GET') throw withoutResource(verb, '_table');
        return listing(request, ResourceKind.TABLE, '_table');
      }
      if (more.length > 0) throw notFound(`Resource '${segments.join('/')}' not found for service '${service}'.`);
      return { ...parseRecords(request, service, name, id), listing: undefined, table: name };
    case '_schema':
      if (name === undefined && verb === 'GET' && !namesTables(request)) {
        return listing(request, ResourceKind.SCHEMA, '_schema');
      }
      return { ...parseSchema(request, service, segments.slice(1)), listing: undefined, table: undefined };
    case '_proc':
    case '_func': {
      const routine = ROUTINES[resource.toLowerCase() as keyof typeof ROUTINES];
      if (id !== undefined) throw notFound(`Resource '${segments.join('/')}' not found for service '${service}'.`);
      if (name !== undefined) {
        return { ...parseCall(request, service, routine.kind, name), listing: undefined, table: undefined };
      }
      if (verb !== 'GET') throw withoutResource(verb, resource.toLowerCase());
      const names = routineNames(request);
      if (names.length === 0) return listing(request, routine.resource, resource.toLowerCase());
      return { ...describeRoutines(request, service, routine.kind, names), listing: undefined, table: undefined };
    }
    default:
      throw notFound(`Resource '${resource}' not found for service '${service}'.`);
  }
}

const ROUTINES = {
  _proc: { kind: RoutineKind.PROCEDURE, resource: ResourceKind.PROCEDURE },
  _func: { kind: RoutineKind.FUNCTION, resource: ResourceKind.FUNCTION },
};

/** An empty name would be the collection again, by a path that role rules do not know it by. */
function requireNames({ segments, service }: ApiRequest): void {
  if (segments.includes('')) throw notFound(`Resource '${segments.join('/')}' not found for service '${service}'.`);
}

/** Record calls on the service `system`. */
export function parseSystem(request: ApiRequest): ParsedResource {
  const { segments, service, verb } = request;
  requireNames(request);
  const [resource, id, ...more] = segments;
  if (resource === undefined) {
    if (verb !== 'GET') throw withoutResource(verb, service);
    return listing(request, ResourceKind.ROOT, '');
  }
  if (more.length > 0) throw notFound(`Resource '${segments.join('/')}' not found for service '${service}'.`);
  const name = resource.toLowerCase();
  const binds = name === 'event_script' && verb === 'POST' && id !== undefined;
  const parsed = binds ? parseUpdate(request, service, name, id) : parseRecords(request, service, name, id);
  // Only scripts are made where there are none (system-api §5.11): a role that is not there is not changed.
  if (parsed.shape.action.case === 'update') parsed.shape.action.value.upsert = binds;
  return { ...withSystemOptions(request, name, parsed), listing: undefined, table: undefined };
}

/** What some of the system's records take beside the usual options (system-api §5.1, §5.9). */
function withSystemOptions(request: ApiRequest, resource: string, parsed: Parsed): Parsed {
  const { action } = parsed.shape;
  if (resource === 'app' && action.case === 'update' && parsed.single && request.query.flag('regenerate')) {
    const record = parseJson(parsed.records);
    return { ...parsed, records: Buffer.from(stringifyJson({ ...(record as object), api_key: null })) };
  }
  const group = resource === 'service_type' && action.case === 'read' ? namesOf(request.query.get('group')) : [];
  if (action.case !== 'read' || group.length === 0) return parsed;
  // Types are in groups: here the option chooses them, and does not aggregate.
  const first = parsed.parameters.length;
  const operands = group.map((_, i) => ({ kind: { case: 'parameter' as const, value: first + i } }));
  const inGroup = create(FilterSchema, {
    node: { case: 'comparison', value: { field: 'group', comparator: Comparator.IN, operands } },
  });
  const filter = action.value.filter
    ? create(FilterSchema, { node: { case: 'all', value: { filters: [action.value.filter, inGroup] } } })
    : inGroup;
  const read = { ...action.value, group: [], filter };
  return {
    ...parsed,
    shape: { ...parsed.shape, action: { case: 'read', value: read } },
    parameters: [...parsed.parameters, ...group.map(textValue)],
  };
}

function listing(request: ApiRequest, kind: ResourceKind, path: string): ParsedResource {
  const value = create(ListResourcesSchema, {
    kind,
    schema: request.query.get('schema') ?? '',
    refresh: request.query.flag('refresh'),
    names: (idsOf(request) ?? []).flatMap(({ kind: id }) => (id.case === 'text' ? [id.value] : [])),
  });
  return {
    shape: create(ShapeSchema, { service: request.service, action: { case: 'listResources', value } }),
    keys: [],
    parameters: [],
    records: NOTHING,
    single: false,
    repeatable: true,
    listing: path,
    table: undefined,
  };
}

/** `_schema` with identifiers describes those tables instead of listing all. */
function namesTables(request: ApiRequest): boolean {
  return idsOf(request) !== undefined || (request.http.body.length > 0 && request.body.kind === 'records');
}

export function withoutResource(verb: string, name: string): MillraceError {
  return new MillraceError(
    'unsupported',
    `${verb} requests without a resource are not currently supported by the '${name}' service.`,
  );
}

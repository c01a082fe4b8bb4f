/** `_schema` calls (database-api §6.1). */
import { create } from '@bufbuild/protobuf';
import { MillraceError, notFound } from '#common/errors.ts';
import {
  DefineMode,
  DefinePartsSchema,
  DefineTablesSchema,
  DescribePartsSchema,
  DescribeTablesSchema,
  DropPartsSchema,
  DropTablesSchema,
  PartKind,
  type Shape,
  ShapeSchema,
  Target,
} from '#proto/data/v1/data_pb.ts';
import type { ApiRequest } from './api-request.ts';
import { idsOf, namesOf } from './options.ts';
import type { Parsed } from './records.ts';

const MODES: Readonly<Record<string, DefineMode>> = {
  POST: DefineMode.CREATE,
  PUT: DefineMode.REPLACE,
  PATCH: DefineMode.MERGE,
};

const NOTHING = new Uint8Array();

/** @param rest  what follows `_schema` in the path */
export function parseSchema(request: ApiRequest, service: string, rest: readonly string[]): Parsed {
  const [table, ...parts] = rest;
  if (table === undefined) return parseTables(request, service);
  if (parts.length === 0) return parseTable(request, service, table);
  const [kind, name, ...more] = parts;
  if (more.length > 0) throw notFound(`Resource '${rest.join('/')}' not found for service '${service}'.`);
  if (kind === '_field') return parseParts(request, service, table, PartKind.FIELD, name);
  if (kind === '_related') return parseParts(request, service, table, PartKind.RELATION, name);
  // An older form of the field's path.
  if (name === undefined) return parseParts(request, service, table, PartKind.FIELD, kind);
  throw notFound(`Resource '${rest.join('/')}' not found for service '${service}'.`);
}

function parseTables(request: ApiRequest, service: string): Parsed {
  switch (request.verb) {
    case 'GET': {
      const value = create(DescribeTablesSchema, {
        tables: namedTables(request),
        target: Target.KEYS,
        refresh: refresh(request),
      });
      return parsed(service, { case: 'describeTables', value }, NOTHING, false, true);
    }
    case 'DELETE': {
      const value = create(DropTablesSchema, { tables: namedTables(request), target: Target.KEYS });
      return parsed(service, { case: 'dropTables', value }, NOTHING, false);
    }
    default:
      return parsed(service, { case: 'defineTables', value: defineTables(request, '') }, bodyOf(request), false);
  }
}

function parseTable(request: ApiRequest, service: string, table: string): Parsed {
  switch (request.verb) {
    case 'GET': {
      const value = create(DescribeTablesSchema, { tables: [table], target: Target.ONE, refresh: refresh(request) });
      return parsed(service, { case: 'describeTables', value }, NOTHING, true, true);
    }
    case 'DELETE': {
      const value = create(DropTablesSchema, { tables: [table], target: Target.ONE });
      return parsed(service, { case: 'dropTables', value }, NOTHING, true);
    }
    default:
      return parsed(service, { case: 'defineTables', value: defineTables(request, table) }, bodyOf(request), true);
  }
}

function parseParts(
  request: ApiRequest,
  service: string,
  table: string,
  kind: PartKind,
  name: string | undefined,
): Parsed {
  const names = name === undefined ? textIds(request) : [name];
  switch (request.verb) {
    case 'GET': {
      const target = name === undefined ? Target.KEYS : Target.ONE;
      const value = create(DescribePartsSchema, { table, kind, names, target, refresh: refresh(request) });
      return parsed(service, { case: 'describeParts', value }, NOTHING, name !== undefined, true);
    }
    case 'DELETE':
      return parsed(
        service,
        { case: 'dropParts', value: create(DropPartsSchema, { table, kind, names }) },
        NOTHING,
        true,
      );
    default: {
      const value = create(DefinePartsSchema, {
        table,
        kind,
        name: name ?? '',
        mode: modeOf(request),
        describe: request.query.has('fields'),
      });
      // The original does not wrap the answers of these writes.
      return parsed(service, { case: 'defineParts', value }, bodyOf(request), true);
    }
  }
}

function defineTables(request: ApiRequest, table: string) {
  return create(DefineTablesSchema, {
    table,
    mode: modeOf(request),
    checkExist: request.query.flag('check_exist'),
    describe: request.query.has('fields'),
  });
}

function modeOf(request: ApiRequest): DefineMode {
  const mode = MODES[request.verb];
  if (mode === undefined)
    throw new MillraceError('unsupported', `${request.verb} requests are not supported on schemas.`);
  return mode;
}

function parsed(
  service: string,
  action: Shape['action'],
  records: Uint8Array,
  single: boolean,
  repeatable = false,
): Parsed {
  return { shape: create(ShapeSchema, { service, action }), keys: [], parameters: [], records, single, repeatable };
}

function refresh(request: ApiRequest): boolean {
  return request.query.flag('refresh');
}

function bodyOf(request: ApiRequest): Uint8Array {
  return request.http.body.length > 0 ? request.body.json : NOTHING;
}

/** Names in `ids`, or in a list in the body: `["a",{"name":"b"}]`. */
function namedTables(request: ApiRequest): string[] {
  const names = textIds(request);
  if (names.length > 0 || request.http.body.length === 0) return names;
  const body = request.body.value();
  const list = Array.isArray(body) ? body : (body as { resource?: unknown } | null)?.resource;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry) => {
    const name = typeof entry === 'string' ? entry : (entry as { name?: unknown } | null)?.name;
    return typeof name === 'string' ? [name] : [];
  });
}

function textIds(request: ApiRequest): string[] {
  const ids = idsOf(request) ?? [];
  return namesOf(ids.map((id) => (id.kind.case === 'text' || id.kind.case === 'number' ? id.kind.value : '')));
}

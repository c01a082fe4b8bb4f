/** `{service}/_spec`: the document of one service for programs that find their way by themselves (system-api §1.3). */
import { anyOf, SECURITY_SCHEMES } from './components.ts';
import { type Components, type Json, METHODS } from './document.ts';

const { SessionTokenHeader, ApiKeyHeader } = SECURITY_SCHEMES;
const SCHEMES: Json = { SessionTokenHeader, ApiKeyHeader };

const RATE_LIMIT: Json = {
  description: 'Whoever calls too often is answered with 429; the header Retry-After says for how many seconds.',
};

const USAGE: Json = {
  discovery: { description: 'The services that the caller may use.', endpoint: 'GET /api/v2' },
  spec: {
    description: 'The document of one of them.',
    endpoint: 'GET /api/v2/{service}/_spec',
    options: {
      compact: '?compact=true: names of operations without schemas',
      resource_name: '?resource_name={name}: one resource, such as a table',
      tables: '?tables={name},{name}: only these tables',
      expand_schema: '?expand_schema=true: a path for each table and each field',
      openapi: '?openapi=3.0: an older version of OpenAPI',
      format: '?format=yaml: YAML in the place of JSON',
      refresh: '?refresh=true: read everything afresh',
    },
  },
  authentication: {
    api_key: 'Header X-DreamFactory-API-Key',
    session_token: 'Header X-DreamFactory-Session-Token',
    get_token: 'POST /api/v2/user/session with {"email", "password"}',
    admin_token: 'POST /api/v2/system/admin/session with {"email", "password"}',
  },
  querying: {
    filter: "filter=(name like 'A%') and (age > 21)",
    fields: 'fields=id,name',
    order: 'order=name asc,age desc',
    pages: 'limit=10&offset=20; include_count=true for meta.count',
    related: 'related={relation}; names are in x-dreamfactory-relationships',
  },
  record_operations: {
    list: 'GET /api/v2/{service}/_table/{table}',
    get_by_id: 'GET /api/v2/{service}/_table/{table}/{id}',
    create: 'POST /api/v2/{service}/_table/{table} with {"resource": [{…}]}',
    update: 'PATCH /api/v2/{service}/_table/{table}/{id} with {…}',
    delete: 'DELETE /api/v2/{service}/_table/{table}/{id}',
  },
};

export interface SpecParts {
  readonly openapi: string;
  readonly info: Json;
  readonly server: string;
  readonly tag: Json;
  readonly components: Components;
  readonly paths: Json;
  readonly extensions: Json;
}

export function specOf({ openapi, info, server, tag, components, paths, extensions }: SpecParts): Json {
  return {
    openapi,
    info,
    servers: [{ url: server, description: String(info['title']) }],
    components: { securitySchemes: SCHEMES, ...components },
    security: anyOf(SCHEMES),
    paths,
    tags: [tag],
    ...extensions,
    'x-rate-limit': RATE_LIMIT,
    'x-dreamfactory-usage': USAGE,
  };
}

/** What there is and what it is called, and nothing of what it looks like. */
export function compactSpec(parts: SpecParts): Json {
  const paths = Object.entries(parts.paths).map(([path, item]) => [path, compactItem(item as Json)]);
  const { openapi, info, servers, security, tags } = specOf(parts);
  return {
    openapi,
    info,
    servers,
    components: { securitySchemes: SCHEMES },
    security,
    paths: Object.fromEntries(paths) as Json,
    tags,
    ...parts.extensions,
  };
}

function compactItem(item: Json): Json {
  const members = Object.entries(item).map(([key, value]) => {
    if (!METHODS.some((method) => method === key)) return [key, value];
    const { operationId, summary, responses } = value as Json;
    const statuses = Object.keys((responses ?? {}) as Json);
    const described = statuses.map((status) => [status, { description: status === 'default' ? 'Error' : 'Success' }]);
    return [key, { operationId, summary, responses: Object.fromEntries(described) }];
  });
  return Object.fromEntries(members) as Json;
}

/** Documents out of a state and a forwarder that answers for the tiers. */
import { create, fromBinary } from '@bufbuild/protobuf';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { MillraceError } from '#common/errors.ts';
import { type Operation, ResourceKind, ResultSchema, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { Forwarded, Forwarder } from '../forward/forward.ts';
import { type AccessInit, ADMIN, DB, principalIn, rule, stateOf, stateWithRole } from '../testing/access.ts';
import { apiRequestOf, KeepingReply } from '../testing/request.ts';
import { Documents } from './documents.ts';

const field = (name: string, type: string, more: object = {}) => ({
  name,
  alias: null,
  type,
  allow_null: false,
  ...more,
});
const relation = (name: string, type: string, refTable: string, more: object = {}) => ({
  name,
  alias: null,
  type,
  field: 'id',
  ref_service_id: DB,
  ref_table: refTable,
  ref_field: 'id',
  junction_service_id: null,
  junction_table: null,
  ...more,
});

const TABLES = [
  {
    name: 'pet',
    alias: null,
    field: [field('id', 'id', { auto_increment: true }), field('secret', 'string'), field('owner_id', 'reference')],
    related: [relation('person_by_owner_id', 'belongs_to', 'person')],
  },
  {
    name: 'person',
    alias: 'people',
    field: [field('id', 'id'), field('name', 'string', { alias: 'title' })],
    related: [
      relation('pet_by_owner_id', 'has_many', 'pet'),
      relation('pet_by_visit', 'many_many', 'pet', { junction_service_id: DB, junction_table: 'visit' }),
    ],
  },
  { name: 'visit', alias: null, field: [field('id', 'id')], related: [] },
];

const MODELS = [
  {
    name: 'role',
    label: 'Role',
    plural: 'Roles',
    primary_key: ['id'],
    read_only: false,
    can_create: true,
    is_resource: true,
    field: [
      field('id', 'id', { access: 'read_only' }),
      field('name', 'string', { length: 64 }),
      field('token', 'string', { access: 'write_only' }),
    ],
    related: [{ name: 'role_service_access_by_role_id', type: 'has_many', ref_table: 'role_service_access' }],
  },
  {
    name: 'role_service_access',
    label: 'Role Service Access',
    plural: 'Role Service Accesses',
    primary_key: ['id'],
    read_only: false,
    can_create: true,
    is_resource: false,
    field: [field('component', 'string')],
    related: [{ name: 'role_by_role_id', type: 'belongs_to', ref_table: 'role' }],
  },
  {
    name: 'service_type',
    label: 'Service Type',
    plural: 'Service Types',
    primary_key: ['name'],
    read_only: true,
    can_create: false,
    is_resource: true,
    field: [field('name', 'string')],
    related: [],
  },
  {
    name: 'event_script',
    label: 'Event Script',
    plural: 'Event Scripts',
    primary_key: ['name'],
    read_only: false,
    can_create: true,
    is_resource: true,
    field: [field('name', 'string')],
    related: [],
  },
  {
    name: 'job',
    label: 'Job',
    plural: 'Jobs',
    primary_key: ['id'],
    read_only: false,
    can_create: false,
    is_resource: true,
    field: [field('id', 'id', { access: 'read_only' }), field('state', 'string')],
    related: [],
  },
];

const OWN = [
  ...[
    'admin/session',
    'admin/password',
    'admin/profile',
    'cache',
    'config_package',
    'constant',
    'custom',
    'environment',
    'event',
  ],
  ...['limit_cache', 'package', 'later'],
];
const USER = ['session', 'password', 'profile', 'register', 'custom'];
const named = (names: readonly string[]) => names.map((name) => ({ name }));

interface Tiers {
  readonly docs?: Readonly<Record<number, string>>;
  readonly down?: boolean;
}

/** What the tiers answer to what documents ask of them. */
function answerOf(tier: string, operation: Operation, { docs = {}, down = false }: Tiers): unknown {
  if (operation.form.case !== 'encodedShape') throw new Error('routers send encoded shapes');
  const { service, action } = fromBinary(ShapeSchema, operation.form.value);
  if (tier === 'sql' && down) throw new MillraceError('unavailable', 'It does not answer.');
  switch (action.case) {
    case 'read':
      return Object.entries(docs).map(([id, content]) => ({ id: Number(id), service_doc_by_service_id: { content } }));
    case 'describeTables':
      if (tier === 'system') return MODELS;
      return action.value.tables.map((name) => TABLES.find((table) => table.name === name));
    case 'listResources':
      if (service === 'user') return named(USER);
      if (service === 'system')
        return named([...MODELS.filter((model) => model.is_resource).map(({ name }) => name), ...OWN]);
      if (action.value.kind === ResourceKind.SCHEMA) return TABLES;
      return named(['_schema', '_table', '_proc', '_func']);
    default:
      throw new Error(`not expected: ${action.case}`);
  }
}

const INIT = {
  services: [
    { id: DB, name: 'db', label: 'Shop', type: 'sqlite', isActive: true, tier: 'sql' },
    { id: 1, name: 'system', type: 'system', isActive: true, tier: 'system' },
    { id: 2, name: 'user', type: 'user', isActive: true, tier: 'system' },
    { id: 3, name: 'api_docs', type: 'swagger', isActive: true, tier: 'system' },
    { id: 9, name: 'off', type: 'sqlite', isActive: false, tier: 'sql' },
    { id: 10, name: 'mail', type: 'smtp', isActive: true, tier: 'mail' },
  ],
  serviceTypes: [
    { name: 'sqlite', group: 'Database' },
    { name: 'system', group: 'System' },
    { name: 'user', group: 'User' },
    { name: 'swagger', group: 'API Doc' },
  ],
};

// biome-ignore lint/suspicious/noExplicitAny: tests look into any document
type Document = any;

function installation(rules: readonly AccessInit[] = [], tiers: Tiers = {}) {
  const state = stateWithRole(rules, INIT);
  let asked = 0;
  const forwarder = {
    send: async (tier: string, operation: Operation): Promise<Forwarded> => {
      asked += 1;
      const json = Buffer.from(JSON.stringify(answerOf(tier, operation, tiers)));
      return { result: create(ResultSchema, { json }), chunks: undefined };
    },
  } as unknown as Forwarder;
  const documents = new Documents({ state, forwarder, requestTimeoutMs: 10_000 });
  const send = async (path: string, principal: Principal = principalIn(state), method = 'GET') => {
    const request = apiRequestOf({ target: `/api/v2/${path}`, method });
    const service = state.servicesByName.get(request.service)!;
    expect(documents.serves(request, service)).toBe(true);
    const reply = new KeepingReply();
    const shown = { format: 'json', disposition: undefined, wrap: false, headers: [] } as const;
    await documents.send({ request, service, principal }, reply, shown);
    return reply.answer;
  };
  const read = async (path: string, principal?: Principal): Promise<Document> =>
    JSON.parse((await send(path, principal)).body);
  return { state, send, read, nobody: principalIn(state, null, null), asked: () => asked };
}

const verbsOf = (document: Document): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(document.paths as object).map(([path, item]) => [
      path,
      Object.keys(item).filter((key) => key !== 'parameters'),
    ]),
  );

const idsOf = (document: Document): string[] =>
  Object.values(document.paths as Record<string, Record<string, { operationId?: string }>>).flatMap((item) =>
    Object.values(item).flatMap(({ operationId }) => operationId ?? []),
  );

/** One for all: it compiles what it checks by. */
const VALIDATOR = new Validator();

/** References to what is not there. */
function dangling(document: Document): string[] {
  const text = JSON.stringify(document);
  const refs = [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
  return refs.filter(([, kind, name]) => !document.components[kind!]?.[name!]).map(([found]) => found);
}

describe('every document', () => {
  const PATHS = [
    'api_docs',
    'api_docs?expand_schema=1',
    'api_docs/db',
    'api_docs/db?expand_schema=true',
    'api_docs/system',
    'api_docs/user',
    'api_docs/api_docs',
    'api_docs/mail',
    'db/_spec',
    'db/_spec?compact=true',
    'db/_spec?tables=pet',
    'db/_spec?expand_schema=true',
    'system/_spec',
    'system/_spec?resource_name=role',
    'user/_spec',
    'mail/_spec',
  ];
  const OF_ADMIN = PATHS.map((path) => ({ path, who: 'an administrator' }));
  const OF_CLERK = PATHS.filter((path) => path !== 'system/_spec?resource_name=role').map((path) => ({
    path,
    who: 'a clerk',
  }));
  const OF_NOBODY = ['api_docs', 'api_docs/system', 'api_docs/user', 'api_docs/api_docs'].map((path) => ({
    path,
    who: 'nobody',
  }));
  test.each([...OF_ADMIN, ...OF_CLERK, ...OF_NOBODY])(
    '$path of $who is valid in both versions',
    async ({ path, who }) => {
      const rules = [rule('_table/pet/*', { verbMask: 3 }), rule('', { serviceId: 10, verbMask: 1 })];
      const { read, nobody } = installation(rules);
      const principal = { 'an administrator': ADMIN, nobody }[who];
      for (const version of ['3.0', '3.1']) {
        const document = await read(`${path}${path.includes('?') ? '&' : '?'}openapi=${version}`, principal);
        expect(document.openapi).toBe(`${version}.0`);
        expect(await VALIDATOR.validate(document)).toMatchObject({ valid: true });
        expect(dangling(document)).toEqual([]);
        const ids = idsOf(document);
        expect(new Set(ids).size).toBe(ids.length);
      }
    },
  );
});

describe('a database', () => {
  test('has the paths and the ids that clients know', async () => {
    const document = await installation().read('api_docs/db', ADMIN);
    expect(document).toMatchObject({
      openapi: '3.1.0',
      servers: [{ url: '/api/v2/db', description: '' }],
      info: { title: 'Shop', description: '', version: '2.0', 'x-group': 'Database' },
      tags: [],
    });
    expect(verbsOf(document)).toEqual({
      '/': ['get'],
      '/_schema': ['get', 'post', 'put', 'patch'],
      '/_table': ['get'],
      '/_schema/{table_name}': ['get', 'post', 'put', 'patch', 'delete'],
      '/_schema/{table_name}/_field': ['get', 'post', 'put', 'patch', 'delete'],
      '/_schema/{table_name}/_related': ['get', 'post', 'put', 'patch', 'delete'],
      '/_schema/{table_name}/_field/{field_name}': ['get', 'put', 'patch', 'delete'],
      '/_schema/{table_name}/_related/{relationship_name}': ['get', 'put', 'patch', 'delete'],
      '/_table/{table_name}': ['get', 'post', 'put', 'patch', 'delete'],
      '/_table/{table_name}/{id}': ['get', 'put', 'patch', 'delete'],
      '/_proc': ['get'],
      '/_proc/{procedure_name}': ['get', 'post'],
      '/_func': ['get'],
      '/_func/{function_name}': ['get', 'post'],
    });
    expect(idsOf(document)).toEqual(
      expect.arrayContaining([
        'getDbResources',
        'getDbDbSchemaResources',
        'createDbTables',
        'describeDbTable',
        'describeDbFields',
        'updateDbRelationships',
        'describeDbField',
        'deleteDbRelationship',
        'getDbTables',
        'getDbTableRecords',
        'replaceDbTableRecord',
        'getDbStoredProcedures',
        'callDbStoredProcedure',
        'callDbStoredFunctionWithParams',
      ]),
    );
    expect(document.paths['/_table'].get.tags).toEqual(['db']);
  });

  test('that does not answer has its usual paths, but no tables', async () => {
    const { read } = installation([], { down: true });
    expect(Object.keys((await read('api_docs/db', ADMIN)).paths)).toContain('/_table/{table_name}');
    await expect(read('api_docs/db?expand_schema=1', ADMIN)).rejects.toMatchObject({ code: 'unavailable' });
    const all = Object.keys((await read('api_docs?expand_schema=1', ADMIN)).paths);
    expect(all.filter((path) => path.startsWith('/db'))).toEqual([]);
    expect(all).toContain('/system/role');
  });

  test('each table and field has a path of its own, by the name that it has there', async () => {
    const document = await installation().read('api_docs/db?expand_schema=1', ADMIN);
    const paths = Object.keys(document.paths);
    expect(paths).toEqual(expect.arrayContaining(['/_table/people', '/_table/people/{id}', '/_schema/person']));
    expect(paths).toContain('/_schema/pet/_field/owner_id');
    expect(paths).not.toContain('/_table/{table_name}');
    expect(document.components.schemas['db.people'].properties).toEqual({
      id: { type: 'integer', format: 'int32' },
      title: { type: 'string' },
      pet_by_owner_id: { type: 'array', items: { $ref: '#/components/schemas/db.pet' } },
      pet_by_visit: { type: 'array', items: { $ref: '#/components/schemas/db.pet' } },
    });
  });

  test('a spec tells which tables there are and how they are related', async () => {
    const { read } = installation();
    const spec = await read('db/_spec', ADMIN);
    expect(spec['x-dreamfactory-resources']).toMatchObject({ tables: ['pet', 'people', 'visit'], count: 3 });
    const { tables, patterns } = spec['x-dreamfactory-relationships'];
    expect(Object.keys(tables)).toEqual(['pet', 'people']);
    expect(tables.people[1]).toMatchObject({ name: 'pet_by_visit', type: 'many_many', junction_table: 'visit' });
    expect(patterns.junction_tables).toMatchObject([{ table: 'people', related_table: 'pet', junction: 'visit' }]);
    expect(Object.keys(spec.components.securitySchemes)).toEqual(['SessionTokenHeader', 'ApiKeyHeader']);
    expect(spec.tags).toEqual([{ name: 'db', description: '' }]);
    const compact = await read('db/_spec?compact=true&tables=true', ADMIN);
    expect(compact['x-dreamfactory-resources'].count).toBe(3);
    expect(Object.keys(compact.components)).toEqual(['securitySchemes']);
  });

  test.each(['tables=PET', 'resource_name=pet'])('a spec of some tables only: %s', async (option) => {
    const { read } = installation();
    const spec = await read(`db/_spec?${option}`, ADMIN);
    expect(Object.keys(spec.paths).every((path) => /^\/_(?:table|schema)\/pet\b/.test(path))).toBe(true);
    expect(spec['x-dreamfactory-resources'].tables).toEqual(['pet']);
    expect(Object.keys(spec.components.schemas)).not.toContain('db.people');
    await expect(read('db/_spec?tables=nope', ADMIN)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('whoever has a role is shown what he may use', () => {
  const text = async (rules: AccessInit[], path: string) => JSON.stringify(await installation(rules).read(path));

  test('verbs, and tables', async () => {
    const { read } = installation([rule('_table/pet', { verbMask: 1 }), rule('_table/people/*', { verbMask: 2 })]);
    expect(verbsOf(await read('api_docs/db'))).toEqual({
      '/_schema': ['get'],
      '/_table/{table_name}': ['get', 'post'],
    });
    expect(verbsOf(await read('api_docs/db?expand_schema=1'))).toEqual({
      '/_schema': ['get'],
      '/_table/pet': ['get'],
      '/_table/people': ['post'],
    });
  });

  test('no fields of a table that he may not read', async () => {
    const rules = [rule('_table/pet', { verbMask: 2 }), rule('_table/people/*', { verbMask: 1 }), rule('_spec')];
    for (const path of ['api_docs/db?expand_schema=1', 'db/_spec', 'db/_spec?tables=pet', 'api_docs?expand_schema=1']) {
      const document = await text(rules, path);
      expect(document).not.toContain('secret');
      expect(document).not.toContain('visit');
      expect(document).not.toContain('pet_by_owner_id');
    }
    await expect(installation(rules).read('db/_spec?tables=visit')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('no relation by way of a table that he may not read', async () => {
    const rules = [rule('_table/pet/*', { verbMask: 1 }), rule('_table/people/*', { verbMask: 1 }), rule('_spec')];
    const spec = await text(rules, 'db/_spec');
    expect(spec).toContain('pet_by_owner_id');
    expect(spec).not.toContain('visit');
  });

  test('resources of the system', async () => {
    const { read } = installation([rule('role/*', { serviceId: 1, verbMask: 1 })]);
    const document = await read('api_docs/system');
    expect(verbsOf(document)).toMatchObject({ '/role': ['get'], '/role/{id}': ['get'], '/environment': ['get'] });
    expect(JSON.stringify(document)).not.toContain('ServiceType');
  });
});

describe('the system', () => {
  test('has the ids that clients know, and fields by the way they go', async () => {
    const document = await installation().read('api_docs/system', ADMIN);
    expect(idsOf(document)).toEqual(
      expect.arrayContaining([
        'getSystemResources',
        'getSystemRoles',
        'createSystemRoles',
        'updateSystemRoles',
        'replaceSystemRoles',
        'deleteSystemRoles',
        'getSystemRole',
        'deleteSystemRole',
        'getSystemServiceTypes',
        'getSystemEnvironment',
        'getSystemEventList',
        'deleteAllCacheFromSystem',
        'deleteServiceCacheFromSystem',
        'getSystemLimitCaches',
        'getSystemLater',
      ]),
    );
    expect(verbsOf(document)['/service_type']).toEqual(['get']);
    expect(verbsOf(document)['/event_script/{id}/_test']).toEqual(['post']);
    expect(verbsOf(document)['/job']).not.toContain('post');
    expect(verbsOf(document)['/job']).toContain('patch');
    const { schemas, requestBodies, responses } = document.components;
    expect(Object.keys(schemas.RoleResponse.properties)).toEqual(['id', 'name', 'role_service_access_by_role_id']);
    expect(Object.keys(schemas.RoleRequest.properties)).toEqual([
      'id',
      'name',
      'token',
      'role_service_access_by_role_id',
    ]);
    expect(schemas.RelatedRoleServiceAccessResponse.properties.role_by_role_id).toEqual({
      $ref: '#/components/schemas/RoleResponse',
    });
    expect(Object.keys(requestBodies)).toEqual(expect.arrayContaining(['RoleRequest', 'RolesRequest']));
    expect(responses.RolesResponse.content['application/json'].schema).toEqual({
      $ref: '#/components/schemas/RolesResponse',
    });
    const created = document.paths['/role'].post;
    expect(Object.keys(created.responses)).toEqual(['201', 'default']);
    expect(created.parameters).toContainEqual(expect.objectContaining({ name: 'X-HTTP-METHOD', in: 'header' }));
  });

  test('accounts are described as far as they are listed', async () => {
    const { read } = installation();
    expect(verbsOf(await read('api_docs/user', ADMIN))).toEqual({
      '/': ['get'],
      '/session': ['get', 'post', 'put', 'delete'],
      '/password': ['post'],
      '/profile': ['get', 'post'],
      '/register': ['post'],
      '/custom': ['get', 'post', 'patch', 'put', 'delete'],
      '/custom/{id}': ['get', 'patch', 'put', 'delete'],
    });
    expect(verbsOf(await read('api_docs/system', ADMIN))).toMatchObject({
      '/admin/session': ['get', 'post', 'put', 'delete'],
      '/admin/password': ['post'],
      '/later': ['get'],
    });
  });
});

describe('the document of all', () => {
  test('has all services by their names', async () => {
    const document = await installation().read('api_docs', ADMIN);
    expect(document.tags.map(({ name }: { name: string }) => name)).toEqual([
      'system',
      'user',
      'api_docs',
      'db',
      'mail',
    ]);
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/system/role/{id}', '/user', '/api_docs/{service_name}', '/db/_table', '/mail']),
    );
    expect(document.paths['/db/_table'].get.tags).toEqual(['db']);
    expect(document.info).toMatchObject({ version: '2.0' });
  });

  test('the list of services', async () => {
    const { read, nobody } = installation([rule('_table/pet')]);
    const of = async (principal?: Principal) => (await read('api_docs?as_list=true', principal)).resource;
    expect(await of(ADMIN)).toEqual(['system', 'user', 'api_docs', 'db', 'mail']);
    expect(await of()).toEqual(['system', 'user', 'api_docs', 'db']);
    expect(await of(nobody)).toEqual(['system', 'user', 'api_docs']);
  });

  test('nobody is shown what is open to everybody', async () => {
    const { read, nobody } = installation();
    expect(verbsOf(await read('api_docs', nobody))).toEqual({
      '/system/admin/session': ['get', 'post', 'put', 'delete'],
      '/system/admin/password': ['post'],
      '/system/environment': ['get'],
      '/user/session': ['get', 'post', 'put', 'delete'],
      '/user/password': ['post'],
      '/user/profile': ['get', 'post'],
      '/user/register': ['post'],
      '/api_docs': ['get'],
      '/api_docs/{service_name}': ['get'],
    });
  });
});

describe('refusals', () => {
  const CASES: { why: string; path: string; admin?: boolean; method?: string; code: string }[] = [
    { why: 'a service that is not open', path: 'api_docs/db', code: 'denied' },
    { why: 'one that is not there says no more', path: 'api_docs/nope', code: 'denied' },
    { why: 'unless to an administrator', path: 'api_docs/nope', admin: true, code: 'not_found' },
    { why: 'one that is off', path: 'api_docs/off', admin: true, code: 'denied' },
    { why: 'more of a path', path: 'api_docs/db/x', admin: true, code: 'not_found' },
    { why: 'a write', path: 'api_docs', method: 'POST', admin: true, code: 'unsupported' },
    { why: 'a version that is none', path: 'api_docs?openapi=2.0', admin: true, code: 'invalid' },
    { why: 'a resource that is none', path: 'system/_spec?resource_name=nope', admin: true, code: 'not_found' },
  ];
  test.each(CASES)('$why', async ({ path, admin, method, code }) => {
    const { send } = installation();
    await expect(send(path, admin ? ADMIN : undefined, method)).rejects.toMatchObject({ code });
  });
});

describe('a document that is stored', () => {
  const OPEN = JSON.stringify({
    openapi: '3.0.0',
    info: { title: '{service.label}' },
    paths: {
      '/_table/pet': { get: { operationId: 'pets', responses: { 200: { $ref: '#/components/responses/Pets' } } } },
      '/_table/visit': { get: { operationId: 'visits', responses: { 200: { description: '' } } } },
    },
    components: {
      responses: { Pets: { description: '' } },
      schemas: { Error: { type: 'string' } },
    },
  });

  test('replaces the one that is made, as far as the caller may use it', async () => {
    const { read } = installation([rule('_table/pet', { verbMask: 1 })], { docs: { [DB]: OPEN } });
    const document = await read('api_docs/db');
    expect(document).toMatchObject({ openapi: '3.0.0', info: { title: 'Shop', version: '2.0' } });
    expect(Object.keys(document.paths)).toEqual(['/_table/pet']);
    expect(document.paths['/_table/pet'].get).toMatchObject({ operationId: 'pets', tags: ['db'] });
    expect(document.components.responses.Pets).toEqual({ description: '' });
    expect(Object.keys(document.components.securitySchemes)).toHaveLength(6);
  });

  test('is a part of the document of all', async () => {
    const { read } = installation([], { docs: { [DB]: OPEN } });
    const document = await read('api_docs', ADMIN);
    expect(document.paths['/db/_table/pet'].get.operationId).toBe('pets');
    expect(document.components.schemas['db.Error']).toEqual({ type: 'string' });
    expect(document.components.schemas.Error.type).toBe('object');
  });

  test('in an older language it stands alone', async () => {
    const swagger = { swagger: '2.0', info: { title: 'x' }, paths: { '/a': {} } };
    const { read } = installation([], { docs: { [DB]: JSON.stringify(swagger) } });
    expect(await read('api_docs/db', ADMIN)).toEqual(swagger);
    expect(Object.keys((await read('api_docs', ADMIN)).paths).filter((path) => path.startsWith('/db'))).toEqual([]);
  });

  test('that cannot be read is said to be so, and takes nothing from the others', async () => {
    const { read } = installation([], { docs: { [DB]: '{' } });
    await expect(read('api_docs/db', ADMIN)).rejects.toMatchObject({ code: 'unavailable' });
    expect(Object.keys((await read('api_docs', ADMIN)).paths)).toContain('/system/role');
  });
});

describe('a document is made once', () => {
  test('for all who may use the same, until something changes', async () => {
    const { read, asked, state } = installation([rule('_table/pet')]);
    await Promise.all([read('api_docs/db'), read('api_docs/db')]);
    const once = asked();
    await read('api_docs/db?openapi=3.1&whatever=1');
    await read('api_docs/db', principalIn(state, null));
    expect(asked()).toBe(once);
    await read('api_docs/db', ADMIN);
    expect(asked()).toBe(2 * once);
    state.epoch += 1;
    await read('api_docs/db');
    expect(asked()).toBe(3 * once);
  });

  test('and anew where that is asked for by somebody with a role', async () => {
    const { read, asked, nobody } = installation([rule('_table/pet')]);
    await read('api_docs/db');
    const once = asked();
    await read('api_docs/db?refresh=true');
    expect(asked()).toBe(2 * once);
    await read('api_docs', nobody);
    const before = asked();
    await read('api_docs?refresh=true', nobody);
    expect(asked()).toBe(before);
  });

  test('what could not be made is not kept', async () => {
    const tiers = { down: true };
    const { read } = installation([], tiers);
    await expect(read('api_docs/db?expand_schema=1', ADMIN)).rejects.toMatchObject({ code: 'unavailable' });
    tiers.down = false;
    expect(Object.keys((await read('api_docs/db?expand_schema=1', ADMIN)).paths)).toContain('/_table/pet');
  });
});

test('as YAML', async () => {
  const { send, read } = installation();
  const answer = await send('db/_spec?format=yaml', ADMIN);
  expect(answer.headers).toContainEqual(['Content-Type', 'application/yaml; charset=UTF-8']);
  expect(parse(answer.body)).toEqual(await read('db/_spec', ADMIN));
});

test('without services nothing is shown', async () => {
  const state = stateOf({ services: [{ id: 3, name: 'api_docs', type: 'swagger', isActive: true }] });
  const documents = new Documents({ state, forwarder: {} as Forwarder, requestTimeoutMs: 1000 });
  const reply = new KeepingReply();
  const request = apiRequestOf({ target: '/api/v2/api_docs' });
  const shown = { format: 'json', disposition: undefined, wrap: false, headers: [] } as const;
  await documents.send({ request, service: state.services.get(3)!, principal: ADMIN }, reply, shown);
  expect(JSON.parse((await reply.answer).body)).toMatchObject({ tags: [{ name: 'api_docs' }] });
});

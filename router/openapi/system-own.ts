/** What the system service has beside records. Described here is what it may list; shown is what it does list. */
import { ADMIN_ACCOUNT, custom } from './accounts.ts';
import { answers, bodies, count, flag, listOf, object, operation, text } from './components.ts';
import { at, type Json, ref } from './document.ts';
import type { OwnResource } from './resources.ts';

const ENVIRONMENT: Json = object({
  authentication: { type: 'object', description: 'Ways to sign in.' },
  apps: listOf({ type: 'object' }, 'Apps that the caller may open.'),
  platform: { type: 'object', description: 'The product; only for whoever is known.' },
  server: { type: 'object', description: 'The machine; only for administrators.' },
  client: { type: 'object', description: 'How the caller is seen.' },
  config: { type: 'object', description: 'Settings that clients follow.' },
});

const environment: OwnResource = (word, segments) => ({
  entries: [
    at(segments, {
      get: operation(`get${word}Environment`, 'What this installation offers.', 'EnvironmentResponse'),
    }),
  ],
  components: {
    responses: answers({ EnvironmentResponse: 'What this installation offers.' }),
    schemas: { EnvironmentResponse: ENVIRONMENT },
  },
});

const event: OwnResource = (word, segments) => ({
  entries: [
    at(segments, {
      get: operation(`get${word}EventList`, 'What scripts can be bound to.', 'EventsResponse', {
        options: ['service', 'services_only', 'scriptable', 'as_list'],
      }),
    }),
  ],
  components: {
    responses: answers({ EventsResponse: 'Events of each service, by path; or a list of their names.' }),
    schemas: { EventsResponse: object({}, { additionalProperties: true }) },
  },
});

const cache: OwnResource = (word, segments) => ({
  entries: [
    at(segments, {
      get: operation(`get${word}Caches`, 'Services of which something is remembered.', 'ResourceList', {
        options: ['fields', 'as_list'],
      }),
      delete: operation(`deleteAllCacheFrom${word}`, 'Forget what is remembered.', 'Success'),
    }),
    at([...segments, { name: 'service', description: 'Name of the service.' }], {
      delete: operation(`deleteServiceCacheFrom${word}`, 'Forget what is remembered of one service.', 'Success'),
    }),
  ],
  components: {},
});

const constant: OwnResource = (word, segments) => ({
  entries: [at(segments, { get: operation(`get${word}Constants`, 'Names for numbers.', 'ResourceList') })],
  components: {},
});

const LIMIT_ID = {
  name: 'id',
  description: 'Identifier of the limit.',
  schema: { type: 'integer', format: 'int32' },
};

const limitCache: OwnResource = (word, segments) => ({
  entries: [
    at(segments, {
      get: operation(`get${word}LimitCaches`, 'How the limits stand.', 'LimitCachesResponse'),
      delete: operation(`delete${word}LimitCaches`, 'Count limits from nothing again.', 'LimitCachesResponse', {
        options: ['ids', 'allow_delete'],
      }),
    }),
    at([...segments, LIMIT_ID], {
      get: operation(`get${word}LimitCache`, 'How a limit stands.', 'LimitCacheResponse'),
      delete: operation(`delete${word}LimitCache`, 'Count it from nothing again.', 'LimitCacheResponse'),
    }),
  ],
  components: {
    responses: answers({ LimitCacheResponse: 'A limit.', LimitCachesResponse: 'Limits.' }),
    schemas: {
      LimitCacheResponse: object({
        id: count('Identifier of the limit.'),
        key: text('What is counted by.'),
        max: count('Calls that are allowed.'),
        attempts: count('Calls that were made.'),
        remaining: count('Calls that are left.'),
      }),
      LimitCachesResponse: object({ resource: listOf(ref('schemas', 'LimitCacheResponse')) }),
    },
  },
});

const BINARY: Json = { type: 'string', format: 'binary' };

const MERGED: Json = object({
  created: { type: 'object', description: 'Names of records that are new, by their kind.' },
  updated: { type: 'object', description: 'Names of records that were changed.' },
  skipped: { type: 'object', description: 'Names of records that were there already.' },
});

const packages: OwnResource = (word, segments) => ({
  entries: [
    at(segments, {
      get: operation(`get${word}PackageManifest`, 'What there is to export.', 'PackageManifest', {
        options: ['system_only'],
      }),
      post: operation(
        `importExport${word}Package`,
        'Export what a manifest names, or import a package.',
        {
          description: 'The package, where a manifest was sent.',
          content: {
            'application/zip': { schema: BINARY },
            'application/json': { schema: ref('schemas', 'PackageImported') },
          },
        },
        {
          description:
            'Only for administrators. Imports are answered 201, or 200 where records were left as they were.',
          options: ['overwrite', 'dry_run'],
          body: {
            required: true,
            content: {
              'application/json': { schema: ref('schemas', 'PackageManifest') },
              'application/zip': { schema: BINARY },
              'multipart/form-data': {
                schema: object({
                  files: { ...BINARY, description: 'The package.' },
                  password: text('Of a secured package.'),
                }),
              },
            },
          },
        },
      ),
    }),
  ],
  components: {
    responses: answers({ PackageManifest: 'A manifest.' }),
    schemas: {
      PackageManifest: object({
        format: text('Format of the package.'),
        secured: flag('Whether secrets come along, sealed by the password.'),
        password: text('Seals the secrets; at least 8 characters.'),
        description: text('What the package is for.'),
        service: object({ system: { type: 'object', description: 'Names of records by their kind, or `*` for all.' } }),
      }),
      PackageImported: object({
        success: flag('Whether it is done.'),
        dry_run: flag('Nothing was changed.'),
        log: MERGED,
      }),
    },
  },
});

const configPackage: OwnResource = (word, segments) => ({
  entries: [
    at(segments, {
      get: operation(`get${word}ConfigPackage`, 'Services, roles and apps without their secrets.', 'ConfigPackage'),
      post: operation(`import${word}ConfigPackage`, 'Import services, roles and apps.', 'ConfigPackageImported', {
        description: 'Only for administrators. Masked values leave what is stored as it is.',
        options: ['overwrite', 'dry_run'],
        body: 'ConfigPackage',
      }),
    }),
  ],
  components: {
    responses: answers({ ConfigPackage: 'A configuration.', ConfigPackageImported: 'What was done.' }),
    requestBodies: bodies({ ConfigPackage: 'A configuration.' }),
    schemas: {
      ConfigPackage: object({
        format: text('dreamfactory.config/v1'),
        exported_at: text('When it was made.'),
        services: listOf({ type: 'object' }, 'Services.'),
        roles: listOf({ type: 'object' }, 'Roles and what they allow.'),
        apps: listOf({ type: 'object' }, 'Apps without their keys.'),
      }),
      ConfigPackageImported: object({
        success: flag('Whether it is done.'),
        ...(MERGED as { properties: Json }).properties,
        errors: listOf({ type: 'object' }, 'None: all of it is imported, or nothing.'),
      }),
    },
  },
});

export const SYSTEM_OWN: Readonly<Record<string, OwnResource>> = {
  ...Object.fromEntries(Object.entries(ADMIN_ACCOUNT).map(([name, resource]) => [`admin/${name}`, resource])),
  cache,
  config_package: configPackage,
  constant,
  custom,
  environment,
  event,
  limit_cache: limitCache,
  package: packages,
};

/** One document put together: of a service, of all services, or a service's `_spec` (system-api §1.3, §9). */
import { MillraceError, notFound } from '#common/errors.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { PathAccess } from './access.ts';
import { describeApiDocs } from './api-docs.ts';
import type { Catalogue } from './catalogue.ts';
import { anyOf, COMMON, operation, SECURITY_SCHEMES } from './components.ts';
import { describeDatabase } from './database.ts';
import { at, type Components, type Json, joined, type Part, type PathEntry, unlike, wordOf } from './document.ts';
import { describeFiles } from './files.ts';
import { mergeParts } from './merge.ts';
import { compactSpec, specOf } from './spec.ts';
import { isOpenApi3, readStored, storedEntries } from './stored.ts';
import type { Describer, Wants } from './subject.ts';
import { describeSystem } from './system.ts';
import { describeUser } from './user.ts';
import { inVersion, NUMBERS, type Version } from './versions.ts';

/** By the group of the service's type. Of any other nothing is known but its root. */
const DESCRIBERS: Readonly<Record<string, Describer>> = {
  'API Doc': describeApiDocs,
  Database: describeDatabase,
  File: describeFiles,
  System: describeSystem,
  User: describeUser,
};

const describeUnknown: Describer = async ({ word }) => ({
  entries: [at([], { get: operation(`get${word}Resources`, 'What this service has.', 'ResourceList') })],
  components: {},
});

const ROOT = '/api/v2';
const API_VERSION = '2.0';
const NOTHING: Part = { entries: [], components: {} };

export interface Options {
  readonly version: Version;
  readonly expand: boolean;
  /** Of a `_spec`: only what there is and what it is called. */
  readonly compact: boolean;
  /** Of a `_spec`: these resources, or tables, in lower case; empty: all. */
  readonly only: readonly string[];
}

export interface Making {
  readonly state: AccessState;
  readonly principal: Principal;
  readonly catalogue: Catalogue;
  readonly options: Options;
}

/** @throws MillraceError whatever the tiers say */
export async function documentOf(service: Service, making: Making): Promise<Json> {
  const document = await storedFor(service, making);
  if (document && !isOpenApi3(document)) return document;
  const part = await partOf(service, document, making, 'nothing');
  const own = document ?? {};
  // What was written in the older version stays in it, and so does what is added to it.
  const isOlder = String(own['openapi'] ?? '').startsWith('3.0');
  const version = isOlder ? '3.0' : making.options.version;
  const whole: Json = {
    ...own,
    openapi: isOlder ? own['openapi'] : NUMBERS[version],
    servers: own['servers'] ?? [{ url: `${ROOT}/${service.name}`, description: '' }],
    components: withCommon(part.components, own['components'] as Json | undefined),
    security: own['security'] ?? anyOf(SECURITY_SCHEMES),
    tags: own['tags'] ?? [],
    info: { ...infoOf(service), 'x-group': groupOf(service, making), ...(own['info'] as Json | undefined) },
    paths: pathsOf(part.entries, service.name),
  };
  return inVersion(whole, version);
}

/** @throws MillraceError whatever the system service says */
export async function documentOfAll(services: readonly Service[], making: Making): Promise<Json> {
  const stored = await storedDocs(making);
  const parts = services.map(async (service) => {
    const part = await partUnlessSilent(service, stored.get(service.id), making);
    return { ...part, name: service.name, entries: part.entries.map((entry) => tagged(entry, service.name)) };
  });
  const { entries, components } = mergeParts(await Promise.all(parts), COMMON);
  return {
    openapi: NUMBERS[making.options.version],
    servers: [{ url: ROOT, description: '' }],
    components: { securitySchemes: SECURITY_SCHEMES, ...components },
    security: anyOf(SECURITY_SCHEMES),
    tags: services.map(tagOf),
    info: { title: 'Millrace Live API Documentation', description: '', version: API_VERSION },
    paths: pathsOf(entries),
  };
}

/** @throws MillraceError not_found where only resources are wanted that are none; whatever the tiers say */
export async function specDocumentOf(service: Service, making: Making): Promise<Json> {
  const { compact, version, only } = making.options;
  const document = await storedFor(service, making);
  if (document && !isOpenApi3(document)) return document;
  const part = await partOf(service, document, making, compact ? 'names' : 'descriptions');
  if (only.length > 0 && part.entries.length === 0) throw notFound(`There is no resource '${only.join(', ')}'.`);
  const parts = {
    openapi: NUMBERS[version],
    info: infoOf(service),
    server: `${ROOT}/${service.name}`,
    tag: tagOf(service),
    components: joined(COMMON, part.components),
    paths: pathsOf(part.entries, service.name),
    extensions: part.extensions ?? {},
  };
  return compact ? compactSpec(parts) : specOf(parts);
}

/** The paths that the caller may use; nothing of a service that cannot be asked. */
export async function partOfAll(service: Service, making: Making): Promise<Part> {
  return partUnlessSilent(service, (await storedDocs(making)).get(service.id), making);
}

/** A service that cannot be asked, or whose stored document cannot be read, takes nothing from the others. */
async function partUnlessSilent(service: Service, stored: string | undefined, making: Making): Promise<Part> {
  try {
    const document = stored === undefined ? undefined : readStored(stored, service);
    if (document && !isOpenApi3(document)) return NOTHING;
    return await partOf(service, document, making, 'nothing');
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return NOTHING;
  }
}

/** What the caller may use of a service. @param document  the one that is stored for it */
async function partOf(
  service: Service,
  document: Json | undefined,
  making: Making,
  tables: Wants['tables'],
): Promise<Part> {
  const { state, principal, catalogue, options } = making;
  const access = new PathAccess(principal, service);
  if (document) {
    const components = (document['components'] ?? {}) as Components;
    return { entries: access.allowed(storedEntries(document)), components };
  }
  const describe = DESCRIBERS[groupOf(service, making)] ?? describeUnknown;
  const wants = { expand: options.expand, tables, only: options.only };
  const part = await describe({ service, word: wordOf(service.name), access, catalogue, wants, state, principal });
  return { ...part, entries: access.allowed(part.entries) };
}

async function storedFor(service: Service, making: Making): Promise<Json | undefined> {
  const content = (await storedDocs(making)).get(service.id);
  return content === undefined ? undefined : readStored(content, service);
}

async function storedDocs({ state, catalogue }: Making): Promise<ReadonlyMap<number, string>> {
  const system = [...state.services.values()].find(({ type }) => type === 'system');
  return system ? catalogue.storedDocs(system) : new Map();
}

const groupOf = ({ type }: Service, { state }: Making): string => state.serviceTypes.get(type)?.group ?? '';

const infoOf = ({ name, label, description }: Service): Json => ({
  title: label || name,
  description,
  version: API_VERSION,
});

const tagOf = ({ name, description }: Service): Json => ({ name, description });

function withCommon(components: Components, own: Json | undefined): Json {
  const securitySchemes = { ...SECURITY_SCHEMES, ...((own?.['securitySchemes'] as Json | undefined) ?? {}) };
  return { ...own, securitySchemes, ...joined(COMMON, components) };
}

/** Ids of operations are told apart: names that differ in signs only give the same one. */
function pathsOf(entries: readonly PathEntry[], tag?: string): Json {
  const ids = new Set<string>();
  const items = entries.map((entry) => {
    const { path, item, operations } = tag === undefined ? entry : tagged(entry, tag);
    const named = Object.entries(operations).map(([method, each]) => {
      const { operationId } = each;
      return [method, operationId === undefined ? each : { ...each, operationId: unlike(operationId, ids) }];
    });
    return [path, { ...Object.fromEntries(named), ...item }];
  });
  return Object.fromEntries(items) as Json;
}

function tagged(entry: PathEntry, tag: string): PathEntry {
  const operations = Object.entries(entry.operations).map(([method, each]) => {
    const own = Array.isArray(each['tags']) ? (each['tags'] as unknown[]) : [];
    return [method, { ...each, tags: [...new Set([...own, tag])] }];
  });
  return { ...entry, operations: Object.fromEntries(operations) };
}

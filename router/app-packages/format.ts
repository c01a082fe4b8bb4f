/** What is in a package of an application, `.dfpkg` (files-and-scripting-api §2.4). */
import { APP_PACKAGE_BYTES_MAX, APP_PACKAGE_FILES_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { readZip } from '#common/zip.ts';
import type { JsonObject } from './api.ts';

export const DESCRIPTION = 'description.json';
export const SERVICES = 'services.json';
export const SCHEMA = 'schema.json';
export const DATA = 'data.json';
/** The description as others call it. */
const DESCRIPTIONS = [DESCRIPTION, 'app.json'];
const OURS = new Set([...DESCRIPTIONS, SERVICES, SCHEMA, DATA]);

export interface AppPackage {
  readonly description: JsonObject;
  readonly services: readonly JsonObject[];
  /** Tables by the name of their service. */
  readonly schema: readonly ServiceTables[];
  readonly data: readonly ServiceTables[];
  /** Of the application itself, by their paths in it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface ServiceTables {
  readonly name: string;
  readonly tables: readonly JsonObject[];
}

/** @throws MillraceError invalid */
export async function readAppPackage(bytes: Uint8Array): Promise<AppPackage> {
  const members = await readZip(bytes, { filesMax: APP_PACKAGE_FILES_MAX, bytesMax: APP_PACKAGE_BYTES_MAX });
  const name = DESCRIPTIONS.find((each) => members.has(each));
  if (name === undefined) throw invalid('No application description file in this package file.');
  const description = jsonIn(members, name);
  if (!isObject(description)) throw invalid(`${name} of the package is no JSON object.`);
  return {
    description,
    services: objectsIn(jsonIn(members, SERVICES), SERVICES),
    schema: tablesIn(jsonIn(members, SCHEMA), SCHEMA),
    data: tablesIn(jsonIn(members, DATA), DATA),
    files: new Map([...members].filter(([path]) => !OURS.has(path))),
  };
}

/** The record that it describes, as it is created. @throws MillraceError invalid */
export function recordIn(description: JsonObject): JsonObject {
  const name = description['api_name'] ?? description['name'];
  if (typeof name !== 'string' || name === '') throw invalid('The description of the package has no name.');
  const type = Number(description['type'] ?? 0);
  const path = description['path'];
  if ((type === 1 || type === 3) && (typeof path !== 'string' || path === '')) {
    throw invalid('The description of the package has no path, which an application of its type needs.', {
      path: ['is required'],
    });
  }
  const record: JsonObject = {
    ...{ name, type },
    is_active: description['is_active'] ?? description['active'] ?? true,
    url: description['url'] ?? 'index.html',
  };
  for (const field of ['description', 'path', ...LAUNCHER]) {
    if (description[field] !== undefined) record[field] = description[field];
  }
  return record;
}

export const LAUNCHER = ['requires_fullscreen', 'allow_fullscreen_toggle', 'toggle_location'] as const;

/** `My first app` → `MyFirstApp`: where it is stored unless somebody says otherwise. */
export const containerOf = (name: string): string =>
  name
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function jsonIn(members: ReadonlyMap<string, Uint8Array>, name: string): unknown {
  const bytes = members.get(name);
  if (!bytes) return undefined;
  try {
    return parseJson(bytes);
  } catch {
    throw invalid(`${name} of the package is no JSON.`);
  }
}

function objectsIn(value: unknown, name: string): JsonObject[] {
  const list = isObject(value) ? (value['resource'] ?? value['service'] ?? []) : (value ?? []);
  if (!Array.isArray(list) || !list.every(isObject)) throw invalid(`${name} of the package is no list of records.`);
  return list;
}

function tablesIn(value: unknown, name: string): ServiceTables[] {
  if (value === undefined) return [];
  return objectsIn(isObject(value) ? (value['service'] ?? []) : value, name).map((each) => {
    if (typeof each['name'] !== 'string') throw invalid(`A service in ${name} of the package has no name.`);
    return { name: each['name'], tables: objectsIn(each['table'], name) };
  });
}

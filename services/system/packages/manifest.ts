/** What a package says of itself (system-api §5.14): its version, what it holds, and how its secrets are sealed. */
import { invalid } from '#common/errors.ts';
import { PRODUCT_VERSION } from '../environment.ts';
import { isObject } from '../records/input.ts';
import type { JsonObject } from '../records/model.ts';
import { KINDS, kindNamed, type PackageKind } from './kinds.ts';
import type { SealHeader } from './seal.ts';

export const MANIFEST_FILE = 'package.json';
const FORMAT = 'millrace.package/v1';
/** Of the original's manifests. */
const VERSION = '0.1';
const SYSTEM = 'system';
const EVERYTHING = new Set<unknown>([true, '*']);

export const fileOf = (kind: PackageKind): string => `${SYSTEM}/${kind.name}.json`;

export const isPackageFile = (name: string): boolean =>
  name === MANIFEST_FILE || KINDS.some((kind) => fileOf(kind) === name);

/** Names of records by their kind. */
export type Contents = Readonly<Record<string, readonly string[]>>;

export interface ManifestInit {
  readonly contents: Contents;
  readonly description?: unknown;
  /** Other services, of which nothing is exported. */
  readonly services?: readonly string[];
  readonly seal?: SealHeader | undefined;
}

export function manifestOf({ contents, description, services = [], seal }: ManifestInit): JsonObject {
  const others = services.filter((name) => name !== SYSTEM).map((name) => [name, {}]);
  return {
    format: FORMAT,
    version: VERSION,
    df_version: PRODUCT_VERSION,
    secured: seal !== undefined,
    description: typeof description === 'string' ? description : '',
    created_date: new Date().toISOString(),
    service: { [SYSTEM]: contents, ...Object.fromEntries(others) },
    ...(seal && { seal }),
  };
}

export interface Selected {
  readonly kind: PackageKind;
  /** Names or ids; undefined: all. */
  readonly wanted: readonly unknown[] | undefined;
}

/**
 * What a manifest asks to be exported: `service.system` names kinds, each with a list of names or ids, or `"*"`;
 * without it, everything.
 *
 * @throws MillraceError invalid for what a package cannot hold
 */
export function readSelection(manifest: JsonObject): Selected[] {
  if (manifest['service'] === undefined) return KINDS.map((kind) => ({ kind, wanted: undefined }));
  const system = systemPart(manifest);
  const selected = new Map(Object.entries(system).map(([name, names]) => [knownKind(name), selectionOf(name, names)]));
  return KINDS.flatMap((kind) => (selected.has(kind) ? [{ kind, wanted: selected.get(kind) }] : []));
}

function selectionOf(kind: string, names: unknown): readonly unknown[] | undefined {
  if (EVERYTHING.has(names)) return undefined;
  const isName = (name: unknown): boolean => typeof name === 'string' || typeof name === 'number';
  if (!Array.isArray(names) || !names.every(isName)) {
    throw invalid(`What of '${kind}' is exported is a list of names or ids, or "*".`, { [kind]: ['no list of names'] });
  }
  return names.some((name) => EVERYTHING.has(name)) ? undefined : names;
}

export interface Announced {
  readonly kinds: readonly PackageKind[];
  readonly secured: boolean;
  readonly seal: unknown;
}

/** @returns the kinds that the manifest of an archive announces. @throws MillraceError invalid for another manifest */
export function readManifest(manifest: unknown): Announced {
  if (!isObject(manifest) || manifest['format'] !== FORMAT) {
    throw invalid(`The package's ${MANIFEST_FILE} is no manifest of the format '${FORMAT}'.`);
  }
  const kinds = Object.keys(systemPart(manifest)).map(knownKind);
  return { kinds, secured: manifest['secured'] === true, seal: manifest['seal'] };
}

function systemPart({ service }: JsonObject): JsonObject {
  if (!isObject(service)) throw invalid("The manifest's 'service' must be an object.");
  for (const [name, content] of Object.entries(service)) {
    const isEmpty = Array.isArray(content) ? content.length === 0 : isObject(content) && !Object.keys(content).length;
    if (name === SYSTEM || isEmpty) continue;
    throw invalid(`A package holds records of the system only: nothing of the service '${name.slice(0, 100)}'.`);
  }
  const system = service[SYSTEM] ?? {};
  if (!isObject(system)) throw invalid("The manifest's 'service.system' must be an object.");
  return system;
}

function knownKind(name: string): PackageKind {
  const kind = kindNamed(name);
  if (kind) return kind;
  const known = KINDS.map((each) => each.name).join(', ');
  throw invalid(`A package cannot hold records of '${name.slice(0, 100)}'; it can hold ${known}.`);
}

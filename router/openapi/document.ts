/** What an API document is made of before it is put together: paths with their operations, and components. */
import { VERB_BITS } from '#common/verbs.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A segment of a path that stands for any name. */
export interface Placeholder {
  readonly name: string;
  readonly description: string;
  readonly schema?: Json;
  /** Slashes stand in it: all that is left of the path. */
  readonly spans?: boolean;
}

/** A name, decoded, or what stands for one. */
export type Segment = string | Placeholder;

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export const METHODS: readonly Method[] = ['get', 'post', 'put', 'patch', 'delete'];
/** As in the masks of roles. */
export const methodBit = (method: Method): number => VERB_BITS[method.toUpperCase()] ?? 0;

export interface Operation extends Json {
  readonly operationId?: string;
}

export interface PathEntry {
  /** Below the service, encoded: `/_table/{table_name}`. */
  readonly path: string;
  /** What role rules are compared with. */
  readonly segments: readonly Segment[];
  /** Members of the path item that are no operations. */
  readonly item: Json;
  readonly operations: Readonly<Partial<Record<Method, Operation>>>;
}

export type ComponentKind = 'responses' | 'schemas' | 'requestBodies';
export type Components = Readonly<Partial<Record<ComponentKind, Json>>>;

/** What one service brings into a document. */
export interface Part {
  readonly entries: readonly PathEntry[];
  readonly components: Components;
  /** Members of the document that say more of the service than OpenAPI can: `x-…`. */
  readonly extensions?: Json;
}

export const ref = (kind: ComponentKind, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

/** A path and what may be done there. */
export function at(segments: readonly Segment[], operations: PathEntry['operations']): PathEntry {
  const placeholders = segments.filter((segment) => typeof segment !== 'string');
  const parameters = placeholders.map(({ name, description, schema = { type: 'string' } }) => ({
    name,
    description,
    in: 'path',
    required: true,
    schema,
  }));
  const path = segments.map((each) => (typeof each === 'string' ? encodeURIComponent(each) : `{${each.name}}`));
  return { path: `/${path.join('/')}`, segments, item: parameters.length > 0 ? { parameters } : {}, operations };
}

/** Components of several origins; of equal names the last counts. */
export function joined(...all: readonly Components[]): Required<Components> {
  const of = (kind: ComponentKind): Json => Object.assign({}, ...all.map((each) => each[kind] ?? {}));
  return { responses: of('responses'), schemas: of('schemas'), requestBodies: of('requestBodies') };
}

/** `my_db` → `MyDb`: a name as a part of operation ids and of the names of components. */
export function wordOf(name: string): string {
  const parts = name.split(/[^A-Za-z0-9]+/).filter((part) => part !== '');
  return parts.map((part) => part[0]?.toUpperCase() + part.slice(1)).join('');
}

/** Any name as a part of the name of a component, which is ASCII; equal results for different names are told apart. */
export function componentNames(names: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(names.map((name) => [name, unlike(name.replace(/[^A-Za-z0-9._-]+/g, '_'), taken)]));
}

/** The name, or the first of `name_2`, `name_3`, … that is not taken; takes it. */
export function unlike(name: string, taken: Set<string>): string {
  let found = name;
  for (let count = 2; taken.has(found); count++) found = `${name}_${count}`;
  taken.add(found);
  return found;
}

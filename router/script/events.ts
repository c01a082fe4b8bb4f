/** The events that a call fires: names of its resource, the general one first (files-and-scripting-api §3.2). */
import type { Service } from '#proto/access/v1/access_pb.ts';

export interface Fired {
  /** Without verb and suffix, in lower case: no spelling of a name gets around a script. */
  readonly path: string;
  readonly resource: EventResource;
}

/** What `event.resource` is; of a path of a script service its parts by their placeholders, `{"{who}":"Ann"}`. */
export type EventResource = string | null | Readonly<Record<string, string>>;

/** What stands for the second segment, and for what is below it. */
const PLACEHOLDERS: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['_table', ['{table_name}', '{id}']],
  ['_schema', ['{table_name}', '{field}']],
  ['_proc', ['{procedure_name}', '']],
  ['_func', ['{function_name}', '']],
]);

/** Parts of a table's schema: other names of the same event, as documents list them. */
const PARTS: ReadonlyMap<string, string> = new Map([
  ['_field', '{field_name}'],
  ['_related', '{relationship_name}'],
]);

/** A segment that is one as a whole: what is one only in part stands for nothing. */
const PLACEHOLDER = /^\{[^{}]+\}$/;

/** Resources of the system's own services that are no record. */
const ACTIONS = new Set(['session', 'profile', 'password']);

/**
 * @param segments  of the path below the service, decoded
 * @param bound  paths that scripts of this service are bound to: a service with a document of its own has events of its own
 */
export function eventsOf(
  service: Service,
  segments: readonly string[],
  bound: readonly string[] = [],
): readonly Fired[] {
  const name = service.name.toLowerCase();
  const [first = '', second, ...rest] = segments;
  const placeholders = service.tier === 'storage' ? undefined : PLACEHOLDERS.get(first.toLowerCase());
  if (placeholders) return ofDatabase(`${name}.${first.toLowerCase()}`, placeholders, second, rest);
  if (service.type === 'system' || service.type === 'user') return ofRecords(name, segments);
  if (service.tier === 'storage') return ofFiles(name, segments);
  const resource = segments.join('/');
  return [
    { path: name, resource: service.script ? resource : resource || null },
    ...bound.flatMap((path) => ofTemplate(path, segments)),
  ];
}

/** `hello.greet.{who}` is the event of `hello/greet/Ann`. */
function ofTemplate(path: string, segments: readonly string[]): readonly Fired[] {
  const parts = path.split('.').slice(1);
  if (parts.length === 0 || parts.length !== segments.length) return [];
  const named: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] as string;
    if (PLACEHOLDER.test(part)) named[part] = segment;
    else if (part !== segment.toLowerCase()) return [];
  }
  return [{ path, resource: Object.keys(named).length > 0 ? named : segments.join('/') }];
}

/** Only what it is tells files and folders apart, never their names; a folder ends with an empty segment. */
function ofFiles(name: string, segments: readonly string[]): readonly Fired[] {
  const resource = segments.join('/');
  if (segments.every((segment) => segment === '')) return [{ path: name, resource: null }];
  return [{ path: `${name}.${segments.at(-1) === '' ? '{folder_path}' : '{file_path}'}`, resource }];
}

function ofDatabase(
  path: string,
  [placeholder, below]: readonly [string, string],
  name: string | undefined,
  rest: readonly string[],
): readonly Fired[] {
  if (name === undefined) return [{ path, resource: null }];
  // What is called stands in front of its arguments; in names of tables parentheses mean nothing.
  const bare = below === '' ? (name.split('(', 1)[0] as string) : name;
  const whole = [bare, ...rest].join('/');
  const ends = rest.length === 0 || below === '' ? [''] : endsOf(below, rest);
  const inner = rest.length === 0 ? null : rest.join('/');
  return [
    ...ends.map((end) => ({ path: `${path}.${placeholder}${end}`, resource: whole })),
    ...ends.map((end) => ({ path: `${path}.${bare.toLowerCase()}${end}`, resource: inner })),
  ];
}

/** `_schema/todo/due` and `_schema/todo/_field/due` are one event, known by two names. */
function endsOf(below: string, [part = '', ...more]: readonly string[]): readonly string[] {
  const kind = part.toLowerCase();
  if (below !== '{field}') return [`.${below}`];
  const named = PARTS.get(kind);
  if (!named) return [`.${below}`, '._field.{field_name}'];
  if (more.length === 0) return [`.${kind}`];
  return kind === '_field' ? [`.${below}`, `.${kind}.${named}`] : [`.${kind}.${named}`];
}

/** The id of a record is no part of the name, though documents list it so: both are known. */
function ofRecords(name: string, [first, ...rest]: readonly string[]): readonly Fired[] {
  if (first === undefined) return [{ path: name, resource: null }];
  const path = `${name}.${first.toLowerCase()}`;
  const [second, ...more] = rest;
  if (second === undefined) return [{ path, resource: null }];
  if (ACTIONS.has(second.toLowerCase())) {
    return [{ path: `${path}.${second.toLowerCase()}`, resource: more.join('/') || null }];
  }
  const resource = rest.join('/');
  return [
    { path, resource },
    { path: `${path}.{id}`, resource },
    ...(more.length === 1 && more[0] === '_test' ? [{ path: `${path}.{id}._test`, resource }] : []),
  ];
}

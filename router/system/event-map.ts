/** `system/event`: what scripts can be bound to; each path of a service's API document with a verb is one (system-api §5.11). */
import { MillraceError } from '#common/errors.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import { ResourceKind } from '#proto/data/v1/data_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { METHODS, type PathEntry } from '../openapi/document.ts';
import type { Documents, ServicePaths } from '../openapi/documents.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { requireRead } from './resources.ts';

/** What may happen around a call: scripts before it, behind it, and later on their own. */
const MOMENTS = ['pre_process', 'post_process', 'queued'];

/** Names that a placeholder of a path can stand for. */
const NAMED = [
  { placeholder: 'table_name', kind: ResourceKind.TABLE, above: '_table' },
  { placeholder: 'procedure_name', kind: ResourceKind.PROCEDURE, above: '_proc' },
  { placeholder: 'function_name', kind: ResourceKind.FUNCTION, above: '_func' },
];

interface Event {
  readonly type: 'api';
  readonly endpoints: readonly string[];
  /** The names for each placeholder; null: it has none that are known. */
  readonly parameter: Readonly<Record<string, readonly string[]>> | null;
}

export class EventMap {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** @throws MillraceError */
  async answer(request: ApiRequest, principal: Principal): Promise<unknown> {
    requireRead(request);
    const { query } = request;
    const services = this.#wanted(query.get('service'), principal);
    if (query.flag('services_only')) return { resource: services.map(({ name }) => name) };
    const made = services.map((service) => this.#documents.paths(service, request, principal));
    const described = await Promise.all(made);
    const all = described.map((each) => ({ ...each, entries: each.entries.filter(fires) }));
    const moments = query.flag('scriptable') ? MOMENTS : [];
    if (query.flag('as_list')) {
      const names = all.flatMap((each) => each.entries.flatMap((entry) => endpoints(each.service, entry, moments)));
      return { resource: [...new Set(names)] };
    }
    const maps = all.map(async (each) => [each.service.name, await eventsOf(each, moments)]);
    return Object.fromEntries(await Promise.all(maps));
  }

  #wanted(name: string | undefined, principal: Principal): readonly Service[] {
    if (!name) return this.#documents.visible(principal);
    return this.#documents.visible(principal).filter((service) => service.name === name.toLowerCase());
  }
}

async function eventsOf({ service, entries, names }: ServicePaths, moments: readonly string[]) {
  const lists = new Map<string, readonly string[]>();
  for (const { placeholder, kind, above } of NAMED) {
    if (!entries.some((entry) => placeholders(entry).includes(placeholder))) continue;
    lists.set(placeholder, await namesOrNone(() => names(kind, above)));
  }
  const events = entries.map((entry): [string, Event] => {
    const known = placeholders(entry).filter((name) => lists.has(name));
    const parameter = known.map((name) => [name, lists.get(name) ?? []]);
    return [
      pathName(service, entry),
      {
        type: 'api',
        endpoints: endpoints(service, entry, moments),
        parameter: parameter.length > 0 ? Object.fromEntries(parameter) : null,
      },
    ];
  });
  return Object.fromEntries(events);
}

async function namesOrNone(names: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await names();
  } catch (error) {
    if (error instanceof MillraceError) return []; // its events are there all the same
    throw error;
  }
}

const placeholders = ({ segments }: PathEntry): string[] =>
  segments.flatMap((segment) => (typeof segment === 'string' ? [] : [segment.name]));

/**
 * Only what can fire: a stored document may have paths of which no name can be made, for a placeholder that is a part of
 * a segment, or for a dot in one.
 */
const fires = ({ segments }: PathEntry): boolean =>
  segments.every((each) => (typeof each === 'string' ? !/[.{}]/.test(each) : !/[.{}]/.test(each.name)));

/** `/_table/{table_name}` of `db` → `db._table.{table_name}`. */
function pathName(service: Service, { segments }: PathEntry): string {
  const parts = segments.flatMap((each) => (typeof each === 'string' ? each.split('/') : [`{${each.name}}`]));
  return [service.name, ...parts.filter((part) => part !== '')].join('.');
}

function endpoints(service: Service, entry: PathEntry, moments: readonly string[]): string[] {
  const path = pathName(service, entry);
  return METHODS.filter((method) => entry.operations[method] !== undefined).flatMap((method) => {
    const name = `${path}.${method}`;
    return [name, ...moments.map((moment) => `${name}.${moment}`)];
  });
}

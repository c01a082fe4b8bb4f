/** Lists of resources: the connector names what there is, the role decides what of it is shown (system-api §4.5). */
import { create } from '@bufbuild/protobuf';
import type { Deadline } from '#common/deadline.ts';
import { parseJson } from '#common/json.ts';
import { verbNames } from '#common/verbs.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import { ListResourcesSchema, ResourceKind, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import type { Principal } from './authenticate/principal.ts';
import { allowedMask } from './decide/access.ts';
import type { Forwarder } from './forward/forward.ts';
import { toOperation } from './forward/operation.ts';
import type { ApiRequest } from './parse/api-request.ts';
import { type Entry, listingOf, reduceEntries } from './parse/listing.ts';
import type { ParsedResource } from './parse/resource.ts';
import { componentOf, encodeSlashes } from './parse/route.ts';

const NOTHING = { keys: [], records: new Uint8Array() };

export class Listings {
  readonly #forwarder: Forwarder;

  constructor(forwarder: Forwarder) {
    this.#forwarder = forwarder;
  }

  /** The entries as the request wants them shown. */
  async entries(
    request: ApiRequest,
    parsed: ParsedResource,
    service: Service,
    principal: Principal,
    deadline: Deadline,
  ): Promise<unknown[]> {
    const operation = toOperation(request.http.id, parsed, parsed, principal);
    const all = await this.#fetch(service, operation, deadline);
    if (parsed.listing === '' && request.query.flag('as_access_list')) {
      return this.#accessList(request, all, service, principal, deadline);
    }
    const above = parsed.listing ?? '';
    const listing = listingOf(request.query);
    const shown = all.flatMap((entry) => {
      const mask = allowedMask(
        principal,
        service,
        componentOf(above === '' ? nameOf(entry).split('/') : [above, nameOf(entry)]),
      );
      // The list of a service's own resources is not filtered; what lies below them is.
      if (mask === 0 && above !== '') return [];
      return ['access' in entry || listing.withAccess ? { ...entry, access: verbNames(mask) } : entry];
    });
    return reduceEntries(shown, listing);
  }

  /** The components that a role rule may name: `_table/`, `_table/*`, `_table/contact/`, `_table/contact/*`, … */
  async #accessList(
    request: ApiRequest,
    resources: readonly Entry[],
    service: Service,
    principal: Principal,
    deadline: Deadline,
  ): Promise<string[]> {
    const components = ['', '*'];
    for (const resource of resources) {
      const name = nameOf(resource);
      components.push(`${name}/`, `${name}/*`);
      const kind = KINDS[name];
      if (kind === undefined) continue;
      const value = create(ListResourcesSchema, {
        kind,
        schema: request.query.get('schema') ?? '',
        refresh: request.query.flag('refresh'),
      });
      const shape = create(ShapeSchema, { service: request.service, action: { case: 'listResources', value } });
      const operation = toOperation(request.http.id, NOTHING, { shape, parameters: [] }, principal);
      for (const entry of await this.#fetch(service, operation, deadline)) {
        const component = `${name}/${encodeSlashes(nameOf(entry))}`;
        components.push(`${component}/`, `${component}/*`);
      }
    }
    return components.filter((component) => allowedMask(principal, service, stripped(component)) !== 0);
  }

  async #fetch(service: Service, operation: ReturnType<typeof toOperation>, deadline: Deadline): Promise<Entry[]> {
    const { result, chunks } = await this.#forwarder.send(service.tier, operation, deadline, true);
    const parts: Uint8Array[] = [];
    if (chunks) for await (const chunk of chunks) parts.push(chunk);
    const value = parseJson(chunks ? Buffer.concat(parts) : result.json);
    return Array.isArray(value) ? (value as Entry[]) : [];
  }
}

const KINDS: Readonly<Record<string, ResourceKind>> = {
  _schema: ResourceKind.SCHEMA,
  _table: ResourceKind.TABLE,
  _proc: ResourceKind.PROCEDURE,
  _func: ResourceKind.FUNCTION,
};

function nameOf(entry: Entry): string {
  return String(entry['name'] ?? '');
}

/** What the rule for a component speaks of. */
function stripped(component: string): string {
  return component.toLowerCase().replace(/\/?\*?$/, '');
}

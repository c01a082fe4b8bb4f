/** `system/cache`: what is remembered of services, and forgetting it (system-api §5.13). */
import { Deadline } from '#common/deadline.ts';
import { MillraceError, notFound } from '#common/errors.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import { ResourceKind } from '#proto/data/v1/data_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { Forwarder } from '../forward/forward.ts';
import { Catalogue } from '../openapi/catalogue.ts';
import type { Documents } from '../openapi/documents.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { listingOf, reduceEntries } from '../parse/listing.ts';
import { nothingBelow, unsupportedVerb } from './resources.ts';

/** Services whose tier keeps a catalogue of what they hold. */
const WITH_CATALOGUE = 'Database';

export interface ServiceCachesInit {
  readonly state: AccessState;
  readonly forwarder: Forwarder;
  readonly documents: Documents;
  /** Of script services. */
  readonly keptAnswers: { forget(): void };
  readonly requestTimeoutMs: number;
}

export class ServiceCaches {
  readonly #init: ServiceCachesInit;

  constructor(init: ServiceCachesInit) {
    this.#init = init;
  }

  /** @throws MillraceError */
  async answer(request: ApiRequest, principal: Principal): Promise<unknown> {
    const { query, segments, verb } = request;
    const [, name, event, ...more] = segments;
    const services = this.#init.documents.visible(principal);
    if (verb === 'GET' && name === undefined) {
      const entries = services.map(({ name, label, description, type }) => ({
        name,
        label,
        description: description || null,
        type,
      }));
      return { resource: reduceEntries(entries, listingOf(query)) };
    }
    if (verb !== 'DELETE') throw unsupportedVerb(request);
    if (more.length > 0 || (event !== undefined && name !== '_event')) throw nothingBelow(request);
    // Scripts are read from where they are stored: nothing is remembered of them.
    if (name === '_event') return { success: true };
    await this.#forget(name === undefined ? services : [named(services, name)], request, principal);
    return { success: true };
  }

  /** A service that cannot be reached has nothing that could be out of date when it comes back. */
  async #forget(services: readonly Service[], request: ApiRequest, principal: Principal): Promise<void> {
    const { state, forwarder, documents, keptAnswers, requestTimeoutMs } = this.#init;
    documents.forget();
    keptAnswers.forget();
    const deadline = Deadline.after(requestTimeoutMs);
    const catalogue = new Catalogue(forwarder, { requestId: request.http.id, principal, deadline, refresh: true });
    const kept = services.filter(({ type }) => state.serviceTypes.get(type)?.group === WITH_CATALOGUE);
    const refreshed = kept.map((service) =>
      catalogue.resources(service, ResourceKind.TABLE).catch((error: unknown) => {
        if (!(error instanceof MillraceError)) throw error;
      }),
    );
    await Promise.all(refreshed);
  }
}

function named(services: readonly Service[], name: string): Service {
  const found = services.find((service) => service.name === name.toLowerCase());
  if (!found) throw notFound(`Could not find a service for ${name}.`);
  return found;
}

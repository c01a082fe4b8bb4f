/** What the services `system` and `user` offer beside records: sessions, the environment, lists of resources. */
import { create } from '@bufbuild/protobuf';
import { MillraceError, notFound } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import { parseJson } from '#common/json.ts';
import { EnvironmentRequestSchema, type Environments, UserKind } from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { withoutResource } from '../parse/resource.ts';
import type { EventMap } from './event-map.ts';
import type { LimitCache } from './limit-cache.ts';
import { requireRead } from './resources.ts';
import type { ServiceCaches } from './service-caches.ts';
import type { SessionCalls } from './sessions.ts';

const TIMEOUT_MS = 10_000;

export interface SystemCallsInit {
  readonly sessions: SessionCalls;
  readonly environments: Channel<typeof Environments>;
  readonly limitCache: LimitCache;
  readonly events: EventMap;
  readonly caches: ServiceCaches;
}

export class SystemCalls {
  readonly #init: SystemCallsInit;

  constructor(init: SystemCallsInit) {
    this.#init = init;
  }

  /**
   * Answers what is no record call.
   * @returns undefined where the call is one on records
   * @throws MillraceError
   */
  async answer(request: ApiRequest, serviceType: string, principal: Principal): Promise<unknown> {
    if (serviceType === 'user') return this.#user(request, principal);
    const { sessions, limitCache, events, caches } = this.#init;
    if (request.component === 'admin/session') return sessions.call(request, UserKind.ADMIN, principal);
    switch (request.segments[0]?.toLowerCase()) {
      case 'cache':
        return caches.answer(request, principal);
      case 'constant':
        // Names for numbers, of which this generation of the API has none (system-api §5.14).
        requireRead(request);
        return { resource: [] };
      case 'environment':
        return this.#environment(request, principal);
      case 'event':
        return events.answer(request, principal);
      case 'limit_cache':
        return limitCache.answer(request);
      default:
        return undefined;
    }
  }

  async #user(request: ApiRequest, principal: Principal): Promise<unknown> {
    const { component, verb, service } = request;
    if (component === 'session') return this.#init.sessions.call(request, UserKind.USER, principal);
    if (component === 'register' && verb === 'POST') {
      throw new MillraceError('denied', 'Open Registration is not enabled.');
    }
    if (component !== '') throw notFound(`Resource '${request.segments[0]}' not found for service '${service}'.`);
    if (verb !== 'GET') throw withoutResource(verb, service);
    return { resource: [{ name: 'session' }] };
  }

  async #environment(request: ApiRequest, principal: Principal): Promise<unknown> {
    requireRead(request);
    const call = create(EnvironmentRequestSchema, {
      userId: principal.user?.id ?? 0,
      roleId: principal.role?.source.id ?? 0,
      appId: principal.app?.id ?? 0,
      isAdmin: principal.isAdmin,
      userAgent: request.http.header('user-agent') ?? '',
      clientAddress: request.http.remoteAddress(),
    });
    const { json } = await this.#init.environments.call('getEnvironment', call, TIMEOUT_MS);
    return parseJson(json);
  }
}

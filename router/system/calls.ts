/** What the services `system` and `user` offer beside records: sessions, the environment, lists of resources. */
import { create } from '@bufbuild/protobuf';
import { MillraceError, notFound } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import { parseJson } from '#common/json.ts';
import { EnvironmentRequestSchema, type Environments, UserKind } from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { withoutResource } from '../parse/resource.ts';
import type { LimitCache } from './limit-cache.ts';
import type { SessionCalls } from './sessions.ts';

const TIMEOUT_MS = 10_000;

export class SystemCalls {
  readonly #sessions: SessionCalls;
  readonly #environments: Channel<typeof Environments>;
  readonly #limitCache: LimitCache;

  constructor(sessions: SessionCalls, environments: Channel<typeof Environments>, limitCache: LimitCache) {
    this.#sessions = sessions;
    this.#environments = environments;
    this.#limitCache = limitCache;
  }

  /**
   * Answers what is no record call.
   * @returns undefined where the call is one on records
   * @throws MillraceError
   */
  async answer(request: ApiRequest, serviceType: string, principal: Principal): Promise<unknown> {
    const { component } = request;
    if (serviceType === 'user') return this.#user(request, principal);
    if (component === 'admin/session') return this.#sessions.call(request, UserKind.ADMIN, principal);
    if (request.segments[0]?.toLowerCase() === 'limit_cache') return this.#limitCache.answer(request);
    if (component === 'environment') return this.#environment(request, principal);
    return undefined;
  }

  async #user(request: ApiRequest, principal: Principal): Promise<unknown> {
    const { component, verb, service } = request;
    if (component === 'session') return this.#sessions.call(request, UserKind.USER, principal);
    if (component === 'register' && verb === 'POST') {
      throw new MillraceError('denied', 'Open Registration is not enabled.');
    }
    if (component !== '') throw notFound(`Resource '${request.segments[0]}' not found for service '${service}'.`);
    if (verb !== 'GET') throw withoutResource(verb, service);
    return { resource: [{ name: 'session' }] };
  }

  async #environment(request: ApiRequest, principal: Principal): Promise<unknown> {
    if (request.verb !== 'GET') {
      throw new MillraceError(
        'unsupported',
        `${request.verb} requests are not currently supported by the 'environment' service.`,
      );
    }
    const call = create(EnvironmentRequestSchema, {
      userId: principal.user?.id ?? 0,
      roleId: principal.role?.source.id ?? 0,
      appId: principal.app?.id ?? 0,
      isAdmin: principal.isAdmin,
      userAgent: request.http.header('user-agent') ?? '',
      clientAddress: request.http.remoteAddress(),
    });
    const { json } = await this.#environments.call('getEnvironment', call, TIMEOUT_MS);
    return parseJson(json);
  }
}

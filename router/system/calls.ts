/** What the services `system` and `user` offer beside records: sessions, accounts, the environment, lists of resources. */
import { create } from '@bufbuild/protobuf';
import type { Channel } from '#common/grpc/channel.ts';
import { stringifyJson } from '#common/json.ts';
import type { Result } from '#proto/data/v1/data_pb.ts';
import { EnvironmentRequestSchema, type Environments, UserKind } from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import type { AccountCalls } from './accounts.ts';
import type { EmailCalls } from './emails.ts';
import type { EventMap } from './event-map.ts';
import type { LimitCache } from './limit-cache.ts';
import type { PackageCalls } from './packages.ts';
import { resultOf } from './replies.ts';
import { requireRead } from './resources.ts';
import type { ServiceCaches } from './service-caches.ts';
import type { SessionCalls } from './sessions.ts';

const TIMEOUT_MS = 10_000;

/** What is no record, by the type of the service: components, and first segments. */
const COMPONENTS: Readonly<Record<string, ReadonlySet<string>>> = {
  user: new Set(['session', 'password', 'profile', 'register']),
  system: new Set(['admin/session', 'admin/password', 'admin/profile']),
};
const RESOURCES = new Set(['cache', 'constant', 'environment', 'event', 'limit_cache']);

export interface SystemCallsInit {
  readonly sessions: SessionCalls;
  readonly accounts: AccountCalls;
  readonly emails: EmailCalls;
  readonly packages: PackageCalls;
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

  get emails(): EmailCalls {
    return this.#init.emails;
  }

  get packages(): PackageCalls {
    return this.#init.packages;
  }

  /** Is this call none on records? */
  serves({ component, segments }: ApiRequest, serviceType: string): boolean {
    if (COMPONENTS[serviceType]?.has(component)) return true;
    return serviceType === 'system' && RESOURCES.has(segments[0]?.toLowerCase() ?? '');
  }

  /**
   * Answers what is no record call.
   * @returns undefined where the call is one on records
   * @throws MillraceError
   */
  async answer(request: ApiRequest, serviceType: string, principal: Principal): Promise<Result | undefined> {
    return serviceType === 'user' ? this.#user(request, principal) : this.#system(request, principal);
  }

  async #user(request: ApiRequest, principal: Principal): Promise<Result | undefined> {
    const { sessions, accounts } = this.#init;
    switch (request.component) {
      case 'session':
        return sessions.call(request, UserKind.USER, principal);
      case 'password':
        return accounts.password(request, UserKind.USER, principal);
      case 'profile':
        return accounts.profile(request, UserKind.USER, principal);
      case 'register':
        return accounts.register(request);
      default:
        return undefined;
    }
  }

  async #system(request: ApiRequest, principal: Principal): Promise<Result | undefined> {
    const { sessions, accounts, caches, events, limitCache } = this.#init;
    switch (request.component) {
      case 'admin/session':
        return sessions.call(request, UserKind.ADMIN, principal);
      case 'admin/password':
        return accounts.password(request, UserKind.ADMIN, principal);
      case 'admin/profile':
        return accounts.profile(request, UserKind.ADMIN, principal);
    }
    switch (request.segments[0]?.toLowerCase()) {
      case 'cache':
        return resultOfValue(await caches.answer(request, principal));
      case 'constant':
        // Names for numbers, of which this generation of the API has none (system-api §5.14).
        requireRead(request);
        return resultOfValue({ resource: [] });
      case 'environment':
        return this.#environment(request, principal);
      case 'event':
        return resultOfValue(await events.answer(request, principal));
      case 'limit_cache':
        return resultOfValue(limitCache.answer(request));
      default:
        return undefined;
    }
  }

  async #environment(request: ApiRequest, principal: Principal): Promise<Result> {
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
    return resultOf(json);
  }
}

const resultOfValue = (value: unknown): Result => resultOf(Buffer.from(stringifyJson(value)));

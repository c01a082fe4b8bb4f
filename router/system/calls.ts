/** What the services `system` and `user` offer beside records: sessions, accounts, the environment; and e-mail services. */
import { create } from '@bufbuild/protobuf';
import { MillraceError } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import type { Result } from '#proto/data/v1/data_pb.ts';
import { EnvironmentRequestSchema, type Environments, UserKind } from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import type { AccountCalls } from './accounts.ts';
import type { EmailCalls } from './emails.ts';
import { resultOf } from './replies.ts';
import type { SessionCalls } from './sessions.ts';

const TIMEOUT_MS = 10_000;

export class SystemCalls {
  readonly #sessions: SessionCalls;
  readonly #accounts: AccountCalls;
  readonly #environments: Channel<typeof Environments>;
  readonly emails: EmailCalls;

  constructor(
    sessions: SessionCalls,
    accounts: AccountCalls,
    emails: EmailCalls,
    environments: Channel<typeof Environments>,
  ) {
    this.#sessions = sessions;
    this.#accounts = accounts;
    this.emails = emails;
    this.#environments = environments;
  }

  /**
   * Answers what is no record call.
   * @returns undefined where the call is one on records
   * @throws MillraceError
   */
  async answer(request: ApiRequest, serviceType: string, principal: Principal): Promise<Result | undefined> {
    const { component } = request;
    switch (`${serviceType}/${component}`) {
      case 'user/session':
        return this.#sessions.call(request, UserKind.USER, principal);
      case 'user/password':
        return this.#accounts.password(request, UserKind.USER, principal);
      case 'user/profile':
        return this.#accounts.profile(request, UserKind.USER, principal);
      case 'user/register':
        return this.#accounts.register(request);
      case 'system/admin/session':
        return this.#sessions.call(request, UserKind.ADMIN, principal);
      case 'system/admin/password':
        return this.#accounts.password(request, UserKind.ADMIN, principal);
      case 'system/admin/profile':
        return this.#accounts.profile(request, UserKind.ADMIN, principal);
      case 'system/environment':
        return this.#environment(request, principal);
      default:
        return undefined;
    }
  }

  async #environment(request: ApiRequest, principal: Principal): Promise<Result> {
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
    return resultOf(json);
  }
}

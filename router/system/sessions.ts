/** `user/session` and `system/admin/session`: passed to the system service, which alone knows passwords (system-api §3). */
import { create } from '@bufbuild/protobuf';
import { MillraceError } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import type { Result } from '#proto/data/v1/data_pb.ts';
import {
  DescribeRequestSchema,
  LoginRequestSchema,
  type Sessions,
  TokenRequestSchema,
  type UserKind,
} from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { objectOf } from './body.ts';
import { errorOf, resultOf, resultOfSession } from './replies.ts';

const TIMEOUT_MS = 10_000;

export class SessionCalls {
  readonly #channel: Channel<typeof Sessions>;

  constructor(channel: Channel<typeof Sessions>) {
    this.#channel = channel;
  }

  /** @returns the answer  @throws MillraceError */
  async call(request: ApiRequest, kind: UserKind, principal: Principal): Promise<Result> {
    const appId = principal.app?.id ?? 0;
    const token = principal.token ?? '';
    switch (request.verb) {
      case 'POST':
        return resultOfSession(await this.#channel.call('login', this.#login(request, kind, appId), TIMEOUT_MS));
      case 'PUT':
        return resultOfSession(
          await this.#channel.call('refresh', create(TokenRequestSchema, { kind, token, appId }), TIMEOUT_MS),
        );
      case 'DELETE': {
        const { failure } = await this.#channel.call(
          'logout',
          create(TokenRequestSchema, { kind, token, appId }),
          TIMEOUT_MS,
        );
        if (failure) throw errorOf(failure);
        return resultOf(Buffer.from('{"success":true}'));
      }
      case 'GET': {
        const userId = principal.user?.id ?? 0;
        const describe = create(DescribeRequestSchema, { kind, userId, appId, token });
        return resultOfSession(await this.#channel.call('describe', describe, TIMEOUT_MS));
      }
      default:
        throw new MillraceError(
          'unsupported',
          `${request.verb} requests are not currently supported by the 'session' service.`,
        );
    }
  }

  #login(request: ApiRequest, kind: UserKind, appId: number) {
    const given = objectOf(request);
    const text = (name: string): string => {
      const value = given[name] ?? request.query.get(name);
      return typeof value === 'string' ? value : '';
    };
    const remember = given['remember_me'];
    return create(LoginRequestSchema, {
      kind,
      email: text('email'),
      username: text('username'),
      password: text('password'),
      rememberMe: remember === true || remember === 1 || remember === 'true' || remember === '1',
      appId,
      clientAddress: request.http.remoteAddress(),
    });
  }
}

/** `user/session` and `system/admin/session`: passed to the system service, which alone knows passwords (system-api §3). */
import { create } from '@bufbuild/protobuf';
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import { parseJson } from '#common/json.ts';
import {
  DescribeRequestSchema,
  type Failure,
  LoginRequestSchema,
  type SessionReply,
  type Sessions,
  TokenRequestSchema,
  type UserKind,
} from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';

const TIMEOUT_MS = 10_000;

export class SessionCalls {
  readonly #channel: Channel<typeof Sessions>;

  constructor(channel: Channel<typeof Sessions>) {
    this.#channel = channel;
  }

  /** @returns the answer  @throws MillraceError */
  async call(request: ApiRequest, kind: UserKind, principal: Principal): Promise<unknown> {
    const appId = principal.app?.id ?? 0;
    const token = principal.token ?? '';
    switch (request.verb) {
      case 'POST':
        return sessionOf(await this.#channel.call('login', this.#login(request, kind, appId), TIMEOUT_MS));
      case 'PUT':
        return sessionOf(
          await this.#channel.call('refresh', create(TokenRequestSchema, { kind, token, appId }), TIMEOUT_MS),
        );
      case 'DELETE': {
        const { failure } = await this.#channel.call(
          'logout',
          create(TokenRequestSchema, { kind, token, appId }),
          TIMEOUT_MS,
        );
        if (failure) throw failed(failure);
        return { success: true };
      }
      case 'GET': {
        const userId = principal.user?.id ?? 0;
        const describe = create(DescribeRequestSchema, { kind, userId, appId, token });
        return sessionOf(await this.#channel.call('describe', describe, TIMEOUT_MS));
      }
      default:
        throw new MillraceError(
          'unsupported',
          `${request.verb} requests are not currently supported by the 'session' service.`,
        );
    }
  }

  #login(request: ApiRequest, kind: UserKind, appId: number) {
    const body = request.http.body.length > 0 ? request.body.value() : {};
    const given = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
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

function sessionOf({ outcome }: SessionReply): unknown {
  if (outcome.case === 'sessionJson') return parseJson(outcome.value);
  throw outcome.case === 'failure' ? failed(outcome.value) : new MillraceError('internal', 'No answer was given.');
}

function failed({ code, message }: Failure): MillraceError {
  return new MillraceError(code as ErrorCode, message);
}

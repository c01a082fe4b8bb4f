/** Registration, passwords and profiles: passed to the system service, which alone knows passwords (system-api §3). */
import { create } from '@bufbuild/protobuf';
import { EMAIL_TIMEOUT_MS } from '#common/bounds.ts';
import type { Channel } from '#common/grpc/channel.ts';
import type { Result } from '#proto/data/v1/data_pb.ts';
import {
  type Accounts,
  PasswordRequestSchema,
  ProfileChangeSchema,
  ProfileRequestSchema,
  RegisterRequestSchema,
  type UserKind,
} from '#proto/system/v1/system_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { withoutResource } from '../parse/resource.ts';
import { jsonWithout, objectOf, textOf } from './body.ts';
import { resultOfReply } from './replies.ts';

/** Some of these calls send an e-mail before they answer. */
const TIMEOUT_MS = EMAIL_TIMEOUT_MS + 5000;

const WRITES = new Set(['POST', 'PUT', 'PATCH']);

export class AccountCalls {
  readonly #channel: Channel<typeof Accounts>;

  constructor(channel: Channel<typeof Accounts>) {
    this.#channel = channel;
  }

  /** @throws MillraceError */
  async register(request: ApiRequest): Promise<Result> {
    requireWrite(request, 'register');
    const call = create(RegisterRequestSchema, {
      recordJson: jsonWithout(objectOf(request)),
      login: request.query.flag('login'),
      clientAddress: request.http.remoteAddress(),
    });
    return resultOfReply(await this.#channel.call('register', call, TIMEOUT_MS));
  }

  /** @throws MillraceError */
  async password(request: ApiRequest, kind: UserKind, principal: Principal): Promise<Result> {
    requireWrite(request, 'password');
    const sent = objectOf(request);
    const call = create(PasswordRequestSchema, {
      kind,
      userId: principal.user?.id ?? 0,
      email: textOf(sent, 'email'),
      username: textOf(sent, 'username'),
      oldPassword: textOf(sent, 'old_password'),
      newPassword: textOf(sent, 'new_password'),
      code: textOf(sent, 'code'),
      securityAnswer: textOf(sent, 'security_answer'),
      reset: request.query.flag('reset'),
      login: request.query.flag('login'),
      clientAddress: request.http.remoteAddress(),
    });
    return resultOfReply(await this.#channel.call('changePassword', call, TIMEOUT_MS));
  }

  /** @throws MillraceError */
  async profile(request: ApiRequest, kind: UserKind, principal: Principal): Promise<Result> {
    const userId = principal.user?.id ?? 0;
    if (request.verb === 'GET') {
      const call = create(ProfileRequestSchema, { kind, userId });
      return resultOfReply(await this.#channel.call('getProfile', call, TIMEOUT_MS));
    }
    requireWrite(request, 'profile');
    const call = create(ProfileChangeSchema, {
      kind,
      userId,
      recordJson: jsonWithout(objectOf(request)),
      clientAddress: request.http.remoteAddress(),
    });
    return resultOfReply(await this.#channel.call('changeProfile', call, TIMEOUT_MS));
  }
}

function requireWrite({ verb }: ApiRequest, resource: string): void {
  if (!WRITES.has(verb)) throw withoutResource(verb, resource);
}

/** The gRPC side of accounts and e-mails. */
import { create } from '@bufbuild/protobuf';
import { MillraceError } from '#common/errors.ts';
import type { ServedService } from '#common/grpc/service.ts';
import type { Logger } from '#common/observe/log.ts';
import {
  Accounts as AccountsService,
  Emails as EmailsService,
  JsonReplySchema,
  type PasswordRequest,
  type ProfileChange,
  type ProfileRequest,
  type RegisterRequest,
  type SendEmailRequest,
} from '#proto/system/v1/system_pb.ts';
import type { Emails } from '../../email/service.ts';
import { jsonBytes } from '../../records/batch.ts';
import type { JsonObject } from '../../records/model.ts';
import { failureOf, unary } from '../../rpc.ts';
import type { Accounts } from './accounts.ts';
import { type Done, objectOf } from './input.ts';

export function accountsService(accounts: Accounts, log: Logger): ServedService {
  const { passwords, profiles, registrations } = accounts;
  return {
    desc: AccountsService,
    implementation: {
      register: replying(log, (request: RegisterRequest) => registrations.register(request)),
      changePassword: replying(log, async (request: PasswordRequest) => plain(await passwords.change(request))),
      getProfile: replying(log, async (request: ProfileRequest) => plain(await profiles.get(request))),
      changeProfile: replying(log, (request: ProfileChange) => profiles.change(request)),
    },
  };
}

export function emailsService(emails: Emails, log: Logger): ServedService {
  return {
    desc: EmailsService,
    implementation: {
      send: replying(log, async (request: SendEmailRequest) => {
        const { accepted, rejected } = await emails.send({
          serviceId: request.serviceId,
          template: request.template || request.templateId || undefined,
          request: objectOf(request.messageJson),
          caller: request,
          plainValues: false,
        });
        return plain({ count: accepted, ...(rejected.length > 0 && { rejected }) });
      }),
    },
  };
}

const plain = (json: JsonObject): Done => ({ json, dropped: [] });

function replying<I>(log: Logger, work: (request: I) => Promise<Done>) {
  return unary(async (request: I) => {
    try {
      const { json, dropped } = await work(request);
      return create(JsonReplySchema, { outcome: { case: 'json', value: jsonBytes(json) }, dropped: [...dropped] });
    } catch (error) {
      const { code, message, cause } = MillraceError.from(error);
      // What a mail server says is for whoever looks after the installation.
      if (code === 'unavailable') log.warn({ err: cause }, message);
      return create(JsonReplySchema, { outcome: { case: 'failure', value: failureOf(error, log) } });
    }
  });
}

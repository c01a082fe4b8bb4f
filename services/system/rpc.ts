/** The gRPC side of millrace.system.v1: requests to calls, failures to messages. */
import { create } from '@bufbuild/protobuf';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { MillraceError } from '#common/errors.ts';
import type { ServedService } from '#common/grpc/service.ts';
import { toServiceError } from '#common/grpc/status.ts';
import type { Logger } from '#common/observe/log.ts';
import {
  ClaimReplySchema,
  type ClaimRequest,
  type DescribeRequest,
  EnvironmentReplySchema,
  type EnvironmentRequest,
  Environments,
  type Failure,
  FailureSchema,
  KeepReplySchema,
  type KeepRequest,
  KeptAnswerSchema,
  KeptAnswers as KeptAnswersService,
  type LoginRequest,
  LogoutReplySchema,
  LookReplySchema,
  type LookRequest,
  type ReleaseRequest,
  SaveExtrasReplySchema,
  type SaveExtrasRequest,
  SchemaExtras,
  ScriptFiles,
  SessionReplySchema,
  Sessions as SessionsService,
  ClaimReply_State as State,
  type TokenRequest,
  VerifyReplySchema,
} from '#proto/system/v1/system_pb.ts';
import type { Changes } from './changes.ts';
import { fromDatabase } from './database/errors.ts';
import { environmentOf } from './environment.ts';
import { saveExtras } from './extras.ts';
import type { Claimed, KeptAnswers } from './kept-answers.ts';
import { jsonBytes } from './records/batch.ts';
import type { JsonObject, Tools } from './records/model.ts';
import type { LinkedScripts } from './scripts/linked.ts';
import type { Sessions } from './sessions.ts';

type Handler<I, O> = (call: ServerUnaryCall<I, O>, callback: sendUnaryData<O>) => void;

export function unary<I, O>(answer: (request: I) => Promise<O>): Handler<I, O> {
  return (call, callback) => {
    answer(call.request).then(
      (reply) => callback(null, reply),
      (error: unknown) => callback(toServiceError(error)),
    );
  };
}

export function sessionsService(sessions: Sessions, log: Logger): ServedService {
  const failed = (error: unknown): Failure => failureOf(error, log);
  const session = <I>(work: (request: I) => Promise<JsonObject>) =>
    unary(async (request: I) => {
      try {
        return create(SessionReplySchema, { outcome: { case: 'sessionJson', value: jsonBytes(await work(request)) } });
      } catch (error) {
        return create(SessionReplySchema, { outcome: { case: 'failure', value: failed(error) } });
      }
    });
  return {
    desc: SessionsService,
    implementation: {
      login: session((request: LoginRequest) => sessions.login(request)),
      refresh: session((request: TokenRequest) => sessions.refresh(request)),
      describe: session((request: DescribeRequest) => sessions.describe(request)),
      logout: unary(async (request: TokenRequest) => {
        try {
          await sessions.logout(request);
          return create(LogoutReplySchema);
        } catch (error) {
          return create(LogoutReplySchema, { failure: failed(error) });
        }
      }),
      verifyPassword: unary(async (request: LoginRequest) => {
        try {
          const userId = await sessions.verifyPassword(request);
          return create(VerifyReplySchema, { outcome: { case: 'userId', value: userId } });
        } catch (error) {
          return create(VerifyReplySchema, { outcome: { case: 'failure', value: failed(error) } });
        }
      }),
    },
  };
}

export function environmentsService(changes: Changes, tools: Tools): ServedService {
  return {
    desc: Environments,
    implementation: {
      getEnvironment: unary(async (request: EnvironmentRequest) =>
        create(EnvironmentReplySchema, { json: jsonBytes(await environmentOf(request, changes.db, tools)) }),
      ),
    },
  };
}

export function schemaExtrasService(changes: Changes, log: Logger): ServedService {
  return {
    desc: SchemaExtras,
    implementation: {
      save: unary(async (request: SaveExtrasRequest) => {
        try {
          await saveExtras(request, changes);
          return create(SaveExtrasReplySchema, { version: BigInt(await changes.version()) });
        } catch (error) {
          return create(SaveExtrasReplySchema, { failure: failureOf(error, log) });
        }
      }),
    },
  };
}

export function scriptFilesService(linked: LinkedScripts): ServedService {
  return {
    desc: ScriptFiles,
    implementation: {
      look: unary(async ({ service }: LookRequest) => {
        await linked.look(service);
        return create(LookReplySchema);
      }),
    },
  };
}

const STATES: Readonly<Record<Claimed['state'], State>> = {
  claimed: State.CLAIMED,
  running: State.RUNNING,
  answered: State.ANSWERED,
  'other request': State.OTHER_REQUEST,
  unknown: State.UNKNOWN,
};

export function keptAnswersService(kept: KeptAnswers): ServedService {
  const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');
  return {
    desc: KeptAnswersService,
    implementation: {
      claim: unary(async ({ key, request, leaseMs, keepMs }: ClaimRequest) => {
        const claimed = await kept.claim({ key: hex(key), request: hex(request), leaseMs, keepMs });
        const reply = create(ClaimReplySchema, { state: STATES[claimed.state] });
        if (claimed.state !== 'answered') return reply;
        const { status, headers, body } = claimed.answer;
        return { ...reply, answer: create(KeptAnswerSchema, { status, body, headers: headers.map(toHeader) }) };
      }),
      keep: unary(async ({ key, answer }: KeepRequest) => {
        const headers = (answer?.headers ?? []).map(({ name, value }) => [name, value] as const);
        const body = Buffer.from(answer?.body ?? []);
        await kept.keep(hex(key), { status: answer?.status ?? 0, headers, body });
        return create(KeepReplySchema);
      }),
      release: unary(async ({ key }: ReleaseRequest) => {
        await kept.release(hex(key));
        return create(KeepReplySchema);
      }),
    },
  };
}

const toHeader = ([name, value]: readonly [string, string]) => ({ name, value });

export function failureOf(thrown: unknown, log: Logger): Failure {
  const error: MillraceError = fromDatabase(thrown);
  if (error.code === 'internal') log.error({ err: error.cause ?? error }, error.message);
  const contextJson = error.context ? jsonBytes(error.context) : new Uint8Array();
  return create(FailureSchema, { code: error.code, message: error.message, contextJson });
}

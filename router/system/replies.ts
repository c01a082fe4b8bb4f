/** What the system service answers to its own calls, as results and errors of this tier. */
import { create } from '@bufbuild/protobuf';
import { type ErrorCode, type ErrorContext, MillraceError } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { type Result, ResultSchema } from '#proto/data/v1/data_pb.ts';
import type { Failure, JsonReply, SessionReply } from '#proto/system/v1/system_pb.ts';

export const resultOf = (json: Uint8Array, dropped: string[] = []): Result => create(ResultSchema, { json, dropped });

/** @throws MillraceError as the reply says it */
export function resultOfReply({ outcome, dropped }: JsonReply): Result {
  if (outcome.case === 'json') return resultOf(outcome.value, dropped);
  throw outcome.case === 'failure' ? errorOf(outcome.value) : noAnswer();
}

/** @throws MillraceError as the reply says it */
export function resultOfSession({ outcome }: SessionReply): Result {
  if (outcome.case === 'sessionJson') return resultOf(outcome.value);
  throw outcome.case === 'failure' ? errorOf(outcome.value) : noAnswer();
}

export function errorOf({ code, message, contextJson }: Failure): MillraceError {
  const context = contextJson.length > 0 ? (parseJson(contextJson) as ErrorContext) : undefined;
  return new MillraceError(code as ErrorCode, message, context);
}

export const noAnswer = () => new MillraceError('internal', 'No answer was given.');

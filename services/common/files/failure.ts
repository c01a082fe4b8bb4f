/** The error family as it travels in replies about files: as in those about records. */
import { create } from '@bufbuild/protobuf';
import { ErrorSchema } from '#proto/data/v1/data_pb.ts';
import { type Failure, FailureSchema } from '#proto/files/v1/files_pb.ts';
import { MillraceError } from '../errors.ts';
import { errorFromMessage, errorToMessage } from '../exchange/errors.ts';

export function failureOf(thrown: unknown): Failure {
  const { code, message, contextJson } = errorToMessage(MillraceError.from(thrown));
  return create(FailureSchema, { code, message, contextJson });
}

export function errorOfFailure({ code, message, contextJson }: Failure): MillraceError {
  return errorFromMessage(create(ErrorSchema, { code, message, contextJson }));
}

/** The error family at the gRPC door; its twin at the HTTP door has the same keys. */
import { type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, MillraceError } from '../errors.ts';

export const GRPC_STATUS = {
  invalid: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  denied: status.PERMISSION_DENIED,
  not_found: status.NOT_FOUND,
  unsupported: status.UNIMPLEMENTED,
  conflict: status.ALREADY_EXISTS,
  contradiction: status.FAILED_PRECONDITION,
  limited: status.RESOURCE_EXHAUSTED,
  overloaded: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  deadline: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  script: status.ABORTED,
  internal: status.INTERNAL,
} as const satisfies Record<ErrorCode, status>;

/** What a handler hands to its callback. */
export function toServiceError(thrown: unknown): Partial<ServiceError> & Error {
  const error = MillraceError.from(thrown);
  return Object.assign(new Error(error.message), { code: GRPC_STATUS[error.code], details: error.message });
}

/** What went wrong on the way to another tier, in our terms: never the other side's words, which may hold addresses. */
export function fromServiceError(error: ServiceError, peer: string): MillraceError {
  if (error.code === status.DEADLINE_EXCEEDED) {
    return new MillraceError('deadline', `The ${peer} service did not answer in time.`, undefined, error);
  }
  if (error.code === status.UNAVAILABLE || error.code === status.CANCELLED) {
    return new MillraceError('unavailable', `The ${peer} service cannot be reached.`, undefined, error);
  }
  if (error.code === status.RESOURCE_EXHAUSTED) {
    return new MillraceError('overloaded', `The ${peer} service is busy.`, undefined, error);
  }
  return new MillraceError('internal', `The ${peer} service failed.`, undefined, error);
}

/** What S3 and stores like it say, in our terms: one table by their codes. */
import {
  ARCHIVED,
  BAD_CONTAINER,
  BROKEN,
  BUSY,
  CLOCKS,
  COLLISION,
  MISSING,
  NO_CONTAINER,
  NO_CREDENTIALS,
  NO_PERMISSION,
  NO_ROOM,
  OTHER_VERSION,
  type Rule,
  type Rules,
  SLOW,
  THERE,
  TOO_LARGE,
  TOO_LONG,
  TOO_MUCH_SAID,
  translator,
  UNKNOWN,
} from '../object/failures.ts';

const ELSEWHERE: Rule = ['unavailable', 'The container is in another region.'];
const NOT_OURS: Rule = ['unavailable', 'The container belongs to somebody else.'];

const RULES: Rules = {
  NoSuchKey: MISSING,
  NotFound: MISSING,
  NoSuchUpload: COLLISION,
  NoSuchBucket: NO_CONTAINER,
  InvalidAccessKeyId: NO_CREDENTIALS,
  SignatureDoesNotMatch: NO_CREDENTIALS,
  InvalidToken: NO_CREDENTIALS,
  ExpiredToken: NO_CREDENTIALS,
  TokenRefreshRequired: NO_CREDENTIALS,
  InvalidSecurity: NO_CREDENTIALS,
  NotSignedUp: NO_CREDENTIALS,
  CredentialsProviderError: NO_CREDENTIALS,
  AccessDenied: NO_PERMISSION,
  AccountProblem: NO_PERMISSION,
  AllAccessDisabled: NO_PERMISSION,
  MethodNotAllowed: NO_PERMISSION,
  RequestTimeTooSkewed: CLOCKS,
  RequestExpired: CLOCKS,
  SlowDown: BUSY,
  ServiceUnavailable: BUSY,
  Throttling: BUSY,
  ThrottlingException: BUSY,
  TooManyRequests: BUSY,
  RequestLimitExceeded: BUSY,
  XMinioServerNotInitialized: BUSY,
  InternalError: BROKEN,
  RequestTimeout: SLOW,
  PreconditionFailed: OTHER_VERSION,
  ConditionalRequestConflict: COLLISION,
  OperationAborted: COLLISION,
  BucketAlreadyExists: NOT_OURS,
  InvalidBucketName: BAD_CONTAINER,
  XMinioInvalidResourceName: BAD_CONTAINER,
  PermanentRedirect: ELSEWHERE,
  AuthorizationHeaderMalformed: ELSEWHERE,
  IllegalLocationConstraintException: ELSEWHERE,
  InvalidLocationConstraint: ELSEWHERE,
  InvalidObjectState: ARCHIVED,
  EntityTooLarge: TOO_LARGE,
  InvalidArgument: ['invalid', 'The storage does not take this.'],
  KeyTooLongError: TOO_LONG,
  XMinioInvalidObjectName: ['invalid', 'The storage takes no such name.'],
  XMinioParentIsObject: THERE,
  ObjectParentIsFile: THERE,
  ExistingObjectIsDirectory: THERE,
  MetadataTooLarge: TOO_MUCH_SAID,
  QuotaExceeded: NO_ROOM,
  XMinioAdminBucketQuotaExceeded: NO_ROOM,
  XMinioStorageFull: NO_ROOM,
  InsufficientStorage: NO_ROOM,
  NotImplemented: UNKNOWN,
};

interface S3Error {
  /** The code of the answer, or the class of the error. */
  readonly name?: unknown;
  readonly Code?: unknown;
  readonly $response?: { readonly headers?: Readonly<Record<string, unknown>> };
}

/** MinIO says it in a header where there is no body to say it in. */
export const translate = translator(RULES, (thrown) => {
  const { Code, name, $response } = thrown as S3Error;
  return [Code, name, $response?.headers?.['x-minio-error-code']];
});

/** The store's own word; undefined: the answer had none, or there was no answer. */
export function isSaid(thrown: unknown, ...codes: readonly string[]): boolean {
  const { Code, name } = (thrown ?? {}) as S3Error;
  return codes.includes(String(Code)) || codes.includes(String(name));
}

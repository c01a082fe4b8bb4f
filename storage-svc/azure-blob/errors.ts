/** What Azure Blob Storage says, in our terms: one table by its codes. */
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
  OTHER_VERSION,
  type Rules,
  SLOW,
  THERE,
  TOO_LARGE,
  TOO_LONG,
  TOO_MUCH_SAID,
  translator,
} from '../object/failures.ts';

const RULES: Rules = {
  BlobNotFound: MISSING,
  ResourceNotFound: MISSING,
  CannotVerifyCopySource: MISSING,
  ContainerNotFound: NO_CONTAINER,
  ContainerBeingDeleted: ['unavailable', 'The container is being deleted.'],
  ContainerDisabled: NO_PERMISSION,
  AuthenticationFailed: NO_CREDENTIALS,
  InvalidAuthenticationInfo: NO_CREDENTIALS,
  NoAuthenticationInformation: NO_CREDENTIALS,
  AuthorizationFailure: NO_PERMISSION,
  AuthorizationPermissionMismatch: NO_PERMISSION,
  InsufficientAccountPermissions: NO_PERMISSION,
  AccountIsDisabled: NO_PERMISSION,
  KeyBasedAuthenticationNotPermitted: NO_PERMISSION,
  LeaseIdMissing: ['unavailable', 'Somebody holds the file for himself.'],
  BlobImmutableDueToPolicy: NO_PERMISSION,
  BlobArchived: ARCHIVED,
  BlobBeingRehydrated: ARCHIVED,
  BlobAlreadyExists: THERE,
  UnauthorizedBlobOverwrite: THERE,
  ConditionNotMet: OTHER_VERSION,
  TargetConditionNotMet: OTHER_VERSION,
  // Whoever commits a blob throws away what others have sent for it and not committed.
  InvalidBlockList: COLLISION,
  InvalidBlobOrBlock: COLLISION,
  PendingCopyOperation: COLLISION,
  RequestBodyTooLarge: TOO_LARGE,
  BlockCountExceedsLimit: TOO_LARGE,
  BlockListTooLong: TOO_LARGE,
  MetadataTooLarge: TOO_MUCH_SAID,
  RequestUrlFailedToParse: TOO_LONG,
  InvalidResourceName: BAD_CONTAINER,
  ServerBusy: BUSY,
  InternalError: BROKEN,
  OperationTimedOut: SLOW,
};

interface AzureError {
  readonly code?: unknown;
  /** Read from the answer. */
  readonly details?: { readonly errorCode?: unknown; readonly authenticationErrorDetail?: unknown };
  readonly message?: unknown;
}

/** One code is said of a wrong key and of a clock that is wrong. */
const SKEWED = /Request date header too old|not valid for the given date/i;

const byCode = translator(RULES, (thrown) => [codeOf(thrown)]);
const ofClocks = translator({ AuthenticationFailed: CLOCKS }, (thrown) => [codeOf(thrown)]);

export function translate(thrown: unknown) {
  const { details, message } = (thrown ?? {}) as AzureError;
  return (SKEWED.test(`${details?.authenticationErrorDetail} ${message}`) ? ofClocks : byCode)(thrown);
}

/** undefined: the answer had none, or there was no answer. */
export function codeOf(thrown: unknown): string | undefined {
  const { code, details } = (thrown ?? {}) as AzureError;
  const said = details?.errorCode ?? code;
  return typeof said === 'string' ? said : undefined;
}

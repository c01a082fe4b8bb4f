/** What Azure Tables says, in our terms: one table by its codes. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { overloaded } from '../throttling.ts';

type Rule = readonly [ErrorCode, string];

const NO_CREDENTIALS: Rule = ['unavailable', 'The database refuses the credentials of this service.'];
const NO_PERMISSION: Rule = ['denied', 'The credentials of this service do not permit this in the database.'];
const UNREACHABLE: Rule = ['unavailable', 'The database of this service cannot be reached.'];
const LOST: Rule = ['unavailable', 'The connection to the database was lost.'];
const FAILED: Rule = ['unavailable', 'The database has failed.'];
const TOO_LARGE: Rule = ['invalid', 'The record, or a value of it, is larger than the database takes.'];
const NO_TABLE: Rule = ['not_found', 'The database has no table of this name.'];
const BAD_KEY: Rule = ['invalid', 'The database does not take this key.'];

const RULES: Readonly<Record<string, Rule>> = {
  TableNotFound: NO_TABLE,
  TableAlreadyExists: ['conflict', 'A table of this name already exists.'],
  TableBeingDeleted: ['conflict', 'A table of this name is being deleted, which takes a while.'],
  InvalidResourceName: ['invalid', 'The database takes no table of this name: it has 3 to 63 letters and digits.'],
  ResourceNotFound: ['not_found', 'There is no such record.'],
  EntityNotFound: ['not_found', 'There is no such record.'],
  EntityAlreadyExists: ['conflict', 'A record with this key already exists.'],
  UpdateConditionNotSatisfied: ['conflict', 'The record is not the one that was meant: it has been changed.'],
  ConditionNotMet: ['conflict', 'The record is not the one that was meant: it has been changed.'],
  EntityTooLarge: TOO_LARGE,
  PropertyValueTooLarge: TOO_LARGE,
  KeyValueTooLarge: BAD_KEY,
  OutOfRangeInput: BAD_KEY,
  TooManyProperties: ['invalid', 'A record has more fields than the database takes: 252.'],
  PropertyNameTooLong: ['invalid', 'The name of a field is longer than the database takes.'],
  PropertyNameInvalid: ['invalid', 'The database takes no field of this name.'],
  InvalidInput: ['invalid', 'The database does not take this request.'],
  RequestBodyTooLarge: TOO_LARGE,
  InvalidDuplicateRow: ['invalid', 'One key stands twice in writes that are all done or none.'],
  CommandsInBatchActOnDifferentPartitions: [
    'invalid',
    'Writes that are all done or none must share their PartitionKey.',
  ],
  AuthenticationFailed: [
    'unavailable',
    'The database refuses the credentials of this service, or the clocks are too far apart.',
  ],
  InvalidAuthenticationInfo: NO_CREDENTIALS,
  AuthorizationFailure: NO_PERMISSION,
  AuthorizationPermissionMismatch: NO_PERMISSION,
  InsufficientAccountPermissions: NO_PERMISSION,
  AccountIsDisabled: NO_PERMISSION,
  OperationTimedOut: ['unavailable', 'The database took too long.'],
  InternalError: FAILED,
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  ECONNRESET: LOST,
  EPIPE: LOST,
};

const BY_STATUS: Readonly<Record<number, Rule>> = {
  400: ['invalid', 'The database does not take this request.'],
  401: NO_CREDENTIALS,
  403: NO_PERMISSION,
  404: NO_TABLE,
  409: ['conflict', 'The record is there already, or is not the one that was meant.'],
  412: ['conflict', 'The record is not the one that was meant: it has been changed.'],
  413: TOO_LARGE,
  501: ['unsupported', 'The database cannot do this.'],
};

interface Thrown {
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly details?: { readonly errorCode?: unknown; readonly odataError?: { readonly code?: unknown } };
}

export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError || typeof thrown !== 'object' || thrown === null)
    return MillraceError.from(thrown);
  if (isThrottled(thrown)) return overloaded(thrown);
  const found = ruleOf(thrown);
  return found ? new MillraceError(found[0], found[1], undefined, thrown) : MillraceError.from(thrown);
}

function ruleOf(thrown: object): Rule | undefined {
  const { cause } = thrown as Thrown;
  const [code, status] = [codeOf(thrown), statusOf(thrown)];
  if (code !== undefined && Object.hasOwn(RULES, code)) return RULES[code];
  if (status !== undefined && status >= 400) return BY_STATUS[status] ?? FAILED;
  return typeof cause === 'object' && cause !== null ? ruleOf(cause) : undefined;
}

/** The store did nothing, and may do it a little later. */
export const isThrottled = (thrown: unknown): boolean =>
  codeOf(thrown) === 'ServerBusy' || [429, 503].includes(statusOf(thrown) ?? 0);

/** undefined: the answer had none, or there was no answer. */
export function codeOf(thrown: unknown): string | undefined {
  const { code, details } = (thrown ?? {}) as Thrown;
  const said = details?.odataError?.code ?? details?.errorCode ?? code;
  return typeof said === 'string' ? said : undefined;
}

export function statusOf(thrown: unknown): number | undefined {
  const { statusCode } = (thrown ?? {}) as Thrown;
  return typeof statusCode === 'number' ? statusCode : undefined;
}

export const isMissing = (thrown: unknown): boolean => statusOf(thrown) === 404 && codeOf(thrown) !== 'TableNotFound';

/** Somebody has changed it meanwhile, or made it. */
export const isChanged = (thrown: unknown): boolean =>
  statusOf(thrown) === 412 || codeOf(thrown) === 'EntityAlreadyExists';

/** Which write of several was refused: the message begins with its place. */
export function placeOf(thrown: unknown): number | undefined {
  const found = /^\s*(\d+):/.exec(String(((thrown ?? {}) as Thrown).message))?.[1];
  return found === undefined ? undefined : Number(found);
}

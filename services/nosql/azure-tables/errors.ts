/** What Azure Tables says, in our terms: one table by its codes, one by the status, one by what the network says. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { overloaded } from '../throttling.ts';

type Rule = readonly [ErrorCode, string];

const NO_CREDENTIALS: Rule = ['unavailable', 'The database refuses the credentials of this service.'];
const NO_PERMISSION: Rule = ['denied', 'The credentials of this service do not permit this in the database.'];
const UNREACHABLE: Rule = ['unavailable', 'The database of this service cannot be reached.'];
const LOST: Rule = ['unavailable', 'The connection to the database was lost.'];
const FAILED: Rule = ['unavailable', 'The database has failed.'];
const CHANGED: Rule = ['conflict', 'Somebody else has changed the record. Read it again.'];
const TOO_LARGE: Rule = ['invalid', 'The record is larger than the database takes (1 MiB).'];
const BAD_NAME: Rule = ['invalid', 'The database takes no field of this name.'];
const BAD_KEY: Rule = ['invalid', 'The database takes no such key.'];
const BAD_TABLE: Rule = ['invalid', 'The database takes no table of this name: 3 to 63 letters and digits.'];
const BAD_REQUEST: Rule = ['invalid', 'The database does not take this request.'];

const BY_CODE: Readonly<Record<string, Rule>> = {
  TableNotFound: ['not_found', 'The database has no table of this name.'],
  TableAlreadyExists: ['conflict', 'A table of this name already exists.'],
  TableBeingDeleted: ['conflict', 'A table of this name is being deleted. Try again in a minute.'],
  EntityNotFound: ['not_found', 'The database has no such record.'],
  ResourceNotFound: ['not_found', 'The database has no such record.'],
  EntityAlreadyExists: ['conflict', 'A record with this key already exists.'],
  UpdateConditionNotSatisfied: CHANGED,
  ConditionNotMet: CHANGED,
  EntityTooLarge: TOO_LARGE,
  RequestBodyTooLarge: TOO_LARGE,
  PropertyValueTooLarge: ['invalid', 'A value is larger than the database takes (64 KiB).'],
  TooManyProperties: ['invalid', 'The database takes no more than 252 fields in a record.'],
  DuplicatePropertiesSpecified: ['invalid', 'Two fields of the record have the same name.'],
  PropertyNameInvalid: BAD_NAME,
  PropertyNameTooLong: BAD_NAME,
  KeyValueTooLarge: BAD_KEY,
  OutOfRangeInput: BAD_KEY,
  InvalidResourceName: BAD_TABLE,
  InvalidInput: BAD_REQUEST,
  InvalidValueType: ['invalid', 'A value does not fit the type of its field.'],
  NotImplemented: ['unsupported', 'The database cannot do this.'],
  AuthenticationFailed: [
    'unavailable',
    'The database refuses the credentials of this service, or the clocks are too far apart.',
  ],
  InvalidAuthenticationInfo: NO_CREDENTIALS,
  NoAuthenticationInformation: NO_CREDENTIALS,
  AuthorizationFailure: NO_PERMISSION,
  AuthorizationPermissionMismatch: NO_PERMISSION,
  InsufficientAccountPermissions: NO_PERMISSION,
  KeyBasedAuthenticationNotPermitted: NO_PERMISSION,
  AccountIsDisabled: NO_PERMISSION,
  InternalError: FAILED,
  OperationTimedOut: ['unavailable', 'The database took too long for this request.'],
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  ECONNRESET: LOST,
  EPIPE: LOST,
  REQUEST_SEND_ERROR: LOST,
  PARSE_ERROR: ['unavailable', 'The database has answered with what is no answer.'],
};

const BY_STATUS: Readonly<Record<number, Rule>> = {
  400: BAD_REQUEST,
  401: NO_CREDENTIALS,
  403: NO_PERMISSION,
  409: CHANGED,
  412: CHANGED,
  413: TOO_LARGE,
};

/** The store did nothing, and may do it a little later. */
const THROTTLED: ReadonlySet<unknown> = new Set(['ServerBusy', 'TooManyRequests']);

interface Thrown {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly details?: { readonly odataError?: { readonly code?: unknown } };
}

export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError || typeof thrown !== 'object' || thrown === null)
    return MillraceError.from(thrown);
  if (isThrottled(thrown)) return overloaded(thrown);
  const found = ruleOf(thrown);
  return found ? new MillraceError(found[0], found[1], undefined, thrown) : MillraceError.from(thrown);
}

export const isThrottled = (thrown: unknown): boolean =>
  [429, 503].includes(statusOf(thrown) ?? 0) || THROTTLED.has(codeOf(thrown));

/** The store's own word, or the network's. */
export function codeOf(thrown: unknown): string | undefined {
  const { code, details } = (thrown ?? {}) as Thrown;
  const said = details?.odataError?.code ?? code;
  return typeof said === 'string' ? said : undefined;
}

/** HTTP status; undefined: there was no answer. */
export function statusOf(thrown: unknown): number | undefined {
  const { statusCode } = (thrown ?? {}) as Thrown;
  return typeof statusCode === 'number' ? statusCode : undefined;
}

/** There is no such entity; that there is no table is something else. */
export const isMissing = (thrown: unknown): boolean => statusOf(thrown) === 404 && codeOf(thrown) !== 'TableNotFound';

export const isThere = (thrown: unknown): boolean => codeOf(thrown) === 'EntityAlreadyExists';

export const isChanged = (thrown: unknown): boolean => statusOf(thrown) === 412;

/** Which one of a transaction failed: the store says so in front of its message. */
export function failedPlace(thrown: unknown): number | undefined {
  const place = /^(\d+):/.exec(String(((thrown ?? {}) as Thrown).message))?.[1];
  return place === undefined ? undefined : Number(place);
}

function ruleOf(thrown: object): Rule | undefined {
  const code = codeOf(thrown);
  if (code !== undefined && Object.hasOwn(BY_CODE, code) && code !== 'REQUEST_SEND_ERROR') return BY_CODE[code];
  const status = statusOf(thrown);
  if (status !== undefined)
    return BY_STATUS[status] ?? (status >= 500 ? FAILED : status >= 400 ? BAD_REQUEST : undefined);
  const { cause } = thrown as Thrown;
  const deeper = typeof cause === 'object' && cause !== null ? ruleOf(cause) : undefined;
  return deeper ?? (code === 'REQUEST_SEND_ERROR' ? LOST : undefined);
}

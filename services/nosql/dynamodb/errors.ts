/** What DynamoDB says, in our terms: one table by its codes. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { overloaded } from '../throttling.ts';

type Rule = readonly [ErrorCode, string];

const NO_CREDENTIALS: Rule = ['unavailable', 'The database refuses the credentials of this service.'];
const NO_PERMISSION: Rule = ['denied', 'The credentials of this service do not permit this in the database.'];
const UNREACHABLE: Rule = ['unavailable', 'The database of this service cannot be reached.'];
const LOST: Rule = ['unavailable', 'The connection to the database was lost.'];
const FAILED: Rule = ['unavailable', 'The database has failed.'];
const CHANGED: Rule = ['conflict', 'Somebody else has written the record at the same time. Send it again.'];

const RULES: Readonly<Record<string, Rule>> = {
  ResourceNotFoundException: ['not_found', 'The database has no table or index of this name.'],
  TableNotFoundException: ['not_found', 'The database has no table of this name.'],
  ResourceInUseException: ['conflict', 'The table is there already, or is being changed.'],
  TableAlreadyExistsException: ['conflict', 'A table of this name already exists.'],
  LimitExceededException: ['limited', 'The database changes no more tables at the same time.'],
  ConditionalCheckFailedException: ['conflict', 'The record is not as it was meant to be.'],
  TransactionConflictException: CHANGED,
  TransactionInProgressException: CHANGED,
  ReplicatedWriteConflictException: CHANGED,
  TransactionCanceledException: ['conflict', 'The database has carried out none of the writes.'],
  ItemCollectionSizeLimitExceededException: ['invalid', 'Records of one partition key become too large together.'],
  ValidationException: [
    'invalid',
    'The database does not take this request: a value is too large, or of another type than a key or an index has.',
  ],
  SerializationException: ['invalid', 'The database does not take this request.'],
  RequestEntityTooLarge: ['invalid', 'The request is larger than the database takes.'],
  UnrecognizedClientException: NO_CREDENTIALS,
  InvalidSignatureException: [
    'unavailable',
    'The database refuses the credentials of this service, or the clocks are too far apart.',
  ],
  IncompleteSignatureException: NO_CREDENTIALS,
  MissingAuthenticationTokenException: NO_CREDENTIALS,
  ExpiredTokenException: NO_CREDENTIALS,
  CredentialsProviderError: NO_CREDENTIALS,
  AccessDeniedException: NO_PERMISSION,
  InternalServerError: FAILED,
  InternalFailure: FAILED,
  ServiceUnavailable: FAILED,
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  TimeoutError: UNREACHABLE,
  ECONNRESET: LOST,
  EPIPE: LOST,
};

/** The store did nothing, and may do it a little later. */
const THROTTLED: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
]);

interface Thrown {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: unknown;
}

export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError || typeof thrown !== 'object' || thrown === null)
    return MillraceError.from(thrown);
  if (isThrottled(thrown)) return overloaded(thrown);
  const { $metadata } = thrown as Thrown;
  const found = ruleOf(thrown) ?? ((($metadata?.httpStatusCode ?? 0) >= 500 && FAILED) || undefined);
  return found ? new MillraceError(found[0], found[1], undefined, thrown) : MillraceError.from(thrown);
}

export function isThrottled(thrown: unknown): boolean {
  const { name, $metadata } = (thrown ?? {}) as Thrown;
  const status = $metadata?.httpStatusCode;
  return THROTTLED.has(String(name)) || status === 429 || status === 503;
}

/** Said of one write: its condition does not hold. */
export const isConditionFailed = (thrown: unknown): boolean =>
  ((thrown ?? {}) as Thrown).name === 'ConditionalCheckFailedException';

/** A request of several is refused because of one of them. */
export const isRefused = (thrown: unknown): boolean => translate(thrown).code === 'invalid';

function ruleOf(thrown: object): Rule | undefined {
  const { name, code, cause } = thrown as Thrown;
  const word = [name, code].find((one) => typeof one === 'string' && Object.hasOwn(RULES, one));
  if (word !== undefined) return RULES[word as string];
  return typeof cause === 'object' && cause !== null ? ruleOf(cause) : undefined;
}

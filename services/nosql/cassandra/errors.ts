/** What Cassandra says, in our terms: one table by the codes of its protocol (native protocol v5, §8). */
import { errors, types } from 'cassandra-driver';
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { overloaded } from '../throttling.ts';

type Rule = readonly [ErrorCode, string];

const UNREACHABLE: Rule = ['unavailable', 'The database of this service cannot be reached.'];
const NO_CREDENTIALS: Rule = ['unavailable', 'The database refuses the credentials of this service.'];
const NO_REPLICAS: Rule = ['unavailable', 'Too few replicas of the database can be reached.'];
const TOO_LONG: Rule = ['unavailable', 'The database took too long.'];
const FAILED: Rule = ['unavailable', 'The database has failed.'];
const NOT_TAKEN: Rule = ['invalid', 'The database does not take this request.'];

const codes = types.responseErrorCodes;
/** Of version 5 of the protocol, which the driver has no names for. */
const [CAS_WRITE_UNKNOWN, CDC_WRITE_FAILURE] = [0x1700, 0x1600];

const RULES: Readonly<Record<number, Rule>> = {
  [codes.serverError]: FAILED,
  [codes.protocolError]: [
    'invalid',
    "'after' does not belong to this list: take it from the 'meta' of the page before.",
  ],
  [codes.badCredentials]: NO_CREDENTIALS,
  [codes.unavailableException]: NO_REPLICAS,
  [codes.writeTimeout]: TOO_LONG,
  [codes.readTimeout]: TOO_LONG,
  [codes.readFailure]: FAILED,
  [codes.functionFailure]: [
    'invalid',
    'The database cannot read a value of this request: it is of another type than its column.',
  ],
  [codes.writeFailure]: FAILED,
  [CAS_WRITE_UNKNOWN]: ['unavailable', 'The database does not know what became of the write.'],
  [CDC_WRITE_FAILURE]: FAILED,
  [codes.syntaxError]: NOT_TAKEN,
  [codes.unauthorized]: ['denied', 'The credentials of this service do not permit this in the database.'],
  [codes.invalid]: NOT_TAKEN,
  [codes.configError]: NOT_TAKEN,
  [codes.alreadyExists]: ['conflict', 'A table of this name already exists.'],
};

/** Of requests that are not taken, by what is said of them. */
const NOT_TAKEN_RULES: readonly (readonly [RegExp, Rule])[] = [
  [
    /^(?:unconfigured table|table \S+ does not exist|Table '\S+' doesn't exist)/i,
    ['not_found', 'The database has no table of this name.'],
  ],
  [/^Keyspace '?\S+'? does not exist/i, ['unavailable', 'The keyspace of this service does not exist.']],
  [/counter/i, ['invalid', 'Counters of the database cannot be written by this service.']],
  [/ALLOW FILTERING/i, ['invalid', 'The database does not allow a request that reads the whole table.']],
  [/re-add previously dropped/i, ['invalid', 'A column of this name was dropped, and its type was another one.']],
  [/dependent secondary index/i, ['conflict', 'The column has an index that was made elsewhere.']],
  [/Key may not be empty/i, ['invalid', 'A key of the database cannot be empty.']],
  [
    /Index .* already exists|already has an index|is a duplicate of existing index/i,
    ['conflict', 'There is such an index already.'],
  ],
  [
    /too (?:large|long|big)|exceed|maximum|longer than/i,
    ['invalid', 'A value of the record is larger than the database takes.'],
  ],
];
/** Values that are of another type than their columns are said to be requests that failed. */
const MARSHAL = /MarshalException|unable to make|Could not decode|Expected an? |Invalid|out of range/i;

export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError || typeof thrown !== 'object' || thrown === null)
    return MillraceError.from(thrown);
  if (isThrottled(thrown)) return overloaded(thrown);
  const rule = ruleOf(thrown);
  return rule ? new MillraceError(rule[0], rule[1], undefined, thrown) : MillraceError.from(thrown);
}

function ruleOf(thrown: object): Rule | undefined {
  if (thrown instanceof errors.ResponseError) {
    const { code, message } = thrown;
    const rule = RULES[code] ?? FAILED;
    if (rule !== NOT_TAKEN)
      return code === codes.serverError && MARSHAL.test(message) ? (RULES[codes.functionFailure] as Rule) : rule;
    return NOT_TAKEN_RULES.find(([pattern]) => pattern.test(message))?.[1] ?? rule;
  }
  if (thrown instanceof errors.NoHostAvailableError) {
    // Each host has its own reason, and they are alike.
    const [first] = Object.values((thrown.innerErrors ?? {}) as Record<string, object>);
    return (first && ruleOf(first)) ?? UNREACHABLE;
  }
  if (thrown instanceof errors.AuthenticationError) return NO_CREDENTIALS;
  if (thrown instanceof errors.OperationTimedOutError) return TOO_LONG;
  if (thrown instanceof errors.BusyConnectionError) return ['overloaded', 'The database is busy.'];
  if (thrown instanceof TypeError || thrown instanceof RangeError) return undefined;
  return thrown instanceof errors.DriverError || 'errno' in thrown ? UNREACHABLE : undefined;
}

/** The store did nothing, and may do it a little later. */
export function isThrottled(thrown: unknown): boolean {
  if (thrown instanceof errors.NoHostAvailableError) {
    const each = Object.values((thrown.innerErrors ?? {}) as Record<string, unknown>);
    return each.length > 0 && each.every(isThrottled);
  }
  if (thrown instanceof errors.BusyConnectionError) return true;
  return thrown instanceof errors.ResponseError && [codes.overloaded, codes.isBootstrapping].includes(thrown.code);
}

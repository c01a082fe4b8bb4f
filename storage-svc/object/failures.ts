/** What drivers of stores over HTTP throw, in our terms: the store's own codes first, then the status, then the network. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { CONNECTION_LOST, FULL, NOT_PERMITTED, REFUSED_CREDENTIALS, TOO_SLOW, UNREACHABLE } from '../failures.ts';

export type Rule = readonly [ErrorCode, string];
export type Rules = Readonly<Record<string, Rule>>;

export const NO_CREDENTIALS: Rule = ['unavailable', REFUSED_CREDENTIALS];
export const NO_PERMISSION: Rule = ['unavailable', NOT_PERMITTED];
export const NO_CONTAINER: Rule = ['unavailable', 'The container does not exist.'];
export const NO_ROOM: Rule = ['unavailable', FULL];
export const CLOCKS: Rule = ['unavailable', 'The clocks of this machine and of the storage are too far apart.'];
export const BUSY: Rule = ['unavailable', 'The storage takes no more requests at the moment.'];
export const BROKEN: Rule = ['unavailable', 'The storage has failed.'];
export const SLOW: Rule = ['unavailable', TOO_SLOW];
export const BAD_CONTAINER: Rule = ['unavailable', 'The storage takes no container of this name.'];
export const ARCHIVED: Rule = ['unavailable', 'The storage has archived the file: it has to be restored first.'];
export const MISSING: Rule = ['not_found', 'There is nothing of this name.'];
export const THERE: Rule = ['conflict', 'There is something of this name already.'];
export const COLLISION: Rule = ['conflict', 'Somebody else has written the file at the same time. Send it again.'];
export const OTHER_VERSION: Rule = ['contradiction', 'The file is not the version that was meant.'];
export const TOO_LARGE: Rule = ['invalid', 'The file is too large for this storage.'];
export const TOO_LONG: Rule = ['invalid', 'The path is too long for this storage.'];
export const TOO_MUCH_SAID: Rule = ['invalid', 'The storage does not keep as many properties.'];
export const UNKNOWN: Rule = ['unsupported', 'The storage cannot do this.'];
const NO_WAY: Rule = ['unavailable', UNREACHABLE];
const LOST: Rule = ['unavailable', CONNECTION_LOST];
const NO_TRUST: Rule = ['unavailable', 'The certificate of the storage is not trusted.'];
const REFUSED: Rule = ['unavailable', 'The storage refused the request.'];

const BY_STATUS: Readonly<Record<number, Rule>> = {
  401: NO_CREDENTIALS,
  403: NO_PERMISSION,
  404: MISSING,
  408: SLOW,
  412: OTHER_VERSION,
  413: TOO_LARGE,
  429: BUSY,
  501: UNKNOWN,
  503: BUSY,
  504: SLOW,
  507: NO_ROOM,
};

/** Of Node, its TLS and its HTTP. */
const OF_NETWORK: Rules = {
  ECONNREFUSED: NO_WAY,
  ENOTFOUND: NO_WAY,
  EAI_AGAIN: NO_WAY,
  EHOSTUNREACH: NO_WAY,
  EHOSTDOWN: NO_WAY,
  ENETUNREACH: NO_WAY,
  ENETDOWN: NO_WAY,
  EADDRNOTAVAIL: NO_WAY,
  ETIMEDOUT: NO_WAY,
  TimeoutError: NO_WAY,
  ECONNRESET: LOST,
  ECONNABORTED: LOST,
  EPIPE: LOST,
  ERR_STREAM_PREMATURE_CLOSE: LOST,
  ERR_STREAM_DESTROYED: LOST,
  EPROTO: NO_TRUST,
  CERT_HAS_EXPIRED: NO_TRUST,
  DEPTH_ZERO_SELF_SIGNED_CERT: NO_TRUST,
  SELF_SIGNED_CERT_IN_CHAIN: NO_TRUST,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NO_TRUST,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NO_TRUST,
  ERR_TLS_CERT_ALTNAME_INVALID: NO_TRUST,
};

/** What drivers put on their errors. */
interface Thrown {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
  /** Of Azure's. */
  readonly statusCode?: unknown;
  /** Of Amazon's. */
  readonly $metadata?: { readonly httpStatusCode?: unknown };
}

/** @param codesOf  the store's own words for what is wrong, the best first */
export function translator(rules: Rules, codesOf: (thrown: object) => readonly unknown[]) {
  return (thrown: unknown): MillraceError => {
    if (thrown instanceof MillraceError || typeof thrown !== 'object' || thrown === null) {
      return MillraceError.from(thrown);
    }
    const named = codesOf(thrown).find((code) => typeof code === 'string' && Object.hasOwn(rules, code));
    const found =
      (named === undefined ? undefined : rules[named as string]) ?? ofStatus(statusOf(thrown)) ?? ofNetwork(thrown);
    return found ? new MillraceError(found[0], found[1], undefined, thrown) : MillraceError.from(thrown);
  };
}

/** HTTP status of what a driver throws; undefined: there was no answer. */
export function statusOf(thrown: unknown): number | undefined {
  const { statusCode, $metadata } = (thrown ?? {}) as Thrown;
  const status = statusCode ?? $metadata?.httpStatusCode;
  return typeof status === 'number' ? status : undefined;
}

/** The store has said that it did nothing, and may do it a little later. */
export const isBusy = (thrown: unknown): boolean => [429, 503].includes(statusOf(thrown) ?? 0);

function ofStatus(status: number | undefined): Rule | undefined {
  if (status === undefined || status < 300) return undefined;
  return BY_STATUS[status] ?? (status >= 500 ? BROKEN : REFUSED);
}

function ofNetwork(thrown: object): Rule | undefined {
  const { code, name, cause } = thrown as Thrown;
  const word = [code, name].find((one) => typeof one === 'string' && Object.hasOwn(OF_NETWORK, one));
  if (word !== undefined) return OF_NETWORK[word as string];
  return typeof cause === 'object' && cause !== null ? ofNetwork(cause) : undefined;
}

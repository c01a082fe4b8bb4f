/** What the way to a storage says, in our terms: the same for every backend that has one. */
import { CONNECTION_LOST, TOO_SLOW, UNREACHABLE } from './failures.ts';

const UNTRUSTED = 'The certificate of the storage is not trusted.';

/** Of the operating system, of Node.js and its TLS and streams, of undici. */
const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  TimeoutError: UNREACHABLE,
  UND_ERR_CONNECT_TIMEOUT: UNREACHABLE,
  ECONNRESET: CONNECTION_LOST,
  ECONNABORTED: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
  ERR_STREAM_PREMATURE_CLOSE: CONNECTION_LOST,
  ERR_STREAM_DESTROYED: CONNECTION_LOST,
  UND_ERR_SOCKET: CONNECTION_LOST,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: CONNECTION_LOST,
  UND_ERR_HEADERS_TIMEOUT: TOO_SLOW,
  UND_ERR_BODY_TIMEOUT: TOO_SLOW,
  EPROTO: UNTRUSTED,
};

const OF_CERTIFICATES = /^(?:CERT_|ERR_TLS|UNABLE_|DEPTH_|SELF_SIGNED)/;

/** @param code  of what was thrown. @returns undefined: it is none of the network */
export function networkFailure(code: unknown): string | undefined {
  if (typeof code !== 'string') return undefined;
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  return OF_CERTIFICATES.test(code) ? UNTRUSTED : undefined;
}

/** What an FTP server, or the way to it, says, in our terms. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { CONNECTION_LOST, FULL, NOT_PERMITTED, REFUSED_CREDENTIALS, TOO_SLOW, UNREACHABLE } from '../failures.ts';

const UNTRUSTED = "The storage's certificate is not a valid one.";

/** Codes of answers (RFC 959 §4.2). */
const BY_REPLY: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  421: ['unavailable', 'The storage takes no more connections.'],
  425: ['unavailable', 'No connection for the files can be made to the storage.'],
  426: ['unavailable', CONNECTION_LOST],
  430: ['unavailable', REFUSED_CREDENTIALS],
  450: ['unavailable', 'The storage is busy with this.'],
  451: ['unavailable', 'The storage has failed to do this.'],
  452: ['unavailable', FULL],
  522: ['unavailable', 'The storage wants its files encrypted in another way.'],
  530: ['unavailable', REFUSED_CREDENTIALS],
  534: ['unavailable', 'The storage does not encrypt connections.'],
  552: ['unavailable', FULL],
  553: ['unavailable', NOT_PERMITTED],
};

/** What 550 means, and 450 to 553 in general, is said in words. */
const BY_WORDS: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/no space|disk full|quota/i, 'unavailable', FULL],
  [/permission|denied|not allowed|forbidden|prohibited|read-only/i, 'unavailable', NOT_PERMITTED],
  [/no such|not found|does ?n.t exist|not exist|cannot find/i, 'not_found', 'There is nothing of this name.'],
];

const BY_ERRNO: Readonly<Record<string, string>> = {
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  ECONNRESET: CONNECTION_LOST,
  EPIPE: CONNECTION_LOST,
};

export function translate(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  const told = new MillraceError('unavailable', said(String(code), String(message)) ?? '', undefined, thrown);
  if (typeof code === 'number' && code >= 400) return ofReply(code, String(message), thrown);
  return told.message ? told : MillraceError.from(thrown);
}

function ofReply(code: number, message: string, thrown: unknown): MillraceError {
  const words = code === 530 ? undefined : BY_WORDS.find(([pattern]) => pattern.test(message));
  const [known, text] = words?.slice(1) ??
    BY_REPLY[code] ?? [
      'unavailable',
      code >= 500 ? 'The storage refuses to do this.' : 'The storage cannot do this now.',
    ];
  return new MillraceError(known as ErrorCode, text as string, undefined, thrown);
}

function said(code: string, message: string): string | undefined {
  if (BY_ERRNO[code]) return BY_ERRNO[code];
  if (/^(CERT_|ERR_TLS|UNABLE_|DEPTH_|SELF_SIGNED)/.test(code)) return UNTRUSTED;
  if (/^Timeout/.test(message)) return TOO_SLOW;
  return /FIN packet|closed|Socket|data connection/i.test(message) ? CONNECTION_LOST : undefined;
}

/** What the server answers; undefined: it has not answered. */
export function replyOf(thrown: unknown): number | undefined {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' && code >= 400 ? code : undefined;
}

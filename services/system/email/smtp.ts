/** Sends e-mails through a mail server, over connections that stay open for a while. */
import { createTransport } from 'nodemailer';
import { EMAIL_TIMEOUT_MS } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import type { JsonObject } from '../records/model.ts';
import { type Transport, toMail } from './transport.ts';

const PORT_DEFAULT = 587;
const CONNECTIONS_MAX = 5;
const CONNECT_TIMEOUT_MS = 8000;
const ANSWER_TIMEOUT_MS = 10_000;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i;

/**
 * @param settings  of the service, lookups resolved
 * @param answerTimeoutMs  from one word of the server to the next
 */
export function smtpTransport(settings: JsonObject, answerTimeoutMs = ANSWER_TIMEOUT_MS): Transport {
  const transport = createTransport(optionsOf(settings, answerTimeoutMs));
  return {
    send: async (message) => {
      const signal = AbortSignal.timeout(EMAIL_TIMEOUT_MS);
      const sent = await transport.sendMail({ ...toMail(message), signal }).catch((error: unknown) => {
        throw failure(error);
      });
      return { accepted: sent.accepted.length, rejected: sent.rejected.map(String) };
    },
    close: () => transport.close(),
  };
}

function optionsOf(settings: JsonObject, answerTimeoutMs: number) {
  const host = String(settings['host'] ?? '');
  const { encryption, username, password } = settings;
  const hasPassword = typeof password === 'string' && password !== '';
  const isOpen = encryption === undefined || encryption === null;
  return {
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    // A message whose connection broke may have been taken: sent again it could arrive twice.
    maxRequeues: 0,
    host,
    port: Number(settings['port'] ?? PORT_DEFAULT),
    secure: encryption === 'ssl',
    // Whoever sits between could take the offer of TLS out of the greeting.
    requireTLS: encryption === 'tls' || (isOpen && hasPassword && !LOOPBACK.test(host)),
    ignoreTLS: encryption === 'none',
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: settings['verify_certificate'] !== false },
    ...(typeof username === 'string' && { auth: { user: username, pass: hasPassword ? password : '' } }),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: answerTimeoutMs,
    socketTimeout: answerTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const;
}

/** What the server says may hold addresses and names: it goes into the log only. */
function failure(cause: unknown): MillraceError {
  const { code, responseCode } = cause as { code?: string; responseCode?: number };
  if (code === 'EENVELOPE' && responseCode !== undefined && responseCode >= 500) {
    return invalid('The mail server does not take this e-mail for its recipients.');
  }
  const message =
    code === 'EAUTH'
      ? 'The mail server refuses the account of this service.'
      : 'The mail server does not take the e-mail.';
  return new MillraceError('unavailable', message, undefined, cause);
}

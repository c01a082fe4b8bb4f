/**
 * One HTTP call to a host outside, within an OutboundPolicy. A name is looked up once, each of its addresses is judged,
 * and the connection goes to the one that was judged; every redirect begins from the start.
 */
import { type LookupAddress, lookup as lookupAddresses } from 'node:dns';
import { type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Outbound, type OutboundPolicy } from './policy.ts';

export interface OutsideCall {
  readonly verb: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface OutsideHead {
  readonly status: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
}

export interface OpenedAnswer extends OutsideHead {
  /** As it comes, no faster than it is taken. @throws MillraceError unavailable where it breaks off or is too large */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the connection back, whatever was taken of the body. */
  close(): void;
}

export type Resolve = (name: string, use: (error: Error | null, addresses: LookupAddress[]) => void) => void;

const REDIRECTS_MAX = 5;
const REDIRECTING = new Set([301, 302, 303, 307, 308]);
/** Ours to say, or of one connection. */
const NOT_SENT = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'expect', 'te']);
/** Meant for the first host, and no other. */
const SECRETS = new Set(['authorization', 'cookie', 'proxy-authorization']);

const resolveByDns: Resolve = (name, use) => lookupAddresses(name, { all: true }, use);

/**
 * @param resolve  for tests
 * @returns the head of the answer, its body still with the host. Close it.
 * @throws MillraceError denied: host or address is not allowed; invalid: no HTTP URL; unavailable: no answer, or too late
 */
export async function openOutside(
  call: OutsideCall,
  policy: OutboundPolicy,
  deadline: Deadline,
  resolve: Resolve = resolveByDns,
): Promise<OpenedAnswer> {
  const outbound = new Outbound(policy);
  let { verb, body } = call;
  let headers = { ...call.headers };
  let url = readUrl(call.url);
  for (let redirects = 0; ; redirects++) {
    if (!outbound.allowsHost(url)) throw refused(`The host '${url.host}' may not be called.`);
    const scope = { outbound, policy, deadline, resolve };
    const answer = await send({ verb, url: url.href, headers, body }, url, scope);
    const location = answer.headers['location'];
    if (!REDIRECTING.has(answer.status) || location === undefined) return answer;
    answer.close();
    if (redirects === REDIRECTS_MAX) throw new MillraceError('unavailable', 'The host redirects in circles.');
    const next = readUrl(location, url);
    if (next.origin !== url.origin) headers = without(headers, SECRETS);
    if (answer.status === 303 || (answer.status < 303 && verb === 'POST')) {
      verb = verb === 'HEAD' ? verb : 'GET';
      body = new Uint8Array();
      headers = without(headers, new Set(['content-type']));
    }
    url = next;
  }
}

function readUrl(text: string, base?: URL): URL {
  try {
    const url = new URL(text, base);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  } catch {
    // Said below.
  }
  throw new MillraceError('invalid', `'${text.slice(0, 200)}' is no http or https address.`);
}

const refused = (message: string): MillraceError => new MillraceError('denied', message);

function without(headers: Record<string, string>, names: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.has(name.toLowerCase())));
}

interface Scope {
  readonly outbound: Outbound;
  readonly policy: OutboundPolicy;
  readonly deadline: Deadline;
  readonly resolve: Resolve;
}

function send(call: OutsideCall, url: URL, scope: Scope): Promise<OpenedAnswer> {
  scope.deadline.throwIfAborted();
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !scope.outbound.allowsAddress(host)) throw refused(innerAddress(url));
  const options: RequestOptions = {
    method: call.verb,
    headers: { ...without({ ...call.headers }, NOT_SENT), 'content-length': call.body.length },
    lookup: pinned(url, scope),
    // A connection of its own: a kept one would skip the look at its address.
    agent: false,
  };
  return new Promise((done, failed) => {
    const request = (url.protocol === 'https:' ? requestSecure : requestPlain)(url, options);
    const end = (error: MillraceError) => {
      request.destroy();
      forget();
      clearTimeout(timer);
      failed(error);
    };
    const { timeoutMs } = scope.policy;
    const timer = setTimeout(() => end(late(url)), Math.max(1, Math.min(timeoutMs, scope.deadline.remainingMs())));
    // Also while the body is taken: its reader then hears that it broke off.
    const forget = scope.deadline.onAbort(() => end(scope.deadline.reason!));
    request.on('error', (error) =>
      end(
        error instanceof MillraceError
          ? error
          : new MillraceError('unavailable', `The host '${url.host}' cannot be reached.`, undefined, error),
      ),
    );
    request.on('response', (response) => {
      clearTimeout(timer);
      const close = (): void => {
        forget();
        request.destroy();
      };
      done({ ...headOf(response, url), body: bodyOf(response, url, scope, close), close });
    });
    request.end(call.body);
  });
}

const innerAddress = (url: URL): string => `The inner address that '${url.host}' stands for may not be called.`;

const late = (url: URL): MillraceError =>
  new MillraceError('unavailable', `The host '${url.host}' did not answer in time.`);

/** The look-up of a connection: what it answers is what is connected to. */
function pinned(url: URL, scope: Scope): LookupFunction {
  return (name, options, use) => {
    scope.resolve(name, (error, addresses) => {
      if (error) return use(error, '', 0);
      const allowed = addresses.filter((one) => scope.outbound.allowsAddress(one.address));
      // All of them: a name with one inner address among others is set up by somebody who tries.
      if (allowed.length === 0 || allowed.length < addresses.length) return use(refused(innerAddress(url)), '', 0);
      if (options.all) return use(null, allowed);
      use(null, allowed[0]!.address, allowed[0]!.family);
    });
  };
}

async function* bodyOf(
  response: IncomingMessage,
  url: URL,
  { policy, deadline }: Scope,
  close: () => void,
): AsyncGenerator<Uint8Array> {
  const { bytesMax, timeoutMs } = policy;
  let length = 0;
  try {
    const pieces = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (;;) {
      // Only while we wait: whoever takes the body may take his time.
      const timer = setTimeout(() => response.destroy(late(url)), timeoutMs);
      const next = await pieces.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      length += next.value.length;
      if (length > bytesMax) throw new MillraceError('unavailable', `The answer is larger than ${bytesMax} bytes.`);
      yield next.value;
    }
  } catch (error) {
    if (deadline.reason) throw deadline.reason;
    if (error instanceof MillraceError) throw error;
    throw new MillraceError('unavailable', 'The answer broke off.', undefined, error);
  } finally {
    close();
  }
}

function headOf(response: IncomingMessage, url: URL): OutsideHead {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(response.headers)) headers[name] = [value].flat().join(', ');
  return { status: response.statusCode ?? 0, url: url.href, headers, contentType: headers['content-type'] };
}

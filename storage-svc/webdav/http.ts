/** Requests to one server: signing in, a proxy on the way, and a second attempt where the first one did nothing. */
import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { Authorization } from './auth.ts';
import type { WebdavConfig } from './config.ts';
import { isPassing, StatusError } from './errors.ts';

/** For a connection, and for the next word of the server. */
const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 90_000;

export interface Request {
  readonly method: 'PROPFIND' | 'GET' | 'PUT' | 'MKCOL' | 'DELETE' | 'COPY' | 'MOVE';
  /** Encoded, from the root of the server. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

export type Answer = Dispatcher.ResponseData;

export class Http {
  readonly #dispatcher: Dispatcher;
  readonly #origin: string;
  readonly #host: string;
  readonly #authorization: Authorization | undefined;
  readonly #viaPlainProxy: string | undefined;

  constructor({ base, proxy, authType, username, password }: WebdavConfig, connections: number) {
    this.#origin = base.origin;
    this.#host = base.host;
    this.#authorization = username === undefined ? undefined : new Authorization(authType, username, password);
    const options = {
      connections,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    };
    const proxyToken = proxy?.username ? basic(proxy) : undefined;
    if (!proxy) this.#dispatcher = new Pool(base.origin, options);
    else if (base.protocol === 'https:')
      this.#dispatcher = new ProxyAgent({ ...options, uri: proxy.origin, ...(proxyToken && { token: proxyToken }) });
    // Without encryption a proxy is asked for the whole address; many make tunnels for encrypted connections only.
    else this.#dispatcher = new Pool(proxy.origin, options);
    this.#viaPlainProxy = proxy && base.protocol === 'http:' ? (proxyToken ?? '') : undefined;
  }

  close(): void {
    void this.#dispatcher.destroy().catch(() => {});
  }

  /** The address as other headers name it. */
  address(path: string): string {
    return this.#origin + path;
  }

  /**
   * @param accepted  statuses that are an answer; its body must be read or given up
   * @throws StatusError for any other one; what the driver throws
   */
  async send(request: Request, accepted: readonly number[]): Promise<Answer> {
    const isRepeatable = request.method === 'PROPFIND' || request.method === 'GET';
    try {
      return await this.#authorized(request, accepted);
    } catch (error) {
      if (!isRepeatable || !(isPassing(error) || isExchanged(request, error))) throw error;
      return this.#authorized(request, accepted);
    }
  }

  async #authorized(request: Request, accepted: readonly number[]): Promise<Answer> {
    // Contents are sent once: whoever sends one has been asked before for who he is.
    const attemptsMax = typeof request.body === 'object' ? 1 : 2;
    for (let attempt = 1; ; attempt++) {
      const before = this.#authorization?.state ?? '';
      const answer = await this.#once(request);
      if (accepted.includes(answer.statusCode)) return answer;
      await answer.body.dump().catch(() => {});
      const wanted = answer.headers['www-authenticate'] ?? [];
      const isNew = answer.statusCode === 401 && this.#authorization?.challenged([wanted].flat(), before);
      if (!isNew || attempt === attemptsMax) throw new StatusError(request.method, answer.statusCode);
    }
  }

  async #once({ method, path, headers, body, signal }: Request): Promise<Answer> {
    const authorization = this.#authorization?.header(method, path);
    const answer = await this.#dispatcher.request({
      origin: this.#origin,
      method: method as Dispatcher.HttpMethod,
      path: this.#viaPlainProxy === undefined ? path : this.address(path),
      headers: {
        host: this.#host,
        ...headers,
        ...(authorization && { authorization }),
        ...(this.#viaPlainProxy && { 'proxy-authorization': this.#viaPlainProxy }),
      },
      ...(body !== undefined && { body: body as Dispatcher.DispatchOptions['body'] & {} }),
      ...(signal && { signal }),
    });
    answer.body.on('error', () => {}); // told where it is read
    return answer;
  }
}

/** Apache forbids to read a file that another one takes the place of between its two looks at it. */
const isExchanged = ({ method }: Request, error: unknown): boolean =>
  method === 'GET' && error instanceof StatusError && error.status === 403;

const basic = ({ username, password }: URL): string =>
  `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;

/** Requests to CouchDB: who we are, patience with a store that has too much to do, and an end at the deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, Pool } from 'undici';
import type { Deadline } from '#common/deadline.ts';
import { inTime } from '#common/in-time.ts';
import type { CouchConfig } from './config.ts';
import { CouchError, isLost, isPostponed, translate } from './errors.ts';
import { IamToken } from './token.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Beyond any deadline: those end requests. */
const ANSWER_TIMEOUT_MS = 600_000;
/** Of the first pause at most; each is longer than the one before. */
const PAUSE_MS = 50;
const PAUSE_MAX_MS = 5_000;
const UNAUTHORIZED = 401;
/** Of an answer that says why not. */
const REASON_BYTES_MAX = 16_384;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Names of the path, not encoded; one is a database, those behind it begin with _. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** JSON. */
  readonly body?: string | Uint8Array;
  /** Changes nothing: may be sent again where it is not known what became of it. */
  readonly isRead: boolean;
}

export class CouchClient {
  readonly #pool: Pool;
  /** Of tokens. */
  readonly #agent: Agent;
  readonly #prefix: string;
  readonly #basic: string | undefined;
  readonly #token: IamToken | undefined;

  constructor({ origin, prefix, basic, iam, authorities }: CouchConfig, connections: number) {
    const options = {
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(authorities !== undefined && { ca: authorities }) },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    };
    this.#pool = new Pool(origin, { ...options, connections });
    this.#agent = new Agent({ connections: 1 });
    this.#prefix = prefix;
    this.#basic = basic;
    this.#token = iam && new IamToken(iam, this.#agent);
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#agent.destroy()]);
  }

  /** The body of the answer. @throws CouchError for one that is no success; MillraceError, also deadline, cancelled */
  async send(call: Call, deadline: Deadline): Promise<Uint8Array> {
    let isFresh = this.#token === undefined;
    let mayRepeat = call.isRead;
    for (let attempt = 0; ; attempt++) {
      deadline.throwIfAborted();
      try {
        return await this.#once(call, deadline);
      } catch (error) {
        if (deadline.reason) throw deadline.reason;
        if (error instanceof CouchError && error.status === UNAUTHORIZED && !isFresh) {
          isFresh = true;
          this.#token?.forget();
        } else if (isLost(error) && mayRepeat) {
          mayRepeat = false;
        } else if (isPostponed(error)) {
          await this.#pause(error, attempt, deadline);
        } else {
          throw error instanceof CouchError ? error : translate(error);
        }
      }
    }
  }

  /** Of random length, so that those who were refused together do not come back together. */
  async #pause(error: CouchError, attempt: number, deadline: Deadline): Promise<void> {
    const least = error.retryAfterMs ?? 0;
    const pauseMs = least + Math.random() * Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** attempt);
    if (pauseMs >= deadline.remainingMs()) throw error;
    await inTime(sleep(pauseMs), deadline);
  }

  async #once({ method, path, query, body }: Call, deadline: Deadline): Promise<Uint8Array> {
    const authorization = this.#token ? await inTime(this.#token.header(), deadline) : this.#basic;
    const controller = new AbortController();
    const forget = deadline.onAbort(() => controller.abort());
    try {
      const answer = await this.#pool.request({
        method,
        path: this.#prefix + pathOf(path) + queryOf(query),
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          ...(authorization !== undefined && { authorization }),
        },
        ...(body !== undefined && { body }),
        signal: controller.signal,
      });
      const bytes = new Uint8Array(await answer.body.arrayBuffer());
      if (answer.statusCode < 300) return bytes;
      throw failureOf(answer.statusCode, bytes, answer.headers['retry-after']);
    } finally {
      forget();
    }
  }
}

const pathOf = (names: readonly string[]): string => `/${names.map(encodeURIComponent).join('/')}`;

function queryOf(query: Call['query'] = {}): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** `{"error": "not_found", "reason": "missing"}`, or whatever a proxy on the way says. */
function failureOf(status: number, bytes: Uint8Array, retryAfter: string | string[] | undefined): CouchError {
  const seconds = Number(retryAfter);
  const retryAfterMs = seconds > 0 ? seconds * 1000 : undefined;
  try {
    const said = JSON.parse(Buffer.from(bytes.subarray(0, REASON_BYTES_MAX)).toString('utf8')) as Record<
      string,
      unknown
    >;
    return new CouchError(status, String(said['error']), String(said['reason']), retryAfterMs);
  } catch {
    return new CouchError(status, '', '', retryAfterMs);
  }
}

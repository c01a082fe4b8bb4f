/** Calls of Dropbox's HTTP API: tokens, arguments in headers, what may be sent again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, Pool } from 'undici';
import type { Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { inTime } from '#common/in-time.ts';
import { REFUSED_CREDENTIALS } from '../failures.ts';
import type { DropboxConfig } from './config.ts';
import { DropboxError, isPassing, isPostponed } from './errors.ts';

export interface Hosts {
  /** Of calls. */
  readonly api: string;
  /** Of contents. */
  readonly content: string;
}

export const DROPBOX: Hosts = { api: 'https://api.dropboxapi.com', content: 'https://content.dropboxapi.com' };

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 90_000;
const ATTEMPTS_MAX = 3;
/** Before a second attempt, where Dropbox does not say how long. */
const PAUSE_MS = 500;
/** A token is replaced so long before it ends. */
const TOKEN_MARGIN_MS = 60_000;

type Json = Readonly<Record<string, unknown>>;
export type Answer = Dispatcher.ResponseData;

interface Call {
  readonly pool: Pool;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Done twice it comes to the same. */
  readonly isRepeatable: boolean;
}

export class DropboxApi {
  readonly #config: DropboxConfig;
  readonly #calls: Pool;
  /** Apart: what is read may be waiting for what is written. */
  readonly #downloads: Pool;
  readonly #uploads: Pool;
  #token: { readonly text: string; readonly endsAt: number } | undefined;
  #refreshing: Promise<string> | undefined;

  constructor(config: DropboxConfig, connections: number, { api, content }: Hosts) {
    this.#config = config;
    const options = {
      connections,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    };
    this.#calls = new Pool(api, options);
    this.#downloads = new Pool(content, options);
    this.#uploads = new Pool(content, options);
    if (config.accessToken) this.#token = { text: config.accessToken, endsAt: Number.POSITIVE_INFINITY };
  }

  async close(): Promise<void> {
    await Promise.all([this.#calls, this.#downloads, this.#uploads].map((pool) => pool.destroy()));
  }

  /** @throws DropboxError; what the driver throws; MillraceError deadline, cancelled */
  async call<T>(route: string, argument: Json, isRepeatable: boolean, deadline: Deadline): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(argument);
    const answer = await this.#send(
      { pool: this.#calls, path: `/2/files/${route}`, headers, body, isRepeatable },
      deadline,
    );
    return (await inTime(answer.body.json(), deadline)) as T;
  }

  async upload<T>(
    route: string,
    argument: Json,
    body: Uint8Array,
    isRepeatable: boolean,
    deadline: Deadline,
  ): Promise<T> {
    const headers = { 'content-type': 'application/octet-stream', 'dropbox-api-arg': headerJson(argument) };
    const answer = await this.#send(
      { pool: this.#uploads, path: `/2/files/${route}`, headers, body, isRepeatable },
      deadline,
    );
    const text = await inTime(answer.body.text(), deadline);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** Its body must be read or given up. */
  download(argument: Json, range: string | undefined, deadline: Deadline): Promise<Answer> {
    const headers = { 'dropbox-api-arg': headerJson(argument), ...(range !== undefined && { range }) };
    return this.#send({ pool: this.#downloads, path: '/2/files/download', headers, isRepeatable: true }, deadline);
  }

  async #send(call: Call, deadline: Deadline): Promise<Answer> {
    let mayRefresh = this.#config.refreshToken !== undefined;
    for (let attempt = 1; ; attempt++) {
      deadline.throwIfAborted();
      try {
        return await this.#once(call, await inTime(this.#currentToken(), deadline), deadline);
      } catch (error) {
        if (deadline.reason) throw deadline.reason;
        if (mayRefresh && error instanceof DropboxError && error.status === 401) {
          mayRefresh = false;
          this.#token = undefined;
          continue;
        }
        const mayRepeat = isPostponed(error) || (call.isRepeatable && isPassing(error));
        const pauseMs =
          error instanceof DropboxError && error.retryAfter ? error.retryAfter * 1000 : PAUSE_MS * attempt;
        if (!mayRepeat || attempt >= ATTEMPTS_MAX || pauseMs >= deadline.remainingMs()) throw error;
        await inTime(sleep(pauseMs), deadline);
      }
    }
  }

  async #once({ pool, path, headers, body }: Call, token: string, deadline: Deadline): Promise<Answer> {
    const controller = new AbortController();
    const forget = deadline.onAbort(() => controller.abort());
    try {
      const answer = await pool.request({
        method: 'POST',
        path,
        headers: { ...headers, authorization: `Bearer ${token}` },
        signal: controller.signal,
        ...(body !== undefined && { body }),
      });
      answer.body.on('error', () => {}); // told where it is read
      if (answer.statusCode < 300) return answer;
      throw await failureOf(answer);
    } finally {
      forget();
    }
  }

  async #currentToken(): Promise<string> {
    if (this.#token && this.#token.endsAt > Date.now()) return this.#token.text;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** RFC 6749 §6 */
  async #refresh(): Promise<string> {
    const { refreshToken = '', appKey = '', appSecret } = this.#config;
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: appKey });
    if (appSecret) form.set('client_secret', appSecret);
    const answer = await this.#calls.request({
      method: 'POST',
      path: '/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    if (answer.statusCode >= 300) {
      const failure = await failureOf(answer);
      // `invalid_grant`, `invalid_client`
      const isRefused = answer.statusCode === 400 || answer.statusCode === 401;
      throw isRefused ? new MillraceError('unavailable', REFUSED_CREDENTIALS, undefined, failure) : failure;
    }
    const { access_token: text, expires_in: seconds = 0 } = (await answer.body.json()) as {
      access_token: string;
      expires_in?: number;
    };
    this.#token = { text, endsAt: Date.now() + Math.max(seconds * 1000 - TOKEN_MARGIN_MS, TOKEN_MARGIN_MS) };
    return text;
  }
}

async function failureOf({ statusCode, headers, body }: Answer): Promise<DropboxError> {
  const text = await body.text();
  const after = Number(headers['retry-after']);
  const retryAfter = Number.isFinite(after) ? after : undefined;
  try {
    const { error_summary: summary = '', error } = JSON.parse(text) as { error_summary?: string; error?: unknown };
    return new DropboxError(statusCode, summary, error, retryAfter);
  } catch {
    return new DropboxError(statusCode, '', text, retryAfter);
  }
}

/** Headers are ASCII: everything else is escaped. */
const headerJson = (value: Json): string =>
  JSON.stringify(value).replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

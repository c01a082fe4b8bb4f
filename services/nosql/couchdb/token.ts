/** Tokens of IBM Cloud for a Cloudant account: got with an API key, replaced before they end. */
import { type Dispatcher, request } from 'undici';
import { CouchError } from './errors.ts';

/** A token is replaced so long before it ends. */
const MARGIN_MS = 60_000;
const TIMEOUT_MS = 10_000;
const GRANT = 'urn:ibm:params:oauth:grant-type:apikey';

export class IamToken {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #dispatcher: Dispatcher;
  #token: { readonly text: string; readonly endsAt: number } | undefined;
  #asking: Promise<string> | undefined;

  constructor({ url, apiKey }: { url: string; apiKey: string }, dispatcher: Dispatcher) {
    this.#url = url;
    this.#apiKey = apiKey;
    this.#dispatcher = dispatcher;
  }

  /** For `Authorization`. @throws CouchError, and what the driver throws */
  async header(): Promise<string> {
    if (this.#token && this.#token.endsAt > Date.now()) return this.#token.text;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** The store does not take it any longer. */
  forget(): void {
    this.#token = undefined;
  }

  async #ask(): Promise<string> {
    const answer = await request(`${this.#url}/identity/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({ grant_type: GRANT, apikey: this.#apiKey }).toString(),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      dispatcher: this.#dispatcher,
    });
    const said = (await answer.body.json()) as { access_token?: unknown; expires_in?: unknown };
    if (answer.statusCode !== 200 || typeof said.access_token !== 'string') {
      // A key that is not known is answered with 400.
      throw new CouchError(answer.statusCode < 500 ? 401 : answer.statusCode, 'token', '');
    }
    const endsAt = Date.now() + Number(said.expires_in ?? 0) * 1000 - MARGIN_MS;
    this.#token = { text: `Bearer ${said.access_token}`, endsAt };
    return this.#token.text;
  }
}

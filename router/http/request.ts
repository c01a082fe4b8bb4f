/** A request in memory of its own: nothing in it points into the parser's buffers, so it may live as long as needed. */
import { randomBytes } from 'node:crypto';
import type { Head } from './framing.ts';
import type { Upload } from './upload.ts';

export interface Request {
  /** X-Request-Id where it is sane, else made here. */
  readonly id: string;
  /** As sent. */
  readonly method: string;
  /** Raw, percent-encoded, without the query. */
  readonly path: string;
  /** Raw, without the question mark. */
  readonly query: string;
  /** @param name  lower case. A repeated header comes back as one list (RFC 9110 §5.3). */
  header(name: string): string | undefined;
  /** All of them, names in lower case. */
  headers(): Readonly<Record<string, string>>;
  /** Empty where there is none. */
  readonly body: Uint8Array;
  /** The body where it is taken as it arrives; `body` is empty then. */
  readonly upload: Upload | undefined;
  /** As text; empty once the client has gone. */
  remoteAddress(): string;
  /** Milliseconds on the clock of `Date.now()`. */
  readonly receivedAt: number;
}

const NO_BODY = new Uint8Array(0);
const SANE_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** Tells routers and restarts apart; the counter behind it tells requests apart. */
const ID_PREFIX = randomBytes(6).toString('hex');
let idCounter = 0;

export class ReceivedRequest implements Request {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly receivedAt: number = Date.now();
  body: Uint8Array = NO_BODY;
  upload: Upload | undefined;
  readonly #fields: readonly string[];
  readonly #peer: { remoteAddress(): string };
  #id: string | undefined;

  constructor(method: string, path: string, query: string, head: Head, peer: { remoteAddress(): string }) {
    this.method = method;
    this.path = path;
    this.query = query;
    this.#fields = head.fields;
    this.#peer = peer;
  }

  get id(): string {
    if (this.#id === undefined) {
      const sent = this.header('x-request-id');
      this.#id = sent !== undefined && SANE_ID.test(sent) ? sent : `${ID_PREFIX}-${(idCounter++).toString(36)}`;
    }
    return this.#id;
  }

  header(name: string): string | undefined {
    const fields = this.#fields;
    let value: string | undefined;
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] === name) value = value === undefined ? fields[i + 1] : `${value}, ${fields[i + 1]}`;
    }
    return value;
  }

  headers(): Record<string, string> {
    const all: Record<string, string> = Object.create(null);
    for (let i = 0; i < this.#fields.length; i += 2) {
      const name = this.#fields[i] as string;
      all[name] ??= this.header(name) as string;
    }
    return all;
  }

  remoteAddress(): string {
    return this.#peer.remoteAddress();
  }
}

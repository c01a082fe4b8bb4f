/**
 * Where does a request end, and can another server on the way have read that differently? Whatever leaves room for
 * two readings is refused, so that nothing can be smuggled past a proxy (RFC 9112 §3.2, §6.3, §11.2). Pure checks.
 */
import { METHOD_LENGTH_MAX } from '#common/bounds.ts';
import type { Refusal } from './refusal.ts';

const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** 1 at the codes of TOKEN_CHARACTERS. */
const IN_TOKEN = new Uint8Array(256);
for (const character of TOKEN_CHARACTERS) IN_TOKEN[character.charCodeAt(0)] = 1;

/** A name, an IPv4 address or an IPv6 address in brackets, and a port. One of them: no list. */
const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
/** Printable ASCII. Clients send quotes, angle brackets and pipes unescaped, and no reading of those is dangerous. */
const PATH = /^\/[\x21-\x7e]*$/;
const QUERY = /^[\x21-\x7e]*$/;
/** Fifteen digits stay exact in a double. */
const LENGTH = /^[0-9]{1,15}$/;
/** Field values: tabs are allowed, other control characters are not (RFC 9110 §5.5). */
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

const bad = (message: string): Refusal => ({ status: 400, message });

export const FAULTS = {
  method: bad('The method is not a token of at most 32 characters.'),
  target: bad('The request target must begin with a slash and be printable ASCII.'),
  name: bad('A header name is empty or has a character that is not allowed.'),
  value: bad('A header value has a control character.'),
  hostMissing: bad('The Host header is missing.'),
  hostRepeated: bad('The Host header is repeated.'),
  host: bad('The Host header is not one host with an optional port.'),
  lengthRepeated: bad('The Content-Length header is repeated.'),
  length: bad('The Content-Length header is not a number.'),
  encoding: bad('The only Transfer-Encoding understood is chunked, from HTTP/1.1 on.'),
  both: bad('A request has either a Content-Length or a Transfer-Encoding.'),
  expectation: { status: 417, message: 'The only expectation understood is 100-continue.' },
} as const satisfies Record<string, Refusal>;

/** @returns where the token that begins at `start` ends; `start` where there is none */
export function tokenEnd(text: string, start: number): number {
  let at = start;
  while (IN_TOKEN[text.charCodeAt(at)] === 1) at++;
  return at;
}

const isToken = (text: string): boolean => text !== '' && tokenEnd(text, 0) === text.length;

/** Collects the header fields of one request in one pass, and what they say about its framing. */
export class Head {
  /** Lower-case name, value, name, value, ... in the order they came. */
  readonly fields: string[] = [];
  /** Bytes of the body; undefined where the header is missing. */
  contentLength: number | undefined = undefined;
  chunked = false;
  /** The connection ends behind the answer. */
  close: boolean;
  /** The client waits for a word before it sends the body. */
  expectsContinue = false;
  /** True for HTTP/1.1, whose connections live on unless somebody says otherwise. */
  readonly persistent: boolean;
  #host = false;
  #closing = false;
  #fault: Refusal | undefined = undefined;

  constructor(persistent = true) {
    this.close = !persistent;
    this.persistent = persistent;
  }

  /** @param name  lower case */
  add(name: string, value: string): void {
    if (!isToken(name)) this.#fault ??= FAULTS.name;
    if (CONTROL.test(value)) this.#fault ??= FAULTS.value;
    this.addSound(name, value);
  }

  /** For a name and a value that keep to the grammar. This is the hot path: most names differ in their length alone. */
  addSound(name: string, value: string): void {
    this.fields.push(name, value);
    switch (name.length) {
      case 4:
        if (name === 'host') this.#addHost(value);
        break;
      case 6:
        if (name === 'expect') this.#addExpectation(value);
        break;
      case 10:
        if (name === 'connection') this.#addOptions(value);
        break;
      case 14:
        if (name === 'content-length') this.#addLength(value);
        break;
      case 17:
        if (name === 'transfer-encoding') this.#addEncoding(value);
        break;
    }
  }

  /** Call behind the last header. @returns why the request must be refused, or undefined */
  check(method: string, path: string, query: string): Refusal | undefined {
    if (method.length > METHOD_LENGTH_MAX || !isToken(method)) return FAULTS.method;
    if (!PATH.test(path) || !QUERY.test(query)) return FAULTS.target;
    return this.checkFields();
  }

  /** The same for a request line that keeps to the grammar. */
  checkFields(): Refusal | undefined {
    if (this.#fault) return this.#fault;
    if (!this.#host && this.persistent) return FAULTS.hostMissing;
    if (this.chunked && this.contentLength !== undefined) return FAULTS.both;
    return undefined;
  }

  get hasBody(): boolean {
    return this.chunked || (this.contentLength ?? 0) > 0;
  }

  #addHost(value: string): void {
    if (this.#host) this.#fault ??= FAULTS.hostRepeated;
    else if (!HOST.test(value)) this.#fault ??= FAULTS.host;
    this.#host = true;
  }

  #addLength(value: string): void {
    if (this.contentLength !== undefined) this.#fault ??= FAULTS.lengthRepeated;
    else if (!LENGTH.test(value)) this.#fault ??= FAULTS.length;
    this.contentLength = Number(value);
  }

  /** HTTP/1.0 knows no encodings: whoever forwarded that did not look at it (RFC 9112 §6.1). */
  #addEncoding(value: string): void {
    if (this.chunked || value !== 'chunked' || !this.persistent) this.#fault ??= FAULTS.encoding;
    this.chunked = true;
  }

  /** A client of HTTP/1.0 cannot mean it (RFC 9110 §10.1.1). */
  #addExpectation(value: string): void {
    if (!this.persistent) return;
    if (value.toLowerCase() !== '100-continue') this.#fault ??= FAULTS.expectation;
    this.expectsContinue = true;
  }

  #addOptions(options: string): void {
    for (const part of options.toLowerCase().split(',')) {
      const option = part.trim();
      if (option === 'close') this.#closing = true;
      else if (option === 'keep-alive') this.close = false;
    }
    if (this.#closing) this.close = true;
  }
}

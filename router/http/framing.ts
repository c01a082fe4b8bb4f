/**
 * Where does a request end, and can another server on the way have read that differently? Whatever leaves room for
 * two readings is refused, so that nothing can be smuggled past a proxy (RFC 9112 §3.2, §6.3, §11.2). Pure checks.
 */
import { METHOD_LENGTH_MAX } from '#common/bounds.ts';
import type { Refusal } from './refusal.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
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

const FAULTS = {
  method: bad('The method is not a token of at most 32 characters.'),
  target: bad('The request target must begin with a slash and be printable ASCII.'),
  name: bad('A header name has a character that is not allowed.'),
  value: bad('A header value has a control character.'),
  hostMissing: bad('The Host header is missing.'),
  hostRepeated: bad('The Host header is repeated.'),
  host: bad('The Host header is not one host with an optional port.'),
  lengthRepeated: bad('The Content-Length header is repeated.'),
  length: bad('The Content-Length header is not a number.'),
  encoding: bad('The only Transfer-Encoding understood is chunked.'),
  both: bad('A request has either a Content-Length or a Transfer-Encoding.'),
} as const;

/** Collects the header fields of one request in one pass, and what they say about its framing. */
export class Head {
  /** Lower-case name, value, name, value, ... in the order they came. */
  readonly fields: string[] = [];
  /** Bytes of the body; undefined where the header is missing. */
  contentLength: number | undefined = undefined;
  chunked = false;
  /** The connection ends behind the answer. */
  close = false;
  #host = false;
  #fault: Refusal | undefined = undefined;

  /** @param name  lower case */
  add(name: string, value: string): void {
    this.fields.push(name, value);
    if (!TOKEN.test(name)) this.#fault ??= FAULTS.name;
    if (CONTROL.test(value)) this.#fault ??= FAULTS.value;
    switch (name) {
      case 'host':
        if (this.#host) this.#fault ??= FAULTS.hostRepeated;
        else if (!HOST.test(value)) this.#fault ??= FAULTS.host;
        this.#host = true;
        break;
      case 'content-length':
        if (this.contentLength !== undefined) this.#fault ??= FAULTS.lengthRepeated;
        else if (!LENGTH.test(value)) this.#fault ??= FAULTS.length;
        this.contentLength = Number(value);
        break;
      case 'transfer-encoding':
        if (this.chunked || value !== 'chunked') this.#fault ??= FAULTS.encoding;
        this.chunked = true;
        break;
      case 'connection':
        this.#connection(value);
        break;
    }
  }

  /** Call behind the last header. @returns why the request must be refused, or undefined */
  check(method: string, path: string, query: string): Refusal | undefined {
    if (method.length > METHOD_LENGTH_MAX || !TOKEN.test(method)) return FAULTS.method;
    if (!PATH.test(path) || !QUERY.test(query)) return FAULTS.target;
    if (this.#fault) return this.#fault;
    if (!this.#host) return FAULTS.hostMissing;
    if (this.chunked && this.contentLength !== undefined) return FAULTS.both;
    return undefined;
  }

  get hasBody(): boolean {
    return this.chunked || (this.contentLength ?? 0) > 0;
  }

  #connection(options: string): void {
    if (
      options
        .toLowerCase()
        .split(',')
        .some((option) => option.trim() === 'close')
    )
      this.close = true;
  }
}

/** Answers on their way out: what a handler is given, whichever door the request came through. */

export type Headers = readonly (readonly [string, string])[];

export interface Responder {
  /** The client has gone. */
  readonly aborted: boolean;
  /** A list without an end is not passed on but held, to be looked at: it comes as lines, whatever was asked for. */
  readonly holdsLists?: boolean;
  /** Calls the listener when the client goes before it has its answer; at once where it has gone already. */
  onAborted(listener: () => void): void;
  /** The whole answer. Does nothing for a client that has gone. @throws Error when the request was answered before */
  send(status: number, headers: Headers, body: Uint8Array | string): void;
  /** An answer in pieces. @param contentLength  bytes; chunked where it is not known */
  stream(status: number, headers: Headers, contentLength?: number): BodyStream;
}

export interface BodyStream {
  /**
   * Resolves when the socket wants more.
   * @param isShared  its memory is written anew afterwards: resolves when nobody reads it any more
   * @throws MillraceError `cancelled` when the client has gone
   */
  write(chunk: Uint8Array, isShared?: boolean): Promise<void>;
  /** Cuts the connection where fewer bytes were written than announced. */
  end(): void;
  /** Cuts the connection, so that nobody takes the part for the whole. */
  fail(): void;
}

/** A line break in a value would begin a header of the sender's choice. */
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f]/;
const EVERY_UNSAFE = new RegExp(UNSAFE, 'g');

/** A header value as it may stand on the wire. */
export const safe = (value: string): string => (UNSAFE.test(value) ? value.replace(EVERY_UNSAFE, ' ') : value);

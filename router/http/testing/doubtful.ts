/** Requests that two servers might read in two ways, or that keep to no grammar: neither door may let them in. */
import { CHUNKED, HOST, MARKER, POST } from './serve.ts';

export interface Doubtful {
  readonly why: string;
  readonly request: string;
  /** 400 where it is left out. */
  readonly status?: number;
}

/** Seen by our own checks at either door: refused with the envelope. */
export const REFUSED: readonly Doubtful[] = [
  {
    why: 'two Content-Lengths',
    request: `${POST}Content-Length: 0\r\nContent-Length: ${MARKER.length}\r\n\r\n`,
  },
  { why: 'an empty Content-Length', request: `${POST}Content-Length:\r\n\r\n` },
  {
    why: 'any other Transfer-Encoding',
    request: `${POST}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  },
  {
    why: 'a list of Transfer-Encodings',
    request: `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  },
  {
    why: 'Transfer-Encoding twice',
    request: `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  },
  {
    why: 'an empty Transfer-Encoding with a length',
    request: `${POST}Transfer-Encoding:\r\nContent-Length: 0\r\n\r\n`,
  },
  { why: 'an empty Host', request: 'GET /x HTTP/1.1\r\nHost:\r\n\r\n' },
  { why: 'a list of Hosts', request: 'GET /x HTTP/1.1\r\nHost: a, b\r\n\r\n' },
  { why: 'an odd Host', request: 'GET /x HTTP/1.1\r\nHost: a b/\r\n\r\n' },
  { why: 'a method outside the grammar', request: `GE(T /x HTTP/1.1\r\n${HOST}\r\n` },
  { why: 'a long method', request: `${'A'.repeat(33)} /x HTTP/1.1\r\n${HOST}\r\n` },
  { why: 'a raw byte in the path', request: `GET /\xff HTTP/1.1\r\n${HOST}\r\n` },
  { why: 'raw UTF-8 in the query', request: `GET /x?a=\xc3\xa9 HTTP/1.1\r\n${HOST}\r\n` },
  { why: 'a DEL in the target', request: `GET /x\x7f HTTP/1.1\r\n${HOST}\r\n` },
];

/** What uWebSockets.js refuses before we see it, with a page of its own; the strict door with the envelope. */
export const UNPARSED: readonly Doubtful[] = [
  {
    why: 'Content-Length with Transfer-Encoding',
    request: `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  { why: 'a signed Content-Length', request: `${POST}Content-Length: +5\r\n\r\n` },
  { why: 'no Host', request: 'GET /x HTTP/1.1\r\nAccept: a\r\n\r\n' },
  { why: 'two Hosts', request: `GET /x HTTP/1.1\r\n${HOST}${HOST}\r\n` },
  { why: 'a blank before the colon', request: 'GET /x HTTP/1.1\r\nHost : a\r\n\r\n' },
  { why: 'a folded header', request: `GET /x HTTP/1.1\r\n${HOST}A: b\r\n c: d\r\n\r\n` },
  { why: 'a NUL in a header', request: `GET /x HTTP/1.1\r\n${HOST}A: b\0\r\n\r\n` },
  { why: 'a bare line feed', request: `GET /x HTTP/1.1\r\n${HOST}A: b\nC: d\r\n\r\n` },
  { why: 'a chunk size that is none', request: `${CHUNKED}zz\r\n` },
  {
    why: 'headers above the bound',
    request: `GET /x HTTP/1.1\r\n${HOST}A: ${'a'.repeat(17_000)}\r\n\r\n`,
    status: 431,
  },
  { why: 'too many headers', request: `GET /x HTTP/1.1\r\n${HOST}${'A: b\r\n'.repeat(120)}\r\n`, status: 431 },
  { why: 'HTTP/2.0', request: `GET /x HTTP/2.0\r\n${HOST}\r\n`, status: 505 },
];

/** Requests as an attacker writes them: byte by byte, with whatever the text holds. */
import type { Payload } from './payloads.ts';

/** A payload with its marker put in. */
export interface Attack {
  readonly text: string;
  readonly charset: Payload['charset'];
}

export interface Call {
  readonly method: string;
  /** Below the service, or with a slash in front below /api/v2/; percent-encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** Where a value stands that is the payload, or has it in it. */
export type Template = (attack: Attack) => string;

const UNRESERVED = /[A-Za-z0-9_.~-]/;
const ENCODED = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});

const encoded = (text: string, charset: BufferEncoding): string =>
  Array.from(Buffer.from(text, charset), (byte) => ENCODED[byte]).join('');

export const text: Template = (attack) => attack.text;
/** As a text of a filter, its quotes doubled. */
export const quoted: Template = (attack) => `'${attack.text.replaceAll("'", "''")}'`;
/** As a name of a filter or an order. */
export const named: Template = (attack) => `"${attack.text.replaceAll('"', '""')}"`;

/** The payload with something around it. */
export const put =
  (before: string, of: Template = text, after = ''): Template =>
  (attack) =>
    before + of(attack) + after;

/** A segment of a path. */
export const segment = ({ text: whole, charset }: Attack): string => encoded(whole, charset);

/** Names to values, each a text or a template; pairs where a name is a template. */
export type Options =
  | Readonly<Record<string, string | Template>>
  | readonly (readonly [name: string | Template, value: string | Template])[];

/** `path?a=b&c=d`. */
export function url(path: string, attack: Attack, options: Options): string {
  const fill = (part: string | Template): string =>
    encoded(typeof part === 'string' ? part : part(attack), attack.charset);
  const pairs = Array.isArray(options) ? options : Object.entries(options);
  return `${path}?${pairs.map(([name, value]) => `${fill(name)}=${fill(value)}`).join('&')}`;
}

export function json(method: string, path: string, attack: Attack, body: unknown, headers = {}): Call {
  const type = { 'Content-Type': 'application/json' };
  return { method, path, headers: { ...type, ...headers }, body: Buffer.from(JSON.stringify(body), attack.charset) };
}

/** A body that is no JSON. */
export function raw(method: string, path: string, attack: Attack, type: string, body: string): Call {
  return { method, path, headers: { 'Content-Type': type }, body: Buffer.from(body, attack.charset) };
}

/** As bytes of a header, which may hold no control characters. */
export function header(attack: Attack): string {
  return Buffer.from(attack.text, attack.charset)
    .toString('latin1')
    .replace(/[\0-\x1f\x7f]/g, ' ')
    .trim();
}

/** Addresses of an e-mail in every shape that clients send (system-api §10.1). */
import { EMAIL_RECIPIENTS_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { isObject } from '../records/input.ts';

export interface Address {
  /** Empty: none. */
  readonly name: string;
  readonly address: string;
}

/** RFC 5321 §4.5.3.1.3 */
const ADDRESS_LENGTH_MAX = 254;
/** So many addresses, each with a name. */
const LIST_LENGTH_MAX = EMAIL_RECIPIENTS_MAX * 2 * ADDRESS_LENGTH_MAX;
/** No more than what every server understands: no quoted local parts, no literals, nothing that has a meaning in a header. */
const ADDRESS = /^[^\s@<>()[\]\\,;:"\p{C}]+@[^\s@<>()[\]\\,;:"\p{C}]+$/u;
/** Ada Lovelace <ada@example.com>, "Lovelace, Ada" <ada@example.com> */
const NAMED = /^(?:"([^"]*)"\s*|([^"<>]*))<([^<>]*)>$/;

/**
 * A text (one address or a comma list, each with or without a name), `{name, email}`, or a list of both.
 *
 * @throws MillraceError invalid that names what is no address
 */
export function addressesOf(value: unknown): Address[] {
  const found = listOf(value);
  if (found.length > EMAIL_RECIPIENTS_MAX) {
    throw invalid(`At most ${EMAIL_RECIPIENTS_MAX} addresses are taken in one field of an e-mail.`);
  }
  return found;
}

function listOf(value: unknown): Address[] {
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value)) return value.flatMap(listOf);
  if (typeof value === 'string') {
    if (value.length > LIST_LENGTH_MAX) throw invalid('A list of addresses is too long.');
    return splitAtCommas(value).map(fromText);
  }
  if (!isObject(value)) throw noAddress(value);
  const name = value['name'] ?? '';
  const address = value['email'];
  if (typeof name !== 'string' || typeof address !== 'string') throw noAddress(address ?? name);
  return [addressOf(name, address)];
}

/** Commas inside of quotes are part of a name. */
const splitAtCommas = (text: string): string[] =>
  (text.match(/(?:"[^"]*"|[^",]|")+/g) ?? []).map((part) => part.trim()).filter((part) => part !== '');

function fromText(text: string): Address {
  const named = NAMED.exec(text);
  return named ? addressOf(named[1] ?? named[2] ?? '', named[3] ?? '') : addressOf('', text);
}

export const isAddress = (text: string): boolean => text.length <= ADDRESS_LENGTH_MAX && ADDRESS.test(text);

/** @throws MillraceError invalid */
export function addressOf(name: string, address: string): Address {
  const trimmed = address.trim();
  if (!isAddress(trimmed)) throw noAddress(address);
  return { name: headerText(name), address: trimmed };
}

/** One line: what could begin another header is a blank. */
export const headerText = (text: string): string => text.replace(/\p{C}+/gu, ' ').trim();

const noAddress = (value: unknown) => invalid(`Invalid email - '${headerText(String(value)).slice(0, 100)}'.`);

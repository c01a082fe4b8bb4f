/** Answers of the host to what a script asks at once: who calls, what is set up, lookups, randomness, URLs, libraries. */
import { randomBytes, randomUUID } from 'node:crypto';
import { librarySource } from './bundled/libraries.ts';

const RANDOM_MAX = 65_536;

/** JSON texts, made when a script wants them. */
export interface Facts {
  session(): string;
  lookups(): string;
  config(): string;
}

/** Never throws; empty: there is no such thing. */
export function answer(what: string, text: string, facts: Facts): string {
  try {
    return read(what, text, facts);
  } catch {
    return '';
  }
}

function read(what: string, text: string, facts: Facts): string {
  switch (what) {
    case 'session':
      return facts.session();
    case 'lookups':
      return facts.lookups();
    case 'config':
      return facts.config();
    case 'random':
      return randomBytes(Math.min(RANDOM_MAX, Math.max(0, Number(text) || 0))).toString('latin1');
    case 'uuid':
      return randomUUID();
    case 'url':
      return readUrl(text);
    case 'library':
      return librarySource(text) ?? '';
    default:
      return '';
  }
}

const SETTABLE = new Set([
  'protocol',
  'username',
  'password',
  'host',
  'hostname',
  'port',
  'pathname',
  'search',
  'hash',
  'href',
]);

/** `{href, base?, name?, value?}` → the parts of the URL, after one of them was set. */
function readUrl(text: string): string {
  const question = JSON.parse(text) as Record<string, unknown>;
  const { href, base, name, value } = question;
  const url = typeof base === 'string' ? new URL(String(href), base) : new URL(String(href));
  if (typeof name === 'string' && SETTABLE.has(name)) Object.assign(url, { [name]: String(value) });
  const { origin, protocol, username, password, host, hostname, port, pathname, search, hash } = url;
  return JSON.stringify({
    href: url.href,
    origin,
    protocol,
    username,
    password,
    host,
    hostname,
    port,
    pathname,
    search,
    hash,
  });
}

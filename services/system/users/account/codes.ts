/** Codes that go out by e-mail (system-api §3.10): whoever sends one back has read what was sent to the address. */
import { randomInt, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../../secrets.ts';
import { nowSeconds } from '../../tokens.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** 165 bits: nobody guesses one, from however many places. */
const LENGTH = 32;

export interface NewCode {
  /** For the e-mail alone. */
  readonly text: string;
  /** Columns of the user: what is stored says nothing to whoever reads the database. */
  readonly stored: { readonly confirm_code: string; readonly code_expires_at: number };
}

export function newCode(secrets: Secrets, ttlSeconds: number): NewCode {
  const text = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return { text, stored: { confirm_code: secrets.digest(text), code_expires_at: nowSeconds() + ttlSeconds } };
}

export const NO_CODE = { confirm_code: null, code_expires_at: null } as const;

export const looksLikeCode = (text: string): boolean => text.length === LENGTH && /^[!-~]+$/.test(text);

/** Takes as long whether or not there is a stored one. */
export function isCode(text: string, stored: string | null | undefined, secrets: Secrets): boolean {
  const digest = Buffer.from(secrets.digest(text));
  const expected = Buffer.from(stored ?? '');
  const comparable = expected.length === digest.length;
  return timingSafeEqual(digest, comparable ? expected : Buffer.alloc(digest.length)) && comparable;
}

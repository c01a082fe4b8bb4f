/** The body of a call that takes no records: one object, or nothing. */
import { stringifyJson } from '#common/json.ts';
import type { ApiRequest } from '../parse/api-request.ts';

/** Empty where there is none, or no object. @throws MillraceError invalid for a body that cannot be read */
export function objectOf({ http, body }: ApiRequest): Readonly<Record<string, unknown>> {
  const value = http.body.length > 0 ? body.value() : {};
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** What is no text is nothing: credentials are texts. */
export function textOf(object: Readonly<Record<string, unknown>>, name: string): string {
  const value = object[name];
  return typeof value === 'string' ? value : '';
}

/** Who asks may stand in the body too; that is no part of what is asked. */
const CREDENTIALS = new Set(['api_key', 'session_token']);

export function jsonWithout(object: Readonly<Record<string, unknown>>, ...names: readonly string[]): Uint8Array {
  const kept = Object.entries(object).filter(([name]) => !CREDENTIALS.has(name) && !names.includes(name));
  return Buffer.from(stringifyJson(Object.fromEntries(kept)));
}

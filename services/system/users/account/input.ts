/** What people send about themselves: only what they may say counts, the rest is left out by name. */

import { invalid } from '#common/errors.ts';
import { parseJson } from '#common/json.ts';
import { isObject } from '../../records/input.ts';
import type { JsonObject } from '../../records/model.ts';

/** @throws MillraceError invalid where there is nothing in it */
export function readObject(json: Uint8Array): JsonObject {
  const value = objectOf(json);
  if (Object.keys(value).length === 0) throw invalid('No data supplied for operation.');
  return value;
}

/** @throws MillraceError invalid */
export function objectOf(json: Uint8Array): JsonObject {
  const value = json.length === 0 ? {} : parseJson(json);
  if (!isObject(value)) throw invalid('The body must be a JSON object.');
  return value;
}

export interface Chosen {
  readonly record: JsonObject;
  readonly dropped: readonly string[];
}

/** Without nulls: forms send every field they have. */
export function choose(sent: JsonObject, allowed: readonly string[], known: readonly string[] = []): Chosen {
  const entries = Object.entries(sent);
  return {
    record: Object.fromEntries(entries.filter(([name, value]) => allowed.includes(name) && value !== null)),
    dropped: entries.flatMap(([name]) => (allowed.includes(name) || known.includes(name) ? [] : [name])),
  };
}

/** What is answered, and what was left out. */
export interface Done {
  readonly json: JsonObject;
  readonly dropped: readonly string[];
}

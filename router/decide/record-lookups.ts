/** `{name}` in the texts of records that are written (system-api §8): replaced as in the values of a filter. */
import { LOOKUPS_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { JsonNumber, parseJson, stringifyJson } from '#common/json.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { countLookups, replaceLookups } from './lookups.ts';

const OPEN = 0x7b;

/** May there be any? The brace of an object is never followed by a letter. */
export function mayHoldLookups(json: Uint8Array): boolean {
  for (let at = json.indexOf(OPEN); at >= 0; at = json.indexOf(OPEN, at + 1)) {
    const next = (json[at + 1] ?? 0) | 0x20;
    if ((next >= 0x61 && next <= 0x7a) || next === 0x7f) return true; // a letter, or an underscore
  }
  return false;
}

/** @throws MillraceError invalid for more of them than anyone writes */
export function withRecordLookups(json: Uint8Array, state: AccessState, principal: Principal): Uint8Array {
  if (!mayHoldLookups(json)) return json;
  let count = 0;
  let isChanged = false;
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') {
      count += countLookups(value);
      if (count > LOOKUPS_MAX) throw invalid(`At most ${LOOKUPS_MAX} lookups are taken in the records of one request.`);
      const replaced = replaceLookups(value, state, principal);
      isChanged ||= replaced !== value;
      return replaced;
    }
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walk(member)]));
  };
  const walked = walk(parseJson(json));
  return isChanged ? Buffer.from(stringifyJson(walked)) : json;
}

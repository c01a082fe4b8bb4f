/** `{name}` in the string literals of a script: known names become their values, which never change the program. */
import { type Options, parse } from 'acorn';

/** Value of a name in braces; undefined: not known, it stays. */
export type LookupReader = (name: string) => string | undefined;

const NAMED = /\{([A-Za-z_][\w-]*(?:\.[\w-]+)?)\}/g;

/** Whether anything in the text looks like a lookup: most scripts have none and are shared by all callers. */
export function mentionsLookups(source: string): boolean {
  return source.search(NAMED) >= 0;
}

/**
 * The text with the known lookups of its string and template literals replaced. It stays on its lines; on a line with a
 * lookup, columns behind it move.
 */
export function replaceLookups(source: string, read: LookupReader): string {
  const isKnown = [...source.matchAll(NAMED)].some((match) => read(match[1]!) !== undefined);
  if (!isKnown) return source;
  let out = '';
  let at = 0;
  for (const { start, end } of literalsOf(source)) {
    out += source.slice(at, start);
    out += source.slice(start, end).replace(NAMED, (whole, name: string) => {
      const value = read(name);
      return value === undefined ? whole : escaped(value);
    });
    at = end;
  }
  return out + source.slice(at);
}

/** Where the string literals and the texts of templates are. */
function literalsOf(source: string): { start: number; end: number }[] {
  const places: { start: number; end: number }[] = [];
  const options: Options = {
    ecmaVersion: 'latest',
    allowReturnOutsideFunction: true,
    allowAwaitOutsideFunction: true,
    allowHashBang: false,
    onToken: ({ type, start, end }) => {
      if (type.label === 'string' || type.label === 'template') places.push({ start, end });
    },
  };
  try {
    parse(source, { ...options, sourceType: 'script' });
  } catch {
    places.length = 0;
    // With imports it is no script; what is neither is refused by the compiler, which says why.
    try {
      parse(source, { ...options, sourceType: 'module' });
    } catch {
      return [];
    }
  }
  return places;
}

/** Characters that mean themselves in any literal; all others are written by their number. */
const PLAIN = /[\w .,:;@/+=?&%#!*()<>|-]/;

function escaped(value: string): string {
  let out = '';
  for (let at = 0; at < value.length; at++) {
    const letter = value[at]!;
    out += PLAIN.test(letter) ? letter : `\\u${value.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return out;
}

/** LIKE on texts in any case, in time that is the text's length times the pattern's at most, whatever the pattern. */

/** @param pattern  % is any text, _ any character; nothing else is special */
export function likeMatcher(pattern: string): (text: string) => boolean {
  const parts = pattern.toLowerCase().split('%');
  const [first = '', ...others] = parts;
  const last = others.pop();
  if (last === undefined) return (text) => isAt(text.toLowerCase(), 0, first) === text.toLowerCase().length;
  return (given) => {
    const text = given.toLowerCase();
    let at = isAt(text, 0, first);
    for (const part of others) {
      if (at < 0) return false;
      at = endOf(text, at, part);
    }
    return at >= 0 && endsWith(text, at, last);
  };
}

/** @returns where the part ends that stands at this place; -1: it does not stand there */
function isAt(text: string, at: number, part: string): number {
  if (!part.includes('_')) return text.startsWith(part, at) ? at + part.length : -1;
  let place = at;
  for (const wanted of part) {
    const found = text.codePointAt(place);
    if (found === undefined || (wanted !== '_' && wanted.codePointAt(0) !== found)) return -1;
    place += found > 0xffff ? 2 : 1;
  }
  return place;
}

/** Where the first occurrence of the part ends, from this place on. */
function endOf(text: string, from: number, part: string): number {
  if (!part.includes('_')) {
    const found = text.indexOf(part, from);
    return found < 0 ? -1 : found + part.length;
  }
  for (let at = from; at <= text.length; at++) {
    const end = isAt(text, at, part);
    if (end >= 0) return end;
  }
  return -1;
}

function endsWith(text: string, from: number, part: string): boolean {
  if (!part.includes('_')) return text.length - part.length >= from && text.endsWith(part);
  const characters = [...part].length;
  let start = text.length;
  for (let i = 0; i < characters && start > from; i++) start -= isLowHalf(text, start - 1) ? 2 : 1;
  return start >= from && isAt(text, start, part) === text.length;
}

function isLowHalf(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff && at > 0;
}

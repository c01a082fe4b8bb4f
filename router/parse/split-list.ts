/** Comma lists of options: names, identifiers, aggregates and composite keys, whose own commas are in parentheses. */

/**
 * The items without the blanks around them, empty ones left out. A comma separates unless the next parenthesis is a
 * closing one. One pass from the end: lists come from anybody, and may be as long as a body.
 */
export function splitList(text: string): string[] {
  const items: string[] = [];
  let end = text.length;
  let closing = false;
  for (let at = text.length - 1; at >= -1; at--) {
    const character = at < 0 ? ',' : text[at];
    if (character === '(' || character === ')') closing = character === ')';
    else if (character === ',' && (at < 0 || !closing)) {
      const item = text.slice(at + 1, end).trim();
      if (item !== '') items.push(item);
      end = at;
    }
  }
  return items.reverse();
}

/** Labels that are made from names, and their plural, where nobody has given one. */

/** `order_items` → `Order Items` */
export const defaultLabel = (name: string): string =>
  name.replace(/[_-]+/g, ' ').replace(/(^|\s)\S/g, (start) => start.toUpperCase());

const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ['person', 'people'],
  ['man', 'men'],
  ['woman', 'women'],
  ['child', 'children'],
  ['foot', 'feet'],
  ['tooth', 'teeth'],
  ['mouse', 'mice'],
  ['knife', 'knives'],
  ['life', 'lives'],
  ['leaf', 'leaves'],
  ['shelf', 'shelves'],
  ['hero', 'heroes'],
  ['bus', 'buses'],
]);

const UNCHANGED =
  /(?:^|\s)(?:people|men|women|children|feet|teeth|mice|series|species|equipment|information|staff|sheep|fish)$/i;

/** First that fits. */
const ENDINGS: readonly (readonly [pattern: RegExp, ending: string])[] = [
  [/is$/i, 'es'],
  [/(?:ss|us|x|ch|sh|z)$/i, '$&es'],
  [/s$/i, '$&'],
  [/([^aeiou])y$/i, '$1ies'],
  [/$/, 's'],
];

/** The English plural of a label; only its last word changes. */
export function pluralOf(label: string): string {
  if (UNCHANGED.test(label)) return label;
  const word = /[a-z]+$/i.exec(label)?.[0] ?? '';
  const irregular = IRREGULAR.get(word.toLowerCase());
  if (irregular) return label.slice(0, -word.length) + word[0] + irregular.slice(1);
  const [pattern, ending] = ENDINGS.find(([candidate]) => candidate.test(label))!;
  return label.replace(pattern, ending);
}

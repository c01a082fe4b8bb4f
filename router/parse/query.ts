/** The query string: decoded once, looked up by the names and the aliases that clients use. */
import { invalid } from '#common/errors.ts';

/** Other names that clients know an option by. Only consulted when the option itself is absent. */
const ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ['fields', ['select']],
  ['filter', ['where']],
  ['limit', ['top']],
  ['offset', ['skip']],
  ['order', ['sort', 'order_by']],
  ['group', ['group_by']],
]);

export const OPTION_ALIASES: ReadonlySet<string> = new Set([...ALIASES.values()].flat());

const TRUE_WORDS: ReadonlySet<string> = new Set(['true', '1', 'on', 'yes', 'y', 't']);

/** Whether a text means yes, as options write it: true, 1, on, yes, y, t in any case. */
export const isTrue = (text: string | undefined): boolean => text !== undefined && TRUE_WORDS.has(text.toLowerCase());

/** The first of an option's names that is given. */
export function givenName(option: string, isGiven: (name: string) => boolean): string | undefined {
  return isGiven(option) ? option : ALIASES.get(option)?.find(isGiven);
}

/** `params[:name]`. */
const PARAMETER = /^params\[(.+)\]$/s;

/** The options of one query string. Of a repeated name the last counts. */
export class Query {
  readonly #values: ReadonlyMap<string, string>;
  /** Replacement values of a filter, by name as it was sent: a filter's `:n` is `params[:n]`, colon included. */
  readonly params: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>, params: ReadonlyMap<string, string>) {
    this.#values = values;
    this.params = params;
  }

  /**
   * @param raw what stands behind the question mark, as it was sent
   * @throws invalid naming the parameter whose percent-encoding is malformed or no UTF-8
   */
  static parse(raw: string): Query {
    if (raw === '') return Query.#EMPTY;
    const values = new Map<string, string>();
    const params = new Map<string, string>();
    for (const [name, value] of formPairs(raw)) {
      const parameter = name.startsWith('params[') ? PARAMETER.exec(name)?.[1] : undefined;
      if (parameter === undefined) values.set(name, value);
      else params.set(parameter, value);
    }
    return new Query(values, params);
  }

  static readonly #EMPTY = new Query(new Map(), new Map());

  /** An option's value by its name or else by an alias of it. */
  get(name: string): string | undefined {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    const alias = givenName(name, (given) => this.#values.has(given));
    return alias === undefined ? undefined : this.#values.get(alias);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Whether the option is given and means yes; everything else is no. */
  flag(name: string): boolean {
    return isTrue(this.get(name));
  }

  /** The names as they were sent, `params[…]` left out. */
  names(): string[] {
    return [...this.#values.keys()];
  }
}

/**
 * The decoded pairs of an `application/x-www-form-urlencoded` text, in order. A name without `=` has an empty value.
 *
 * @throws invalid naming the parameter that is malformed
 */
export function* formPairs(raw: string): Generator<[name: string, value: string]> {
  for (let start = 0; start < raw.length; ) {
    const ampersand = raw.indexOf('&', start);
    const end = ampersand < 0 ? raw.length : ampersand;
    const equals = raw.indexOf('=', start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (end > start) {
      const rawName = raw.slice(start, nameEnd);
      yield [decode(rawName, rawName), decode(raw.slice(nameEnd + 1, end), rawName)];
    }
    start = end + 1;
  }
}

function decode(text: string, rawName: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw invalid(`The parameter '${rawName}' is not properly percent-encoded UTF-8.`);
  }
}

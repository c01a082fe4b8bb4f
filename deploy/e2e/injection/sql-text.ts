/**
 * What of a statement is SQL and what is only quoted in it. As strict as the product itself writes: it quotes names and
 * texts, and nothing else, so that comments, dollar quotes and brackets count as SQL.
 */
import type { Engine } from './payloads.ts';

export interface SqlText {
  /** The text with each quoted part replaced by a blank pair of its quotes. */
  readonly bare: string;
  /** What was between the quotes, read as the database reads it; names that a dot joins are one: `"a"."b"` is `a.b`. */
  readonly quoted: readonly string[];
}

/** Opening quote → what a backslash is in it. `E` stands for the quote of PostgreSQL's escape string. */
const QUOTES: Readonly<Record<Engine, Readonly<Record<string, 'character' | 'escape'>>>> = {
  postgres: { "'": 'character', '"': 'character', E: 'escape' },
  mariadb: { "'": 'escape', '"': 'escape', '`': 'character' },
  sqlite: { "'": 'character', '"': 'character', '`': 'character' },
};

/** @throws Error for a quote that nothing closes */
export function readSql(engine: Engine, text: string): SqlText {
  const quotes = QUOTES[engine];
  let bare = '';
  const quoted: string[] = [];
  for (let at = 0; at < text.length; ) {
    const character = text[at] as string;
    const isEscapeString = engine === 'postgres' && /(?<![\w$])e$/i.test(bare) && character === "'";
    const backslash = quotes[isEscapeString ? 'E' : character];
    if (backslash === undefined || character === 'E') {
      bare += character;
      at += 1;
      continue;
    }
    const part = readQuoted(text, at, backslash === 'escape');
    if (/["'`]\.$/.test(bare)) quoted.push(`${quoted.pop()}.${part.value}`);
    else quoted.push(part.value);
    bare += character + character;
    at = part.end;
  }
  return { bare, quoted };
}

/** @param start  of the opening quote  @returns end: behind the closing one */
function readQuoted(text: string, start: number, hasEscapes: boolean): { value: string; end: number } {
  const quote = text[start] as string;
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] as string;
    if (hasEscapes && character === '\\') {
      at += 1;
      value += text[at] ?? '';
    } else if (character !== quote) {
      value += character;
    } else if (text[at + 1] === quote) {
      at += 1;
      value += quote;
    } else {
      return { value, end: at + 1 };
    }
  }
  throw new Error(`Nothing closes the quote at character ${start + 1}.`);
}

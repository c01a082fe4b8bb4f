/** Reads the function of a field: operators, literals, fields, calls, CASE and CAST. Anything else is refused. */
import { invalid, type MillraceError } from '#common/errors.ts';
import { AGGREGATES, type Expression } from './nodes.ts';

const LENGTH_MAX = 2000;
const DEPTH_MAX = 50;

const TOKEN =
  /\s*(?:(?<value>\{value\})|(?<number>\d+(?:\.\d+)?)|(?<text>'(?:[^']|'')*')|(?<quoted>"(?:[^"]|"")+"|`(?:[^`]|``)+`)|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<symbol>\|\||<>|!=|<=|>=|[-+*/%=<>(),]))/uy;

interface Token {
  readonly kind: 'value' | 'number' | 'text' | 'quoted' | 'word' | 'symbol' | 'end';
  readonly text: string;
  readonly at: number;
}

const COMPARISONS = new Set(['=', '<>', '!=', '<', '<=', '>', '>=']);
const CONSTANTS = ['null', 'true', 'false'] as const;
/** SQL's own functions that are written without parentheses. */
const BARE_CALLS = new Set(['CURRENT_DATE', 'CURRENT_TIME', 'CURRENT_TIMESTAMP']);

/** @throws MillraceError invalid, with the position in characters */
export function parseExpression(text: string): Expression {
  if (text.length > LENGTH_MAX) throw invalid(`a function has at most ${LENGTH_MAX} characters`);
  return new Parser(tokensOf(text)).whole();
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match?.groups) throw invalid(`the function cannot be read at character ${at + 1}`);
    const [kind, found] = Object.entries(match.groups).find(([, one]) => one !== undefined) as [Token['kind'], string];
    tokens.push({ kind, text: found, at: at + 1 });
    at = TOKEN.lastIndex;
  }
  tokens.push({ kind: 'end', text: 'the end', at: text.length + 1 });
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const expression = this.#any();
    if (this.#next.kind !== 'end') throw this.#unexpected();
    return expression;
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #any(): Expression {
    if (++this.#depth > DEPTH_MAX) throw invalid(`a function is nested at most ${DEPTH_MAX} levels deep`);
    const expression = this.#chain(['OR'], () => this.#chain(['AND'], () => this.#negation()));
    this.#depth--;
    return expression;
  }

  #negation(): Expression {
    if (!this.#takeWord('NOT')) return this.#comparison();
    return { kind: 'not', operand: this.#negation() };
  }

  #comparison(): Expression {
    const left = this.#sum();
    if (this.#takeWord('IS')) {
      const negated = this.#takeWord('NOT');
      this.#expectWord('NULL');
      return { kind: 'null test', operand: left, negated };
    }
    if (this.#next.kind !== 'symbol' || !COMPARISONS.has(this.#next.text)) return left;
    const operator = this.#take().text;
    return { kind: 'binary', operator: operator === '!=' ? '<>' : operator, left, right: this.#sum() };
  }

  #sum(): Expression {
    return this.#chain(['+', '-', '||'], () => this.#chain(['*', '/', '%'], () => this.#signed()));
  }

  #signed(): Expression {
    if (!this.#takeSymbol('-')) return this.#primary();
    return { kind: 'negative', operand: this.#signed() };
  }

  /** `a op b op c`, from the left. */
  #chain(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    for (;;) {
      const { kind, text } = this.#next;
      const operator = kind === 'word' ? text.toUpperCase() : text;
      if ((kind !== 'word' && kind !== 'symbol') || !operators.includes(operator)) return left;
      this.#take();
      left = { kind: 'binary', operator, left, right: operand() };
    }
  }

  #primary(): Expression {
    const token = this.#take();
    switch (token.kind) {
      case 'value':
        return { kind: 'value' };
      case 'number':
        return { kind: 'number', digits: token.text };
      case 'text':
        return { kind: 'text', text: token.text.slice(1, -1).replaceAll("''", "'") };
      case 'quoted': {
        const [quote = ''] = token.text;
        return { kind: 'field', name: token.text.slice(1, -1).replaceAll(quote + quote, quote) };
      }
      case 'word':
        return this.#word(token);
      default:
    }
    if (token.text !== '(') throw this.#unexpected(token);
    const inner = this.#any();
    this.#expectSymbol(')');
    return inner;
  }

  #word(token: Token): Expression {
    const name = token.text.toUpperCase();
    const constant = CONSTANTS.find((word) => word.toUpperCase() === name);
    if (constant) return { kind: 'word', word: constant };
    if (name === 'CASE') return this.#case();
    if (BARE_CALLS.has(name) && this.#next.text !== '(') return { kind: 'call', name, args: [], distinct: false };
    if (!this.#takeSymbol('(')) return { kind: 'field', name: token.text };
    return name === 'CAST' ? this.#cast() : this.#call(name);
  }

  #call(name: string): Expression {
    const distinct = AGGREGATES.has(name) && this.#takeWord('DISTINCT');
    const args: Expression[] = [];
    if (name === 'COUNT' && this.#takeSymbol('*')) this.#expectSymbol(')');
    else if (!this.#takeSymbol(')')) {
      do args.push(this.#any());
      while (this.#takeSymbol(','));
      this.#expectSymbol(')');
    }
    return { kind: 'call', name, args, distinct };
  }

  #cast(): Expression {
    const operand = this.#any();
    this.#expectWord('AS');
    const type = this.#take();
    if (type.kind !== 'word') throw this.#unexpected(type);
    this.#expectSymbol(')');
    return { kind: 'cast', operand, type: type.text.toLowerCase() };
  }

  #case(): Expression {
    const branches: { when: Expression; gives: Expression }[] = [];
    while (this.#takeWord('WHEN')) {
      const when = this.#any();
      this.#expectWord('THEN');
      branches.push({ when, gives: this.#any() });
    }
    if (branches.length === 0) throw this.#unexpected();
    const otherwise = this.#takeWord('ELSE') ? this.#any() : undefined;
    this.#expectWord('END');
    return { kind: 'case', branches, otherwise };
  }

  #take(): Token {
    const token = this.#next;
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  #takeWord(word: string): boolean {
    const is = this.#next.kind === 'word' && this.#next.text.toUpperCase() === word;
    if (is) this.#at++;
    return is;
  }

  #takeSymbol(symbol: string): boolean {
    const is = this.#next.kind === 'symbol' && this.#next.text === symbol;
    if (is) this.#at++;
    return is;
  }

  #expectWord(word: string): void {
    if (!this.#takeWord(word)) throw this.#unexpected(this.#next, word);
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw this.#unexpected(this.#next, symbol);
  }

  #unexpected({ text, at }: Token = this.#next, wanted?: string): MillraceError {
    return invalid(`the function has ${text} at character ${at}${wanted ? `, where ${wanted} is expected` : ''}`);
  }
}

/**
 * The text of a script as a function that an isolate can make: imports set apart, types stripped, checked. Nothing is
 * run here, and every place in the result is where it is in the text.
 */
import { compileFunction } from 'node:vm';
import { LRUCache } from 'lru-cache';
import type { Failure } from '#proto/script/v1/script_pb.ts';
import { FILE_PREFIX, syntaxError } from './failures.ts';
import { separateImports } from './imports.ts';
import { isPure } from './purity.ts';
import { stripTypes } from './typescript.ts';

export interface Program {
  /** An expression: a function of the namespaces of the imports that gives the script as a function of (event, platform). */
  readonly code: string;
  readonly filename: string;
  /** For V8, so that the first line counts as in the text. */
  readonly columnOffset: number;
  /** Names that it imports, in order. */
  readonly imports: readonly string[];
  /** Nothing in its text waits for anything. */
  readonly mayBeQuick: boolean;
  /** What it leaves behind is decided by what it looks at (purity.ts). */
  readonly isPure: boolean;
  /** Nothing in its text is there for the next run: it may be run again where it lacked something. */
  readonly mayBeLean: boolean;
}

export interface Source {
  /** Of the script, for places. */
  readonly name: string;
  readonly text: string;
  /** Its settings say that it is TypeScript; else that is found out, where it can be. */
  readonly isTypeScript: boolean;
}

const PARAMETERS = ['event', 'platform'];
const KEPT_CHARACTERS = 16_000_000;
/** Longer than any program of a person, short enough to be parsed on a shared thread. */
const SOURCE_LENGTH_MAX = 1_000_000;
const KEEPS = /\b(?:store|this|globalThis|eval|Function)\b/;
const WAITS = /\b(?:async|await|Promise|then|import)\b/;
const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

const kept = new LRUCache<string, { program: Program } | { failure: Failure }>({
  maxSize: KEPT_CHARACTERS,
  sizeCalculation: (_, key) => key.length * 2 + 1000,
});

/** Compiles, or remembers. */
export function compile(source: Source): { program: Program } | { failure: Failure } {
  const key = `${source.isTypeScript ? 't' : 'j'}${source.name}\0${source.text}`;
  let made = kept.get(key);
  if (made === undefined) {
    made = make(source);
    kept.set(key, made);
  }
  return made;
}

function make(source: Source): { program: Program } | { failure: Failure } {
  if (source.text.length > SOURCE_LENGTH_MAX) {
    return { failure: syntaxError(`The script is longer than ${SOURCE_LENGTH_MAX} characters.`, 0, 0, '') };
  }
  const { imports, body } = separateImports(source.text);
  let text = source.isTypeScript ? (stripTypes(body, false) ?? body) : body;
  let error = check(text, source.name);
  if (error && !source.isTypeScript) {
    const stripped = stripTypes(body, false);
    if (stripped !== undefined && !check(stripped, source.name)) {
      text = stripped;
      error = undefined;
    }
  }
  if (error) return { failure: error };
  const names = imports.map((_, index) => `$${index}`);
  const bindings = imports.map((one, index) => one.bindings(names[index]!)).join('');
  const word = needsAsync(text) ? 'async function' : 'function';
  const head = `(function(${names.join(',')}){${bindings}return ${word}(${PARAMETERS.join(',')}){`;
  const pure = imports.length === 0 && isPure(text);
  return {
    program: {
      code: `${head}${text}\n}})`,
      filename: FILE_PREFIX + source.name,
      columnOffset: -head.length,
      imports: imports.map((one) => one.specifier),
      mayBeQuick: imports.length === 0 && !WAITS.test(text),
      isPure: pure,
      mayBeLean: pure || !KEEPS.test(text),
    },
  };
}

/** Why it is no body of a function; undefined: it is one. */
function check(text: string, name: string): Failure | undefined {
  const error = parseError(text, name, 0);
  if (!error || !/\bawait\b/.test(text)) return error;
  if (needsAsync(text)) return undefined;
  const head = 'return async()=>{';
  return parseError(`${head}${text}\n}`, name, head.length) ?? error;
}

/** Whether it uses `await` outside of any function of its own. */
function needsAsync(text: string): boolean {
  if (!/\bawait\b/.test(text) || !parseError(text, '', 0)) return false;
  try {
    // Made and never called: the constructor takes nothing but a body.
    new AsyncFunction(...PARAMETERS, text);
    return true;
  } catch {
    return false;
  }
}

function parseError(text: string, name: string, columnOffset: number): Failure | undefined {
  try {
    compileFunction(text, PARAMETERS, { filename: FILE_PREFIX + name });
    return undefined;
  } catch (error) {
    const { message, stack = '' } = error as Error;
    // "file:LINE", the line itself, and a caret under the place.
    const [place = '', , caret = ''] = stack.split('\n');
    const line = Number(/:(\d+)$/.exec(place)?.[1] ?? 0);
    const column = line === 0 ? 0 : caret.indexOf('^') + 1;
    return syntaxError(message, line, line === 1 ? Math.max(1, column - columnOffset) : column, '');
  }
}

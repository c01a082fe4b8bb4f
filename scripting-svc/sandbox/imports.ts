/** The `import` statements at the head of a script: its body is that of a function, where V8 allows none. */

export interface Import {
  readonly specifier: string;
  /** What it binds, as code: `const {a:b}=$0;`, `$0` being the namespace. Empty: nothing. */
  bindings(namespace: string): string;
}

export interface Separated {
  readonly imports: readonly Import[];
  /** The text with blanks where the imports were, so that every place in it is where it was. */
  readonly body: string;
}

const SKIPPED = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(['"])use strict\1\s*;?)+/y;
const STATEMENT =
  /import(?:\s+(type\s+)?([\w$*{][\w$\s,*{}]{0,2000}?)\s{0,100}from)?\s*(?:'([^'\n]+)'|"([^"\n]+)")[ \t]*;?/y;
const CLAUSE = /^(?:([\w$]+)\s*,?\s*)?(?:\*\s*as\s+([\w$]+)|\{([\s\S]*)\})?$/;
const NAMED = /^(?:(type)\s+)?([\w$]+)(?:\s+as\s+([\w$]+))?$/;

export function separateImports(source: string): Separated {
  const imports: Import[] = [];
  let body = '';
  let at = 0;
  for (;;) {
    SKIPPED.lastIndex = at;
    const start = at + (SKIPPED.exec(source)?.[0].length ?? 0);
    STATEMENT.lastIndex = start;
    const statement = STATEMENT.exec(source);
    const bindings = statement && readClause(statement[2] ?? '');
    if (!statement || !bindings) return { imports, body: body + source.slice(at) };
    const specifier = statement[3] ?? statement[4]!;
    // Types are gone when it runs.
    if (statement[1] === undefined) imports.push({ specifier, bindings });
    const end = start + statement[0].length;
    body += source.slice(at, start) + source.slice(start, end).replace(/[^\n]/g, ' ');
    at = end;
  }
}

function readClause(clause: string): ((namespace: string) => string) | undefined {
  const parts = CLAUSE.exec(clause.trim());
  if (!parts) return undefined;
  const [, standard, whole, list] = parts;
  const members: string[] = standard === undefined ? [] : [`default:${standard}`];
  for (const item of (list ?? '').split(',').map((name) => name.trim())) {
    if (item === '') continue;
    const named = NAMED.exec(item);
    if (!named) return undefined;
    if (named[1] === undefined) members.push(`${named[2]}:${named[3] ?? named[2]}`);
  }
  return (namespace) =>
    (whole === undefined ? '' : `const ${whole}=${namespace};`) +
    (members.length === 0 ? '' : `const {${members.join(',')}}=${namespace};`);
}

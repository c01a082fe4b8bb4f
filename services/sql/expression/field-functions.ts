/** What is stored as a field's `db_function` (database-api §6.3), read into trees by what they are used for. */
import { MillraceError } from '#common/errors.ts';
import { type Expression, partsOf } from './nodes.ts';
import { parseExpression } from './parse.ts';

export const USES = ['SELECT', 'FILTER', 'INSERT', 'UPDATE'] as const;
export type Use = (typeof USES)[number];

export type FieldFunctions = Partial<Readonly<Record<Use, Expression>>>;

export interface StoredFunction {
  readonly use: readonly Use[];
  readonly function: string;
  readonly function_type: 'database';
}

/**
 * @returns undefined where there is none
 * @throws MillraceError invalid whose message follows the name of the field
 */
export function readFunctions(stored: unknown): readonly StoredFunction[] | undefined {
  if (stored === null || stored === undefined || stored === '') return undefined;
  const list = Array.isArray(stored) ? stored : [stored];
  if (list.length === 0) return undefined;
  return list.map(readFunction);
}

function readFunction(entry: unknown): StoredFunction {
  const { use, function: text, function_type: type = 'database' } = (entry ?? {}) as Record<string, unknown>;
  if (typeof text !== 'string' || text.trim() === '') throw fault("'db_function' must be a list of {use, function}");
  if (type !== 'database') throw fault("'db_function' knows only functions of the type 'database'");
  const uses = (Array.isArray(use) ? use : [use]).map((one) => String(one).toUpperCase());
  const known = USES.filter((one) => uses.includes(one));
  if (known.length === 0 || known.length < new Set(uses).size) {
    throw fault(`'db_function' is used for one or more of ${USES.join(', ')}`);
  }
  parseExpression(text);
  return { use: known, function: text, function_type: 'database' };
}

/** What cannot be read has no effect: it was checked when it was stored, by this version or another. */
export function functionsOf(stored: unknown): FieldFunctions | null {
  try {
    const functions: { -readonly [K in Use]?: Expression } = {};
    for (const one of readFunctions(stored) ?? []) {
      const expression = parseExpression(one.function);
      for (const use of one.use) functions[use] = expression;
    }
    return Object.keys(functions).length > 0 ? functions : null;
  } catch {
    return null;
  }
}

/** Names of fields that it looks at, as they were written. */
export const fieldsIn = (expression: Expression): string[] =>
  [...partsOf(expression)].flatMap((part) => (part.kind === 'field' ? [part.name] : []));

const fault = (message: string): MillraceError => new MillraceError('invalid', message);

/** The functions of fields (database-api §6.3) as trees: what a client wrote is understood, never passed on as SQL. */

export type Expression =
  /** `{value}`: what the field holds, or what is written into it. */
  | { readonly kind: 'value' }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'number'; readonly digits: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'word'; readonly word: 'null' | 'true' | 'false' }
  /** `count(*)` has no arguments. */
  | {
      readonly kind: 'call';
      /** In upper case. */
      readonly name: string;
      readonly args: readonly Expression[];
      readonly distinct: boolean;
    }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not' | 'negative'; readonly operand: Expression }
  | { readonly kind: 'null test'; readonly operand: Expression; readonly negated: boolean }
  | {
      readonly kind: 'case';
      readonly branches: readonly { readonly when: Expression; readonly gives: Expression }[];
      readonly otherwise: Expression | undefined;
    }
  /** `type`: a simple type of database-api §6.6. */
  | { readonly kind: 'cast'; readonly operand: Expression; readonly type: string };

export const AGGREGATES: ReadonlySet<string> = new Set(['COUNT', 'SUM', 'AVG', 'MIN', 'MAX']);

/** Every part of a tree, itself included. */
export function* partsOf(expression: Expression): Generator<Expression> {
  yield expression;
  switch (expression.kind) {
    case 'call':
      for (const arg of expression.args) yield* partsOf(arg);
      break;
    case 'binary':
      yield* partsOf(expression.left);
      yield* partsOf(expression.right);
      break;
    case 'not':
    case 'negative':
    case 'null test':
    case 'cast':
      yield* partsOf(expression.operand);
      break;
    case 'case':
      for (const { when, gives } of expression.branches) {
        yield* partsOf(when);
        yield* partsOf(gives);
      }
      if (expression.otherwise) yield* partsOf(expression.otherwise);
      break;
    default:
  }
}

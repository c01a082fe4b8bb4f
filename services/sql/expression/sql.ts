/** A tree as SQL of one engine: names quoted, literals escaped, functions those that the engine is known to have. */
import { invalid } from '#common/errors.ts';
import type { Dialect } from '../dialect.ts';
import { AGGREGATES, type Expression } from './nodes.ts';

/** How the parts that are not the same everywhere are written. */
export interface Parts {
  /** `{value}`; undefined: there is none. */
  readonly value: string | undefined;
  /** A field of the table. @throws MillraceError invalid where there is none of the name */
  field(name: string): string;
}

/** @throws MillraceError invalid for a function, a type or a name that there is not */
export function expressionSql(expression: Expression, dialect: Dialect, parts: Parts): string {
  const sql = (inner: Expression): string => expressionSql(inner, dialect, parts);
  const { functions, concat, castType, textLiteral } = dialect.expressions;
  switch (expression.kind) {
    case 'value':
      if (parts.value === undefined) throw invalid('the function has a {value}, and the field has none');
      return parts.value;
    case 'field':
      return parts.field(expression.name);
    case 'number':
      return expression.digits;
    case 'text':
      return textLiteral(expression.text);
    case 'word':
      return wordSql(expression.word, dialect);
    case 'call': {
      const { name, args, distinct } = expression;
      const list = args.length === 0 && name === 'COUNT' ? '*' : args.map(sql).join(', ');
      if (AGGREGATES.has(name)) return `${name.toLowerCase()}(${distinct ? 'distinct ' : ''}${list})`;
      const native = functions[name];
      if (native === undefined) throw invalid(`there is no function ${name} for ${dialect.name} here`);
      return typeof native === 'string' ? `${native}(${list})` : native(args.map(sql));
    }
    case 'binary': {
      const [left, right] = [sql(expression.left), sql(expression.right)];
      return expression.operator === '||'
        ? concat(left, right)
        : `(${left} ${expression.operator.toLowerCase()} ${right})`;
    }
    case 'not':
      return `(not ${sql(expression.operand)})`;
    case 'negative':
      return `(- ${sql(expression.operand)})`;
    case 'null test':
      return `(${sql(expression.operand)} is ${expression.negated ? 'not ' : ''}null)`;
    case 'case': {
      const branches = expression.branches.map(({ when, gives }) => `when ${sql(when)} then ${sql(gives)}`);
      const otherwise = expression.otherwise ? ` else ${sql(expression.otherwise)}` : '';
      return `case ${branches.join(' ')}${otherwise} end`;
    }
    case 'cast': {
      const type = castType(expression.type);
      if (type === undefined) throw invalid(`nothing can be cast to '${expression.type}' here`);
      return `cast(${sql(expression.operand)} as ${type})`;
    }
  }
}

function wordSql(word: 'null' | 'true' | 'false', { trueSql, falseSql }: Dialect): string {
  return word === 'null' ? 'null' : word === 'true' ? trueSql : falseSql;
}

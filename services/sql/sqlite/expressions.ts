/** What the functions of fields become on SQLite. */
import type { Dialect } from '../dialect.ts';
import { COMMON } from '../expression/functions.ts';
import { textLiteral } from './quote.ts';

const part = (format: string) => (args: readonly string[]) =>
  `cast(strftime('${format}', ${args.join(', ')}) as integer)`;

const TYPES: Readonly<Record<string, string>> = {
  ...{ integer: 'integer', id: 'integer', reference: 'integer', bigint: 'integer', smallint: 'integer' },
  ...{ boolean: 'integer', decimal: 'numeric', money: 'numeric', float: 'real', double: 'real', binary: 'blob' },
  ...{ string: 'text', text: 'text', uuid: 'text', json: 'text' },
  ...{ date: 'text', time: 'text', datetime: 'text', timestamp: 'text' },
};

export const sqliteExpressions: Dialect['expressions'] = {
  functions: {
    ...COMMON,
    ...{ LENGTH: 'length', CHAR_LENGTH: 'length', GREATEST: 'max', LEAST: 'min', DATE: 'date' },
    ...{ YEAR: part('%Y'), MONTH: part('%m'), DAY: part('%d'), HOUR: part('%H'), MINUTE: part('%M') },
  },
  concat: (left, right) => `(${left} || ${right})`,
  castType: (type) => TYPES[type],
  textLiteral,
};

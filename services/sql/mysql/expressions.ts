/** What the functions of fields become on MySQL and MariaDB. */
import type { Dialect } from '../dialect.ts';
import { COMMON } from '../expression/functions.ts';
import { textLiteral } from './quote.ts';

const TYPES: Readonly<Record<string, string>> = {
  ...{ integer: 'signed', id: 'signed', reference: 'signed', bigint: 'signed', smallint: 'signed', boolean: 'signed' },
  ...{ decimal: 'decimal(65,6)', money: 'decimal(65,4)', float: 'double', double: 'double' },
  ...{ string: 'char', text: 'char', uuid: 'char', json: 'char', binary: 'binary' },
  ...{ date: 'date', time: 'time', datetime: 'datetime', timestamp: 'datetime' },
};

export const mysqlExpressions: Dialect['expressions'] = {
  functions: {
    ...COMMON,
    ...{ LENGTH: 'char_length', CHAR_LENGTH: 'char_length', LEFT: 'left', RIGHT: 'right', LPAD: 'lpad', RPAD: 'rpad' },
    ...{ REVERSE: 'reverse', MD5: 'md5', GREATEST: 'greatest', LEAST: 'least', DATE: 'date' },
    ...{ YEAR: 'year', MONTH: 'month', DAY: 'day', HOUR: 'hour', MINUTE: 'minute' },
  },
  concat: (left, right) => `concat(${left}, ${right})`,
  castType: (type) => TYPES[type],
  textLiteral,
};

/** What the functions of fields become on PostgreSQL. */
import type { Dialect } from '../dialect.ts';
import { COMMON } from '../expression/functions.ts';
import { textLiteral } from './quote.ts';

const part = (name: string) => (args: readonly string[]) => `extract(${name} from ${args.join(', ')})::int4`;

const TYPES: Readonly<Record<string, string>> = {
  ...{ integer: 'int4', id: 'int4', reference: 'int4', bigint: 'int8', smallint: 'int2', boolean: 'bool' },
  ...{ decimal: 'numeric', float: 'float4', double: 'float8', money: 'numeric', string: 'text', text: 'text' },
  ...{ date: 'date', time: 'time', datetime: 'timestamp', timestamp: 'timestamp', timestamptz: 'timestamptz' },
  ...{ uuid: 'uuid', json: 'text', binary: 'bytea' },
};

export const postgresExpressions: Dialect['expressions'] = {
  functions: {
    ...COMMON,
    ...{ LENGTH: 'length', CHAR_LENGTH: 'length', LEFT: 'left', RIGHT: 'right', LPAD: 'lpad', RPAD: 'rpad' },
    ...{ REVERSE: 'reverse', INITCAP: 'initcap', MD5: 'md5', GREATEST: 'greatest', LEAST: 'least', DATE: 'date' },
    ...{ YEAR: part('year'), MONTH: part('month'), DAY: part('day'), HOUR: part('hour'), MINUTE: part('minute') },
  },
  concat: (left, right) => `(${left} || ${right})`,
  castType: (type) => TYPES[type],
  asColumn: (sql, { nativeType }) => `(${sql})::${nativeType}`,
  textLiteral,
};

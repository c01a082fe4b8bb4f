/** What the functions of fields may call. A name that is not here is refused: many functions of databases reach far. */

export type FunctionSql = string | ((args: readonly string[]) => string);

const named = (...names: readonly string[]): Record<string, FunctionSql> =>
  Object.fromEntries(names.map((name) => [name, name.toLowerCase()]));

/** Those that all engines have under one name, with one meaning. */
export const COMMON: Readonly<Record<string, FunctionSql>> = {
  ...named('UPPER', 'LOWER', 'TRIM', 'LTRIM', 'RTRIM', 'REPLACE', 'SUBSTR', 'CONCAT'),
  ...named('COALESCE', 'NULLIF', 'ABS', 'ROUND', 'FLOOR', 'CEIL', 'CEILING', 'MOD', 'POWER', 'SQRT', 'SIGN'),
  SUBSTRING: 'substr',
  IFNULL: 'coalesce',
  CURRENT_DATE: () => 'current_date',
  CURRENT_TIME: () => 'current_time',
  CURRENT_TIMESTAMP: () => 'current_timestamp',
  NOW: () => 'current_timestamp',
};

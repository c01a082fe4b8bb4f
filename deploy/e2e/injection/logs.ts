/** The statement logs of the databases, each read into the same two lists. */
import type { Connection, RowDataPacket } from 'mysql2/promise';

export interface StatementLog {
  /** Texts as the database got them, with placeholders where values are bound. */
  readonly texts: readonly string[];
  /** What was bound, as the log shows it: one entry for the values of one statement. */
  readonly values: readonly string[];
}

/** What begins each line of PostgreSQL's log but those that go on with the one before, which begin with a tab. */
const LINE = 'log> ';

/** Server settings for `readPostgresLog`; the log goes to the standard error of the server. */
export const POSTGRES_LOG_SETTINGS = {
  log_statement: 'all',
  log_line_prefix: LINE,
  log_parameter_max_length: '-1',
  log_min_error_statement: 'error',
  log_error_verbosity: 'default',
};

/**
 * Texts are what was executed and what was refused (STATEMENT), the latter also where it did not even parse; values stand
 * in DETAIL, those of a statement that was refused for them in CONTEXT.
 */
export function readPostgresLog(log: string): StatementLog {
  const texts: string[] = [];
  const values: string[] = [];
  for (const entry of log.split(`\n${LINE}`)) {
    const [, severity, message = ''] = /^(?:log> )?([A-Z]+): {2}(.*)$/s.exec(entry) ?? [];
    const text = message.replaceAll('\n\t', '\n');
    if (severity === 'STATEMENT') texts.push(text);
    else if (severity === 'LOG') {
      const [, sql] = /^(?:statement|execute [^:]*): (.*)$/s.exec(text) ?? [];
      if (sql !== undefined) texts.push(sql);
    } else values.push(text);
  }
  return { texts, values };
}

/** Server settings for `readMariadbLog`: a table, as a value with a line break could pass for a line of a file. */
export const MARIADB_LOG_SETTINGS = { 'general-log': 'ON', 'log-output': 'TABLE' };

/** An Execute line shows a prepared statement with its values put in by the server: they are bound all the same. */
export async function readMariadbLog(connection: Connection): Promise<StatementLog> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'select command_type as type, convert(argument using utf8mb4) as text from mysql.general_log',
  );
  const of = (...types: string[]): string[] =>
    rows.filter(({ type }) => types.includes(type)).map(({ text }) => withWideCharacters(text));
  return { texts: of('Query', 'Prepare', 'Init DB', 'Field List'), values: of('Execute') };
}

/** The log's own character set has three bytes for a character: it writes those with four as `\\xF0\\x9F\\x98\\x80`. */
const withWideCharacters = (text: string): string =>
  text.replace(/(?:\\x[0-9A-F]{2}){4}/g, (bytes) => Buffer.from(bytes.replaceAll('\\x', ''), 'hex').toString());

interface RecordedLine {
  readonly database: string;
  readonly text?: string;
  readonly values?: readonly unknown[];
}

/** @param log  as recorder.mjs writes it  @param isWanted  by the file of the database */
export function readRecordedLog(log: string, isWanted: (database: string) => boolean): StatementLog {
  const lines = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordedLine)
    .filter(({ database }) => isWanted(database));
  return {
    texts: lines.flatMap(({ text }) => text ?? []),
    values: lines.flatMap(({ values }) => (values ? values.map(shown).join('\n') : [])),
  };
}

/** Values by position come as an object of them. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(shown).join('\n');
}

/** MySQL and MariaDB: the service types `mysql` and `mariadb`. */
import type { ConnectionOptions } from 'mysql2';
import { OPERATION_TIMEOUT_MS } from '#common/bounds.ts';
import type { Dialect } from '../dialect.ts';
import type { SqlEngine } from '../engine.ts';
import { preferTls } from '../pool.ts';
import { configFields, type MysqlConfig, readMysqlConfig } from './config.ts';
import { MysqlConnection } from './connection.ts';
import { mariadbDialect, mysqlDialect } from './dialect.ts';
import { quoteIdentifier, textLiteral } from './quote.ts';
import { MysqlSource } from './source.ts';
import { timeLimit } from './time-limit.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Server-side statements of one connection: texts of a busy service. */
const PREPARED_MAX = 500;

const engineOf = (name: string, dialect: Dialect): SqlEngine => ({
  name,
  label: dialect.name,
  description: `Database service supporting ${dialect.name} connections.`,
  group: 'Database',
  configFields,
  dialect,
  open: (config, { connectionsMax }) => {
    const settings = readMysqlConfig(config);
    const options = connectionOptions(settings);
    const setup = [...sessionSettings(settings), ...settings.statements];
    const open = (tls: boolean) =>
      MysqlConnection.open(tls ? { ...options, ssl: tlsOptions(settings) } : options, setup);
    const openers = { disable: () => open(false), prefer: preferTls(open, hasNoTls) };
    return new MysqlSource({
      open:
        settings.sslMode === 'disable' || settings.sslMode === 'prefer' ? openers[settings.sslMode] : () => open(true),
      connectionsMax,
      database: settings.database,
      schema: settings.schema,
    });
  },
});

export const mysql = engineOf('mysql', mysqlDialect);
export const mariadb = engineOf('mariadb', mariadbDialect);

function connectionOptions({ host, port, socket, username, password, database }: MysqlConfig): ConnectionOptions {
  return {
    ...(socket === undefined ? { host: host ?? '', port } : { socketPath: socket }),
    database,
    ...(username === undefined ? {} : { user: username }),
    ...(password === undefined ? {} : { password }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableKeepAlive: true,
    charset: 'utf8mb4',
    maxPreparedStatements: PREPARED_MAX,
    // Exactly what the database holds: no value goes through a double or a Date that need not.
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    rowsAsArray: true,
    // The server may not ask for files of this machine.
    flags: ['-LOCAL_FILES', '-IGNORE_SPACE', '-ODBC'],
  };
}

function tlsOptions({ sslMode, sslCa }: MysqlConfig): NonNullable<Exclude<ConnectionOptions['ssl'], string>> {
  const rejectUnauthorized = sslMode === 'verify-ca' || sslMode === 'verify-full';
  return { rejectUnauthorized, verifyIdentity: sslMode === 'verify-full', ...(sslCa ? { ca: sslCa } : {}) };
}

/** What the driver says when the server answers that it has no TLS. */
const hasNoTls = (error: unknown): boolean => (error as { code?: string }).code === 'HANDSHAKE_NO_SSL_SUPPORT';

const STRICT = ['STRICT_ALL_TABLES', 'ERROR_FOR_DIVISION_BY_ZERO', 'NO_ENGINE_SUBSTITUTION', 'NO_AUTO_VALUE_ON_ZERO'];

/** What rows look like, and what becomes of a wrong value, must not depend on the server's own settings. */
function sessionSettings({ collation, timezone, modes, options }: MysqlConfig): string[] {
  const variables = Object.entries(options).map(([name, value]) => {
    const isNumber = /^-?\d+(?:\.\d+)?$/.test(value);
    return `set session ${quoteIdentifier(name)} = ${isNumber ? value : textLiteral(value)}`;
  });
  return [
    `set names utf8mb4${collation ? ` collate ${collation}` : ''}`,
    // As other databases have it by default: writes of neighbouring records do not wait for each other.
    'set session transaction isolation level read committed',
    ...variables,
    `set time_zone = ${textLiteral(timezone ?? '+00:00')}`,
    `set sql_mode = ${textLiteral([...new Set([...STRICT, ...modes])].join(','))}`,
    timeLimit(OPERATION_TIMEOUT_MS),
    // MySQL may remember for a day how many rows a table has.
    'set @millrace = 0 /*!80000 , information_schema_stats_expiry = 0 */',
  ];
}

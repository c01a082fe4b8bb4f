/** PostgreSQL: the service type `pgsql`. */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { OPERATION_TIMEOUT_MS } from '#common/bounds.ts';
import type { SqlEngine } from '../engine.ts';
import { preferTls } from '../pool.ts';
import { configFields, type PostgresConfig, readPostgresConfig } from './config.ts';
import { PgConnection } from './connection.ts';
import { postgresDialect } from './dialect.ts';
import { textLiteral } from './quote.ts';
import { PostgresSource } from './source.ts';

const CONNECT_TIMEOUT_MS = 10_000;

export const engine: SqlEngine = {
  name: 'pgsql',
  label: 'PostgreSQL',
  description: 'Database service supporting PostgreSQL connections.',
  group: 'Database',
  configFields,
  dialect: postgresDialect,
  open: (config, context) => {
    const settings = readPostgresConfig(config);
    const connection = {
      host: settings.host,
      port: settings.port,
      database: settings.database,
      user: settings.username,
      password: settings.password,
      application_name: settings.applicationName ?? 'millrace',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      ssl: tls(settings),
    };
    const setup = [...sessionSettings(settings), ...settings.statements];
    const open = (tls: boolean) => PgConnection.open(tls ? connection : { ...connection, ssl: false }, setup);
    return new PostgresSource({
      open:
        settings.sslMode === 'prefer' || settings.sslMode === 'allow' ? preferTls(open, hasNoTls) : () => open(true),
      connectionsMax: context.connectionsMax,
      schema: settings.schema,
      statementTimeoutMs: OPERATION_TIMEOUT_MS,
    });
  },
};

/** What the driver says when the server answers that it has no TLS. */
const hasNoTls = (error: unknown): boolean => /does not support SSL/i.test((error as Error).message);

function tls({ sslMode }: PostgresConfig): TlsOptions | false {
  switch (sslMode) {
    case 'allow':
    case 'prefer':
    case 'require':
      return { rejectUnauthorized: false };
    case 'verify-ca':
      return { rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case 'verify-full':
      return { rejectUnauthorized: true };
    default:
      return false;
  }
}

/** What rows look like must not depend on the server's own settings. */
function sessionSettings({ timezone, options, schema }: PostgresConfig): string[] {
  const values: Record<string, string> = {
    // A schema that the service is confined to is also where its new tables go.
    ...(schema && schema.toLowerCase() !== 'default' ? { search_path: `"${schema.replaceAll('"', '""')}"` } : {}),
    ...(timezone ? { TimeZone: timezone } : {}),
    ...options,
    statement_timeout: String(OPERATION_TIMEOUT_MS),
    client_encoding: 'UTF8',
    DateStyle: 'ISO',
    IntervalStyle: 'postgres',
    bytea_output: 'hex',
    standard_conforming_strings: 'on',
  };
  const calls = Object.entries(values).map(
    ([name, value]) => `set_config(${textLiteral(name)}, ${textLiteral(value)}, false)`,
  );
  return [`select ${calls.join(', ')}`];
}

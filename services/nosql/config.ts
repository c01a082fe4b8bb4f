import { type Environment, EnvReader } from '#common/config/env.ts';
import { LOG_LEVELS, type LogLevel } from '#common/observe/log.ts';

/** Settings of the NoSQL tier, from the environment. */
export interface NoSqlConfig {
  /** Where it listens: host:port or unix:/path. */
  readonly address: string;
  /** The system service. */
  readonly systemAddress: string;
  readonly clusterToken: string | undefined;
  readonly dataDir: string;
  readonly connectionsMax: number;
  readonly logLevel: LogLevel;
}

/** @throws MillraceError invalid that names every faulty variable */
export function readConfig(env: Environment): NoSqlConfig {
  const reader = new EnvReader(env);
  return reader.finish({
    address: reader.string('MILLRACE_NOSQL_ADDRESS', '127.0.0.1:7004'),
    systemAddress: reader.string('MILLRACE_SYSTEM_ADDRESS', '127.0.0.1:7000'),
    clusterToken: reader.optional('MILLRACE_CLUSTER_TOKEN'),
    dataDir: reader.string('MILLRACE_DATA_DIR', './data'),
    connectionsMax: reader.integer('MILLRACE_NOSQL_CONNECTIONS_MAX', 10, 1, 1000),
    logLevel: reader.oneOf('MILLRACE_LOG_LEVEL', 'warn', LOG_LEVELS),
  });
}

import { MIB } from '#common/bounds.ts';
import { type Environment, EnvReader } from '#common/config/env.ts';
import { LOG_LEVELS, type LogLevel } from '#common/observe/log.ts';
import type { OutboundPolicy } from '#common/outbound/policy.ts';

/** Settings of the storage tier, from the environment. */
export interface StorageConfig {
  /** Where it listens: host:port or unix:/path. */
  readonly address: string;
  /** Where large contents are taken, as routers know it; undefined: they come by gRPC like all others. */
  readonly contentAddress: string | undefined;
  /** The system service. */
  readonly systemAddress: string;
  readonly clusterToken: string | undefined;
  readonly dataDir: string;
  /** To one storage, of those that are reached by connections. */
  readonly connectionsMax: number;
  readonly files: FileSettings;
  readonly logLevel: LogLevel;
}

export interface FileSettings {
  /** Of a zip that is unpacked. */
  readonly unpackBytesMax: number;
  /** Where files may be fetched from. */
  readonly outbound: OutboundPolicy;
  /** How long an upload that broke off can be taken up again. */
  readonly uploadLifetimeMs: number;
}

const GIB = 1024 * MIB;
const TIB = 1024 * GIB;
/** For the next word of a host that a file is fetched from. */
const FETCH_TIMEOUT_MS = 30_000;
const HOUR_MS = 3_600_000;

/** @throws MillraceError invalid that names every faulty variable */
export function readConfig(env: Environment): StorageConfig {
  const reader = new EnvReader(env);
  return reader.finish({
    address: reader.string('MILLRACE_STORAGE_ADDRESS', '127.0.0.1:7003'),
    contentAddress: reader.optional('MILLRACE_STORAGE_CONTENT_ADDRESS'),
    systemAddress: reader.string('MILLRACE_SYSTEM_ADDRESS', '127.0.0.1:7000'),
    clusterToken: reader.optional('MILLRACE_CLUSTER_TOKEN'),
    dataDir: reader.string('MILLRACE_DATA_DIR', './data'),
    connectionsMax: reader.integer('MILLRACE_STORAGE_CONNECTIONS_MAX', 10, 1, 1000),
    files: {
      unpackBytesMax: reader.integer('MILLRACE_STORAGE_UNPACK_BYTES_MAX', GIB, 1, TIB),
      outbound: {
        // Any public one, as the original has it; inner addresses only where they are named.
        hosts: reader.list('MILLRACE_STORAGE_FETCH_HOSTS', ['*']),
        bytesMax: reader.integer('MILLRACE_STORAGE_FETCH_BYTES_MAX', GIB, 1, TIB),
        timeoutMs: FETCH_TIMEOUT_MS,
      },
      uploadLifetimeMs: reader.integer('MILLRACE_STORAGE_UPLOAD_HOURS', 24, 1, 8760) * HOUR_MS,
    },
    logLevel: reader.oneOf('MILLRACE_LOG_LEVEL', 'warn', LOG_LEVELS),
  });
}

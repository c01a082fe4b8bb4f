import { join } from 'node:path';
import { HOT_FILES_BYTES, MIB } from '#common/bounds.ts';
import { type Environment, EnvReader } from '#common/config/env.ts';
import { LOG_LEVELS, type LogLevel } from '#common/observe/log.ts';
import { DOORS, type DoorKind } from './http/door.ts';
import { readScriptSettings, type ScriptSettings } from './script/lines.ts';

/** Settings of a router, from the environment. */
export interface RouterConfig {
  readonly host: string;
  readonly port: number;
  readonly door: DoorKind;
  /** Several routers on one port. */
  readonly sharedPort: boolean;
  readonly gateway: GatewayConfig;
  readonly systemAddress: string;
  /** Addresses of the replicas of each connector tier. */
  readonly tiers: Readonly<Record<string, readonly string[]>>;
  /** And of the storage tier, which is no connector. */
  readonly storageAddresses: readonly string[];
  readonly clusterToken: string | undefined;
  readonly requestTimeoutMs: number;
  /** For lists that come without an end. */
  readonly exportTimeoutMs: number;
  readonly bodyBytesMax: number;
  readonly bufferedBytesMax: number;
  /** Of public files that are kept in memory. */
  readonly hotFilesBytes: number;
  readonly connectionsMax: number;
  readonly refuseChunked: boolean;
  readonly scripts: ScriptSettings;
  readonly snapshotFile: string;
  readonly version: string;
  readonly logLevel: LogLevel;
}

/** The gRPC door. */
export interface GatewayConfig {
  readonly host: string;
  /** undefined: no public one. */
  readonly port: number | undefined;
  /** Files; undefined: in the clear. */
  readonly tls:
    | { readonly certificate: string; readonly key: string; readonly clientCa: string | undefined }
    | undefined;
  /** One more, for callers with the cluster token. */
  readonly address: string | undefined;
}

/** @throws MillraceError invalid that names every faulty variable */
export function readConfig(env: Environment): RouterConfig {
  const reader = new EnvReader(env);
  const systemAddress = reader.string('MILLRACE_SYSTEM_ADDRESS', '127.0.0.1:7000');
  const dataDir = reader.string('MILLRACE_DATA_DIR', './data');
  return reader.finish({
    host: reader.string('MILLRACE_HTTP_HOST', '127.0.0.1'),
    port: reader.integer('MILLRACE_HTTP_PORT', 8080, 0, 65_535),
    door: reader.oneOf('MILLRACE_HTTP_DOOR', 'strict', DOORS),
    sharedPort: reader.boolean('MILLRACE_HTTP_SHARED', false),
    gateway: gatewayOf(reader),
    systemAddress,
    tiers: {
      system: [systemAddress],
      sql: reader.list('MILLRACE_SQL_ADDRESSES', ['127.0.0.1:7001']),
      nosql: reader.list('MILLRACE_NOSQL_ADDRESSES', ['127.0.0.1:7004']),
    },
    storageAddresses: reader.list('MILLRACE_STORAGE_ADDRESSES', ['127.0.0.1:7003']),
    clusterToken: reader.optional('MILLRACE_CLUSTER_TOKEN'),
    requestTimeoutMs: reader.integer('MILLRACE_REQUEST_TIMEOUT_MS', 30_000, 10, 3_600_000),
    exportTimeoutMs: reader.integer('MILLRACE_EXPORT_TIMEOUT_MS', 3_600_000, 10, 86_400_000),
    bodyBytesMax: reader.integer('MILLRACE_BODY_BYTES_MAX', 32 * MIB, 1024, 1024 * MIB),
    bufferedBytesMax: reader.integer('MILLRACE_BUFFERED_BYTES_MAX', 256 * MIB, 1024, 65_536 * MIB),
    hotFilesBytes: reader.integer('MILLRACE_FILE_CACHE_BYTES', HOT_FILES_BYTES, 0, 65_536 * MIB),
    connectionsMax: reader.integer('MILLRACE_CONNECTIONS_MAX', 10_000, 1, 1_000_000),
    refuseChunked: reader.boolean('MILLRACE_REFUSE_CHUNKED', false),
    scripts: readScriptSettings(reader),
    snapshotFile: join(dataDir, 'router', 'snapshot.bin'),
    version: reader.string('MILLRACE_VERSION', '0.1.0'),
    logLevel: reader.oneOf('MILLRACE_LOG_LEVEL', 'warn', LOG_LEVELS),
  });
}

function gatewayOf(reader: EnvReader): GatewayConfig {
  const isOff = reader.string('MILLRACE_GRPC_PORT', '') === 'off';
  const certificate = reader.optional('MILLRACE_GRPC_TLS_CERT');
  const key = reader.optional('MILLRACE_GRPC_TLS_KEY');
  const clientCa = reader.optional('MILLRACE_GRPC_TLS_CLIENT_CA');
  if (!certificate !== !key) reader.fault('MILLRACE_GRPC_TLS_CERT and MILLRACE_GRPC_TLS_KEY belong together');
  if (clientCa && !certificate) reader.fault('MILLRACE_GRPC_TLS_CLIENT_CA needs MILLRACE_GRPC_TLS_CERT');
  return {
    host: reader.string('MILLRACE_GRPC_HOST', '127.0.0.1'),
    port: isOff ? undefined : reader.integer('MILLRACE_GRPC_PORT', 8081, 0, 65_535),
    tls: certificate && key ? { certificate, key, clientCa } : undefined,
    address: reader.optional('MILLRACE_GATEWAY_ADDRESS'),
  };
}

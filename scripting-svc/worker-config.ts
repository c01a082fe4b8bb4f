/** Settings of a worker: its place, by its supervisor, and what every script of the installation is bound by. */
import { MIB } from '#common/bounds.ts';
import { type Environment, EnvReader } from '#common/config/env.ts';
import { LOG_LEVELS, type LogLevel } from '#common/observe/log.ts';
import type { OutboundPolicy } from '#common/outbound/policy.ts';
import { type NatsSettings, readNatsSettings } from '#common/scripts/nats-settings.ts';
import { NICE_BEHIND, NICE_MAX } from './priority.ts';
import { type Caps, DEFAULT_CAPS } from './sandbox/caps.ts';
import type { WorkerPlace } from './worker-place.ts';

export interface WorkerConfig {
  /** undefined: it will be told when there is one. */
  readonly place: WorkerPlace | undefined;
  /** unix:/path at which it runs short scripts as long as it has no place; undefined: it does not. */
  readonly standbyAddress: string | undefined;
  readonly systemAddress: string;
  readonly clusterToken: string | undefined;
  readonly gatewayAddresses: readonly string[];
  /** undefined: its place has an address. */
  readonly nats: NatsSettings | undefined;
  readonly caps: Caps;
  readonly outbound: OutboundPolicy;
  /** Of the threads that patient scripts run on, 0 to 19. */
  readonly nice: number;
  readonly version: string;
  readonly logLevel: LogLevel;
}

/** @throws MillraceError invalid that names every faulty variable */
export function readWorkerConfig(env: Environment): WorkerConfig {
  const reader = new EnvReader(env);
  const place = JSON.parse(reader.string('MILLRACE_SCRIPT_PLACE', 'null')) as WorkerPlace | null;
  const nats = place?.address === undefined ? readNatsSettings(reader) : undefined;
  const standbyAddress = reader.optional('MILLRACE_SCRIPT_STANDBY_ADDRESS');
  return reader.finish({
    place: place ?? undefined,
    // Over NATS all workers of a lane are one.
    standbyAddress: nats ? undefined : standbyAddress,
    systemAddress: reader.string('MILLRACE_SYSTEM_ADDRESS', '127.0.0.1:7000'),
    clusterToken: reader.optional('MILLRACE_CLUSTER_TOKEN'),
    gatewayAddresses: reader.list('MILLRACE_GATEWAY_ADDRESSES', ['127.0.0.1:8081']),
    nats,
    caps: DEFAULT_CAPS,
    outbound: {
      hosts: reader.list('MILLRACE_SCRIPT_FETCH_ALLOW', []),
      bytesMax: 10 * MIB,
      timeoutMs: 10_000,
    },
    // Behind routers and connectors, where all share a machine: it costs scripts nothing as long as they do not.
    nice: reader.integer('MILLRACE_SCRIPT_NICE', NICE_BEHIND, 0, NICE_MAX),
    version: reader.string('MILLRACE_VERSION', '0.1.0'),
    logLevel: reader.oneOf<LogLevel>('MILLRACE_LOG_LEVEL', 'warn', LOG_LEVELS),
  });
}

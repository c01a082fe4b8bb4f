/** Settings of the scripting tier, from the environment. */
import { availableParallelism } from 'node:os';
import { type Environment, EnvReader } from '#common/config/env.ts';
import { invalid } from '#common/errors.ts';
import { LOG_LEVELS, type LogLevel } from '#common/observe/log.ts';
import { readNatsSettings } from '#common/scripts/nats-settings.ts';
import type { WorkerPlace } from './worker-place.ts';

export interface ScriptingConfig {
  readonly systemAddress: string;
  readonly clusterToken: string | undefined;
  readonly places: readonly WorkerPlace[];
  /** Whether a worker without a place stands ready. */
  readonly hasSpare: boolean;
  /** Processors of this machine that workers of the patient lane leave to all others. */
  readonly processorsLeft: number;
  readonly logLevel: LogLevel;
}

const WORKERS_MAX = 64;
const PROCESSORS_MAX = 1024;

/** @throws MillraceError invalid that names every faulty variable */
export function readConfig(env: Environment): ScriptingConfig {
  const reader = new EnvReader(env);
  const quick = reader.list('MILLRACE_SCRIPT_QUICK_ADDRESSES', []);
  const patient = reader.list('MILLRACE_SCRIPT_PATIENT_ADDRESSES', []);
  const standby = reader.optional('MILLRACE_SCRIPT_STANDBY_ADDRESS');
  const hasNats = readNatsSettings(reader) !== undefined;
  const quickWorkers = reader.integer('MILLRACE_SCRIPT_QUICK_WORKERS', 1, 1, WORKERS_MAX);
  const half = Math.max(1, Math.floor(availableParallelism() / 2));
  const patientWorkers = reader.integer('MILLRACE_SCRIPT_PATIENT_WORKERS', half, 1, WORKERS_MAX);
  const config = reader.finish({
    systemAddress: reader.string('MILLRACE_SYSTEM_ADDRESS', '127.0.0.1:7000'),
    clusterToken: reader.optional('MILLRACE_CLUSTER_TOKEN'),
    places: hasNats
      ? [...placesOf('quick', Array(quickWorkers)), ...placesOf('patient', Array(patientWorkers))]
      : [...placesOf('quick', quick), ...placesOf('patient', patient)],
    hasSpare: reader.boolean('MILLRACE_SCRIPT_SPARE_WORKER', true),
    processorsLeft: reader.integer('MILLRACE_SCRIPT_PROCESSORS_LEFT', 0, 0, PROCESSORS_MAX),
    logLevel: reader.oneOf<LogLevel>('MILLRACE_LOG_LEVEL', 'warn', LOG_LEVELS),
  });
  if (!hasNats && (quick.length === 0 || patient.length === 0)) {
    throw invalid(
      'MILLRACE_NATS_URL must say where NATS is: scripts travel over it. (On one machine, MILLRACE_SCRIPT_QUICK_ADDRESSES and MILLRACE_SCRIPT_PATIENT_ADDRESSES may name unix sockets instead.)',
    );
  }
  const addresses = hasNats ? [] : [...quick, ...patient, standby ?? []].flat();
  const strays = addresses.filter((address) => !address.startsWith('unix:'));
  if (strays.length > 0) throw invalid(`Script workers listen on unix sockets, not on ${strays.join(', ')}.`);
  return config;
}

const placesOf = (lane: WorkerPlace['lane'], addresses: readonly (string | undefined)[]): WorkerPlace[] =>
  Array.from(addresses, (address) => ({ lane, address }));

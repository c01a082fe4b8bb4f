/** Jobs and tasks as one part of the system service. */
import type { Kysely } from 'kysely';
import { JOB_POLL_MS } from '#common/bounds.ts';
import type { ServedService } from '#common/grpc/service.ts';
import type { Logger } from '#common/observe/log.ts';
import { NatsLink } from '#common/scripts/nats-link.ts';
import type { SystemConfig } from '../config.ts';
import { engineOf } from '../database/open.ts';
import type { Tables } from '../database/tables.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { DatabaseQueue } from './database-queue.ts';
import { JetStreamQueue } from './jetstream-queue.ts';
import { Jobs } from './jobs.ts';
import { jobsService } from './rpc.ts';
import { JobStore } from './store.ts';
import { Ticker } from './ticker.ts';

export interface RunningJobs {
  readonly service: ServedService;
  /** Claims that wait are answered; safe to call twice. */
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** NATS is used once it can be reached, and waited for where it cannot. */
export function startJobs(db: Kysely<Tables>, config: SystemConfig, log: Logger): RunningJobs {
  const { nats, jobStream: stream, jobStreamReplicas: replicas, jobKeepHours, jobKeepDeadDays } = config;
  const store = new JobStore(db, engineOf(config.databaseUrl));
  const link = nats && new NatsLink(nats, log);
  const queue = link ? new JetStreamQueue(link, store, { stream, replicas }, log) : new DatabaseQueue(store, log);
  const jobs = new Jobs(store, queue, { doneMs: jobKeepHours * HOUR_MS, deadMs: jobKeepDeadDays * 24 * HOUR_MS });
  const scheduler = new Scheduler(db, store, queue, log);
  const ticker = new Ticker([() => scheduler.tick(), () => jobs.sweep()], JOB_POLL_MS, log);
  return {
    service: jobsService(jobs),
    close: async () => {
      await ticker.close();
      await jobs.close();
      await link?.drain();
      await link?.close();
    },
  };
}

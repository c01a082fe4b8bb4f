/** What the conformance suite needs of a queue: several system services on one database, here or in processes of their own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Kysely } from 'kysely';
import pino from 'pino';
import { NatsLink } from '#common/scripts/nats-link.ts';
import { settingsOf } from '#common/scripts/nats-settings.ts';
import { EnqueueRequestSchema, SettleRequestSchema } from '#proto/system/v1/system_pb.ts';
import { engineOf, openDatabase } from '../../database/open.ts';
import type { Tables } from '../../database/tables.ts';
import { DatabaseQueue } from '../database-queue.ts';
import { JetStreamQueue } from '../jetstream-queue.ts';
import { Jobs } from '../jobs.ts';
import type { JobQueue } from '../queue.ts';
import { type Claim, type ClaimedJob, JobStore } from '../store.ts';
import { Ticker } from '../ticker.ts';

const SILENT = pino({ level: 'silent' });
const TICK_MS = 50;
const KEEP = { doneMs: 3_600_000, deadMs: 7_200_000 };
const PROGRAM = new URL('process.ts', import.meta.url);

export interface Place {
  readonly databaseUrl: string;
  /** Without one the database is the queue. */
  readonly natsUrl?: string;
  readonly stream: string;
}

/** The part of a system service that jobs are about. */
export class Service {
  readonly db: Kysely<Tables>;
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly jobs: Jobs;
  readonly link: NatsLink | undefined;
  readonly #ticker: Ticker;

  private constructor(db: Kysely<Tables>, { databaseUrl, natsUrl, stream }: Place) {
    this.db = db;
    this.store = new JobStore(db, engineOf(databaseUrl));
    this.link = natsUrl === undefined ? undefined : new NatsLink(settingsOf([new URL(natsUrl)]), SILENT);
    this.queue = this.link
      ? new JetStreamQueue(this.link, this.store, { stream, replicas: 1 }, SILENT)
      : new DatabaseQueue(this.store, SILENT);
    this.jobs = new Jobs(this.store, this.queue, KEEP);
    this.#ticker = new Ticker([() => this.jobs.sweep()], TICK_MS, SILENT);
  }

  static async start(place: Place): Promise<Service> {
    return new Service(await openDatabase(place.databaseUrl), place);
  }

  async stop(): Promise<void> {
    await this.#ticker.close();
    await this.jobs.close();
    await this.link?.close();
    await this.db.destroy();
  }

  enqueue(more: MessageInitShape<typeof EnqueueRequestSchema> = {}): Promise<number> {
    return this.jobs.enqueue(create(EnqueueRequestSchema, { kind: 'event', name: 'tested', ...more }));
  }

  /** As the RPC does, with leases shorter than it takes them. */
  claim(more: Partial<Claim> & { waitMs?: number; signal?: AbortSignal } = {}): Promise<ClaimedJob[]> {
    const { waitMs = 5_000, signal = new AbortController().signal, ...claim } = more;
    return this.queue.claim({ max: 1, leaseMs: 30_000, holder: 'router', ...claim }, waitMs, signal);
  }

  settle(id: number, outcome: MessageInitShape<typeof SettleRequestSchema>['outcome'] & object, more: object = {}) {
    return this.jobs.settle(create(SettleRequestSchema, { id, holder: 'router', outcome, ...more }));
  }

  row(id: number) {
    return this.db.selectFrom('job').selectAll().where('id', '=', id).executeTakeFirst();
  }
}

export const DONE = { case: 'done' as const, value: { statusCode: 200 } };

/** A process of its own that does one thing, and says what it did. */
export class ServiceProcess {
  readonly #child: ChildProcess;

  /** @param what  `enqueue`: one job after the other; `claim`: one job, and nothing more */
  constructor(place: Place, what: 'enqueue' | 'claim') {
    this.#child = fork(PROGRAM, [what, JSON.stringify(place)], { execArgv: ['--import', 'tsx'] });
  }

  /** The id of a job that it has stored, or got. */
  async told(): Promise<number> {
    const [id] = (await once(this.#child, 'message')) as [number];
    return id;
  }

  listen(heard: (id: number) => void): void {
    this.#child.on('message', (id) => heard(Number(id)));
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

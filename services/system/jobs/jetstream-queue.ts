/**
 * The queue where there is NATS: one message for each job that is not over, in a work queue of JetStream. Messages say
 * which job, and nothing else: the row says what is the case, so that one too many does no harm and one that got lost is
 * sent again. Word about a message goes where the row says, from whichever process the job is settled in. While JetStream
 * cannot be reached, or is not to be had, jobs are claimed from the rows alone.
 */
import { AckPolicy, DiscardPolicy, Empty, type Msg, type NatsConnection, RetentionPolicy, StorageType } from 'nats';
import { JOB_ACK_WAIT_MS, JOB_MESSAGES_MAX, JOB_OVERDUE_MS, JOB_POLL_MS } from '#common/bounds.ts';
import type { Logger } from '#common/observe/log.ts';
import type { LinkUser, NatsLink } from '#common/scripts/nats-link.ts';
import { ACK, nak, pull, WORKING } from './jetstream-pull.ts';
import type { JobQueue } from './queue.ts';
import type { Claim, ClaimedJob, JobStore, Released } from './store.ts';

export interface StreamSettings {
  readonly stream: string;
  readonly replicas: number;
}

/** One for all system services of an installation. */
const CONSUMER = 'claims';
const NANOS = 1_000_000;
const API_TIMEOUT_MS = 5_000;
/** What JetStream has at hand comes within this. */
const MORE_WAIT_MS = 20;
/** Clocks differ, and a job that comes too early comes again. */
const EARLY_PAUSE_MS = 50;
/** A job whose row cannot be read now. */
const TROUBLE_PAUSE_MS = 1_000;
const OVERDUE_AT_ONCE = 200;

export class JetStreamQueue implements JobQueue, LinkUser {
  readonly #link: NatsLink;
  readonly #store: JobStore;
  readonly #settings: StreamSettings;
  readonly #log: Logger;
  readonly #leave: () => void;
  readonly #claims = new Set<AbortController>();
  readonly #waiting = new Set<() => void>();
  readonly #pulls = new Set<AbortController>();
  /** On which stream and consumer were found to be there. */
  #connection: NatsConnection | undefined;
  #opening: Promise<void> | undefined;
  #isClosed = false;
  #isTold = false;
  #messages = 0;
  #lastOverdue = 0;

  constructor(link: NatsLink, store: JobStore, settings: StreamSettings, log: Logger) {
    this.#link = link;
    this.#store = store;
    this.#settings = settings;
    this.#log = log;
    this.#leave = link.join(this);
  }

  up(connection: NatsConnection): void {
    void this.#open(connection);
  }

  /** Whoever waits asks again, once it is there. */
  down(): void {
    this.#connection = undefined;
    for (const pull of this.#pulls) pull.abort();
  }

  free(): void {}

  added(ids: readonly number[]): void {
    const connection = this.#connection;
    if (!connection) return;
    for (const id of ids.slice(0, JOB_MESSAGES_MAX - this.#messages)) {
      this.#messages += 1;
      connection
        .jetstream()
        .publish(`${this.#settings.stream}.${id}`, Empty, { timeout: API_TIMEOUT_MS })
        // It has one already, or cannot be reached: what is overdue is looked for.
        .catch((error: unknown) => this.#log.debug({ err: error, job: id }, 'no message for a job'))
        .finally(() => {
          this.#messages -= 1;
        });
    }
  }

  async claim(claim: Claim, waitMs: number, signal: AbortSignal): Promise<ClaimedJob[]> {
    if (this.#isClosed || signal.aborted) return [];
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    signal.addEventListener('abort', leave, { once: true });
    this.#claims.add(gone);
    try {
      return await this.#claimUntil(Date.now() + waitMs, claim, gone.signal);
    } finally {
      this.#claims.delete(gone);
      signal.removeEventListener('abort', leave);
    }
  }

  released(jobs: readonly Released[]): void {
    for (const { id, ticket, dueAt } of jobs) {
      if (ticket !== null) this.#say(ticket, dueAt === undefined ? ACK : nak(dueAt - Date.now()));
      else if (dueAt !== undefined) this.added([id]);
    }
  }

  prolonged(ticket: string | null): void {
    this.#say(ticket, WORKING);
  }

  async sweep(): Promise<void> {
    if (!this.#connection && this.#link.connection) await this.#open(this.#link.connection);
    if (!this.#connection) return;
    const jobs = await this.#store.overdue(Date.now() - JOB_OVERDUE_MS, this.#lastOverdue, OVERDUE_AT_ONCE);
    this.#lastOverdue = jobs.length === OVERDUE_AT_ONCE ? jobs.at(-1)!.id : 0;
    if (jobs.length > 0 && !(await this.#isThere(this.#connection))) this.down();
    // One that was put off, and then set to wait by hand, is due before its message is.
    for (const { ticket } of jobs) this.#say(ticket, nak(0));
    // The message of any of them may be lost.
    this.added(jobs.map(({ id }) => id));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#leave();
    for (const claim of this.#claims) claim.abort();
    await this.#opening;
  }

  /** Once at a time; where it fails, the next sweep tries again. */
  #open(connection: NatsConnection): Promise<void> {
    this.#opening ??= this.#prepare(connection)
      .then(() => {
        if (this.#isClosed || this.#link.connection !== connection) return;
        if (this.#isTold) this.#log.warn('jobs go over JetStream again');
        this.#isTold = false;
        this.#connection = connection;
        for (const wake of [...this.#waiting]) wake();
      })
      .catch((error: unknown) => {
        if (!this.#isTold && !this.#isClosed)
          this.#log.error({ err: error }, 'JetStream cannot be used for jobs: the database does');
        this.#isTold = true;
      })
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }

  /** A request to a consumer that was removed is not even refused. */
  async #isThere(connection: NatsConnection): Promise<boolean> {
    const manager = await connection.jetstreamManager({ timeout: API_TIMEOUT_MS, checkAPI: false });
    const found = manager.consumers.info(this.#settings.stream, CONSUMER);
    return found.then(
      () => true,
      () => false,
    );
  }

  async #prepare(connection: NatsConnection): Promise<void> {
    const { stream, replicas } = this.#settings;
    const manager = await connection.jetstreamManager({ timeout: API_TIMEOUT_MS });
    const settings = {
      subjects: [`${stream}.*`],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      num_replicas: replicas,
      // One message for each job: a second one is refused as long as the first is there.
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
    };
    await manager.streams.add({ name: stream, ...settings }).catch(() => manager.streams.update(stream, settings));
    await manager.consumers.add(stream, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ack_wait: JOB_ACK_WAIT_MS * NANOS,
      max_deliver: -1,
      // Jobs that wait for their time were delivered and put off: they are no sign of slow workers.
      max_ack_pending: -1,
    });
  }

  async #claimUntil(until: number, claim: Claim, gone: AbortSignal): Promise<ClaimedJob[]> {
    do {
      const connection = this.#connection ?? (await this.#reachable(Math.min(until, Date.now() + JOB_POLL_MS), gone));
      if (gone.aborted) return [];
      const jobs = connection
        ? await this.#fetch(connection, claim, Math.max(until - Date.now(), MORE_WAIT_MS), gone)
        : await this.#store.claimDue(claim);
      if (jobs.length > 0) return jobs;
    } while (Date.now() < until && !gone.aborted);
    return [];
  }

  /** @returns undefined: not in time */
  async #reachable(until: number, gone: AbortSignal): Promise<NatsConnection | undefined> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, until - Date.now());
      gone.addEventListener('abort', done, { once: true });
      this.#waiting.add(done);
    });
    return this.#connection;
  }

  async #fetch(connection: NatsConnection, claim: Claim, waitMs: number, signal: AbortSignal): Promise<ClaimedJob[]> {
    const first = await this.#pull(connection, 1, waitMs, signal);
    if (!first) {
      // Somebody has removed the consumer, or a server is going down: it is looked for again.
      if (this.#connection === connection) this.down();
      return [];
    }
    const more = first.length === 0 ? 0 : claim.max - first.length;
    const rest = more > 0 ? await this.#pull(connection, more, MORE_WAIT_MS, signal) : [];
    return this.#takeAll([...first, ...(rest ?? [])], claim);
  }

  async #pull(connection: NatsConnection, count: number, waitMs: number, gone: AbortSignal) {
    const over = new AbortController();
    const leave = (): void => over.abort();
    gone.addEventListener('abort', leave, { once: true });
    this.#pulls.add(over);
    try {
      const { stream } = this.#settings;
      return await pull(connection, { stream, consumer: CONSUMER, count, waitMs, signal: over.signal });
    } catch {
      return undefined; // the connection was closed at that moment
    } finally {
      this.#pulls.delete(over);
      gone.removeEventListener('abort', leave);
    }
  }

  async #takeAll(messages: readonly Msg[], claim: Claim): Promise<ClaimedJob[]> {
    const jobs: ClaimedJob[] = [];
    for (const message of messages) {
      try {
        const job = await this.#take(message, claim);
        if (job) jobs.push(job);
      } catch (error) {
        this.#say(message.reply, nak(TROUBLE_PAUSE_MS));
        this.#log.warn({ err: error }, 'jobs cannot be claimed');
      }
    }
    return jobs;
  }

  async #take(message: Msg, claim: Claim): Promise<ClaimedJob | undefined> {
    const id = Number(message.subject.slice(this.#settings.stream.length + 1));
    const found = Number.isSafeInteger(id) ? await this.#store.claimOne(id, claim, message.reply ?? '') : undefined;
    if (typeof found === 'object') return found;
    // Over, or gone; or its time has not come; or somebody else has it, and may be lost.
    this.#say(message.reply, found === undefined ? ACK : nak(Math.max(found - Date.now(), EARLY_PAUSE_MS)));
    return undefined;
  }

  /** Where it does not arrive, the job is offered once more, and the row knows better. */
  #say(ticket: string | null | undefined, word: string): void {
    const connection = this.#link.connection;
    if (ticket && connection && !connection.isClosed()) connection.publish(ticket, word);
  }
}

/** A line over NATS: the runs of one turn leave in batches, each of which goes to one worker of the queue group. */
import { type Msg, type NatsConnection, nuid } from 'nats';
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';
import { BATCH_BYTES_MAX, ROLL_CALL_INTERVAL_MS, SCRIPT_BATCH_RUNS_MAX } from '../bounds.ts';
import type { Deadline } from '../deadline.ts';
import { runBatchCodec, runBatchReplyCodec } from './codec.ts';
import { type Flight, Flights } from './flights.ts';
import type { ScriptLine } from './line.ts';
import type { LinkUser, NatsLink } from './nats-link.ts';
import { helloSubject, type LaneName, lastToken, rollSubject, runSubject } from './nats-subjects.ts';
import { lineClosed, NotBegun, runTooLarge, unreachable } from './replies.ts';
import { RollCall } from './roll-call.ts';

interface Batch {
  readonly reply: string;
  /** Of the last roll call before it was sent. */
  readonly call: number;
  /** Runs that somebody waits for. */
  open: number;
  /** Subject of the worker that has it; undefined: no receipt has come. */
  worker: string | undefined;
  /** Runs that nobody waits for any more, until the worker is known. */
  cancels: number[];
}

const NOTHING = new Uint8Array();
const NO_RESPONDERS = 503;

/** What the last token of a reply subject begins with. */
const BATCH = 'b';
const ROLL = 'r';
const WORKER = 'w';

export class NatsLine implements ScriptLine, LinkUser {
  readonly #link: NatsLink;
  readonly #lane: LaneName;
  readonly #flights: Flights<Batch>;
  readonly #leave: () => void;
  readonly #roller: NodeJS.Timeout;
  /** By the last token of their reply subjects: batches without a receipt. */
  readonly #unconfirmed = new Map<string, Batch>();
  #roll = new RollCall();
  /** Of this connection. */
  #inbox = '';
  #sent = 0;

  constructor(link: NatsLink, lane: LaneName) {
    this.#link = link;
    this.#lane = lane;
    this.#flights = new Flights({ flush: () => this.#flush(), gone: (id, batch) => this.#gone(id, batch) });
    this.#leave = link.join(this);
    this.#roller = setInterval(() => this.#callRoll(), ROLL_CALL_INTERVAL_MS);
    this.#roller.unref();
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  send(run: Run, deadline: Deadline): Promise<RunReply> {
    if (!this.#link.connection) return Promise.reject(unreachable(new NotBegun('There is no connection to NATS.')));
    return this.#flights.add(run, deadline);
  }

  close(): void {
    clearInterval(this.#roller);
    this.#leave();
    // Nobody will hear the answers.
    this.#flights.endSent(({ run, place, reject }) => {
      if (place?.worker !== undefined) this.#cancel(place, place.worker, [run.id]);
      reject(lineClosed());
    });
    this.#flights.close();
  }

  up(connection: NatsConnection): void {
    this.#inbox = `_INBOX.${nuid.next()}`;
    this.#roll = new RollCall();
    connection.subscribe(`${this.#inbox}.*`, { callback: (error, message) => error ?? this.#receive(message) });
    connection.subscribe(helloSubject(this.#lane), {
      callback: (_, { reply }) => {
        if (reply) this.#roll.heard(reply);
      },
    });
    this.#publishRoll();
  }

  down(cause: unknown): void {
    this.#unconfirmed.clear();
    const lost = ({ reject }: Flight<Batch>): void => reject(unreachable(cause));
    this.#flights.endWaiting(lost);
    this.#flights.endSent(lost);
  }

  free(): void {
    this.#flush();
  }

  #flush(): void {
    while (this.#flights.hasWaiting && !this.#link.isBlocked) {
      this.#sendBatch(this.#flights.take(SCRIPT_BATCH_RUNS_MAX, Math.min(BATCH_BYTES_MAX, this.#link.payloadMax)));
    }
  }

  #sendBatch(flights: readonly Flight<Batch>[]): void {
    const runs = flights.map(({ run }) => run);
    const data = runBatchCodec.encode({ $typeName: 'millrace.script.v1.RunBatch', runs, cancels: [] });
    if (data.length > this.#link.payloadMax) return this.#sendParts(flights);
    this.#sent += 1;
    const token = `${BATCH}${this.#sent}`;
    const reply = `${this.#inbox}.${token}`;
    const batch: Batch = { reply, call: this.#roll.current, open: runs.length, worker: undefined, cancels: [] };
    for (const flight of flights) flight.place = batch;
    this.#unconfirmed.set(token, batch);
    this.#link.publish(runSubject(this.#lane), data, reply);
  }

  /** What was thought to fit does not. */
  #sendParts(flights: readonly Flight<Batch>[]): void {
    const [one] = flights;
    if (one && flights.length === 1) return this.#flights.fail(one.run.id, runTooLarge(this.#link.payloadMax));
    const half = flights.length >> 1;
    this.#sendBatch(flights.slice(0, half));
    this.#sendBatch(flights.slice(half));
  }

  /** Must not throw: that would end the connection for all. */
  #receive(message: Msg): void {
    const { data } = message;
    if (data.length > 0) this.#land(data);
    // Only questions, receipts and what NATS itself says need a look at more than the bytes.
    else if (message.headers?.code === NO_RESPONDERS) this.#nobody(lastToken(message.subject));
    if (message.reply) this.#heard(lastToken(message.subject), message.reply);
  }

  #land(data: Uint8Array): void {
    let replies: readonly RunReply[];
    try {
      ({ replies } = runBatchReplyCodec.decode(data));
    } catch {
      return; // of no version that we know: who waits hears of it at his deadline
    }
    for (const reply of replies) {
      const batch = this.#flights.land(reply)?.place;
      if (batch) this.#closeOne(batch);
    }
  }

  #closeOne(batch: Batch): void {
    batch.open -= 1;
    if (batch.open === 0 && batch.cancels.length === 0) this.#unconfirmed.delete(lastToken(batch.reply));
  }

  #heard(token: string, worker: string): void {
    if (token.startsWith(ROLL)) {
      this.#roll.answered(worker, Number(token.slice(ROLL.length)));
      this.#settle();
      return;
    }
    this.#roll.heard(worker);
    const batch = this.#unconfirmed.get(token);
    if (!batch) return;
    this.#unconfirmed.delete(token);
    batch.worker = worker;
    if (batch.cancels.length > 0) this.#cancel(batch, worker, batch.cancels);
  }

  /** Nobody listens on the subject that was asked. */
  #nobody(token: string): void {
    const cause = new NotBegun('Nobody listens on the subject.');
    if (token.startsWith(BATCH)) {
      const batch = this.#unconfirmed.get(token);
      if (batch) this.#lose(batch, cause);
    } else if (token.startsWith(WORKER)) this.#dead(token.slice(WORKER.length), new Error('The worker is gone.'));
    else this.#loseBefore(Number(token.slice(ROLL.length)));
  }

  #dead(token: string, cause: Error): void {
    const worker = [...this.#roll.workers].find((one) => lastToken(one) === token);
    if (worker === undefined) return;
    this.#roll.gone(worker);
    this.#flights.endSent(
      ({ reject }) => reject(unreachable(cause)),
      (batch) => batch.worker === worker,
    );
    this.#settle();
  }

  #settle(): void {
    this.#loseBefore(this.#roll.settled);
  }

  /** All that was sent before this roll call and has no receipt. */
  #loseBefore(call: number): void {
    for (const batch of this.#unconfirmed.values()) {
      if (batch.call < call) this.#lose(batch, new Error('No worker has the batch.'));
    }
  }

  #lose(batch: Batch, cause: Error): void {
    this.#unconfirmed.delete(lastToken(batch.reply));
    this.#flights.endSent(
      ({ reject }) => reject(unreachable(cause)),
      (place) => place === batch,
    );
  }

  #callRoll(): void {
    if (this.#flights.size === 0 || !this.#link.connection) return;
    this.#publishRoll();
    for (const worker of this.#roll.workers) {
      this.#link.publish(worker, NOTHING, `${this.#inbox}.${WORKER}${lastToken(worker)}`);
    }
  }

  #publishRoll(): void {
    this.#link.publish(rollSubject(this.#lane), NOTHING, `${this.#inbox}.${ROLL}${this.#roll.begin()}`);
  }

  #gone(id: number, batch: Batch): void {
    if (batch.worker === undefined) batch.cancels.push(id);
    else this.#cancel(batch, batch.worker, [id]);
    this.#closeOne(batch);
  }

  #cancel(batch: Batch, worker: string, cancels: number[]): void {
    const data = runBatchCodec.encode({ $typeName: 'millrace.script.v1.RunBatch', runs: [], cancels });
    this.#link.publish(worker, data, batch.reply);
  }
}

/** A worker's end of a lane over NATS. */
import type { Msg, NatsConnection, Subscription } from 'nats';
import type { RunBatch, RunReply } from '#proto/script/v1/script_pb.ts';
import { BATCH_BYTES_MAX, SWEEP_INTERVAL_MS } from '../bounds.ts';
import { runBatchCodec, runBatchReplyCodec } from './codec.ts';
import type { ScriptHandler } from './line.ts';
import type { LinkUser, NatsLink } from './nats-link.ts';
import {
  helloSubject,
  type LaneName,
  newWorkerSubject,
  QUEUE_GROUP,
  rollSubject,
  runSubject,
} from './nats-subjects.ts';
import { isTooLarge, replyBytes, tooLargeReply } from './replies.ts';
import { guarded, RunningRuns } from './running.ts';

const NOTHING = new Uint8Array();

/** The runs of one message. */
interface Batch {
  readonly reply: string;
  readonly running: RunningRuns;
  replies: RunReply[];
  isConfirmed: boolean;
}

export class NatsResponder implements LinkUser {
  readonly #link: NatsLink;
  readonly #lane: LaneName;
  readonly #handler: ScriptHandler;
  readonly #leave: () => void;
  readonly #sweeper: NodeJS.Timeout;
  /** By reply subject. */
  readonly #batches = new Map<string, Batch>();
  /** Batches that have something to say, and roll calls to answer behind that. */
  readonly #changed = new Set<Batch>();
  #calls: string[] = [];
  /** Of this connection. */
  #self = '';
  #queue: Subscription | undefined;
  #isScheduled = false;
  #isDraining = false;
  #idle = (): void => {};

  constructor(link: NatsLink, lane: LaneName, handler: ScriptHandler) {
    this.#link = link;
    this.#lane = lane;
    this.#handler = guarded(handler);
    this.#sweeper = setInterval(() => {
      const now = Date.now();
      for (const { running } of this.#batches.values()) running.sweep(now);
    }, SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
    this.#leave = link.join(this);
  }

  /** Runs that are being answered. */
  get inFlight(): number {
    let sum = 0;
    for (const { running } of this.#batches.values()) sum += running.size;
    return sum;
  }

  /** Takes nothing new; resolves when all that was taken is answered, and the answers have reached the server. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    // What the server had sent before it heard of this has come when it resolves.
    await this.#queue?.drain().catch(() => {});
    if (this.#batches.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.#link.connection?.flush().catch(() => {});
  }

  /** Call it when the connection ends or has ended: what is running is ended as well. */
  close(): void {
    clearInterval(this.#sweeper);
    this.#leave();
    this.#abandon();
  }

  up(connection: NatsConnection): void {
    if (this.#isDraining) return;
    this.#self = newWorkerSubject();
    connection.subscribe(this.#self, { callback: (error, message) => error ?? this.#cancel(message) });
    connection.subscribe(rollSubject(this.#lane), {
      callback: (_, { reply }) => {
        if (!reply) return;
        this.#calls.push(reply);
        this.#schedule();
      },
    });
    connection.publish(helloSubject(this.#lane), NOTHING, { reply: this.#self });
    this.#queue = connection.subscribe(runSubject(this.#lane), {
      queue: QUEUE_GROUP,
      callback: (error, message) => error ?? this.#receive(message),
    });
  }

  down(): void {
    this.#queue = undefined;
    this.#abandon();
  }

  free(): void {
    this.#flush();
  }

  /** As all that listens here must not throw: that would end the connection. */
  #receive(message: Msg): void {
    const { reply } = message;
    const runs = read(message.data)?.runs;
    if (!reply || !runs || runs.length === 0) return;
    const batch: Batch = {
      reply,
      running: new RunningRuns(this.#handler, (answer) => {
        if (!this.#batches.has(reply)) return; // its connection is lost
        if (answer) batch.replies.push(answer);
        this.#change(batch);
      }),
      replies: [],
      isConfirmed: false,
    };
    this.#batches.set(reply, batch);
    this.#change(batch);
    for (const run of runs) batch.running.start(run);
  }

  #cancel(message: Msg): void {
    if (message.data.length === 0) return; // a question whether we are here
    const batch = this.#batches.get(message.reply ?? '');
    for (const id of read(message.data)?.cancels ?? []) batch?.running.cancel(id);
  }

  #change(batch: Batch): void {
    this.#changed.add(batch);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    for (const batch of this.#changed) {
      if (this.#link.isBlocked) return;
      this.#changed.delete(batch);
      this.#answer(batch);
      if (batch.running.size === 0) this.#batches.delete(batch.reply);
    }
    // Behind all receipts: whoever reads them in order knows then what we have.
    for (const call of this.#calls) this.#link.publish(call, NOTHING, this.#self);
    this.#calls = [];
    if (this.#batches.size === 0) this.#idle();
  }

  #answer(batch: Batch): void {
    const { replies } = batch;
    batch.replies = [];
    // A batch that is answered as a whole needs no receipt.
    const needsReceipt = batch.running.size > 0 && !batch.isConfirmed;
    batch.isConfirmed ||= needsReceipt;
    if (needsReceipt && replies.length === 0) this.#link.publish(batch.reply, NOTHING, this.#self);
    for (let from = 0; from < replies.length; ) {
      const part = nextPart(replies, from);
      this.#send(batch.reply, part, needsReceipt && from === 0 ? this.#self : undefined);
      from += part.length;
    }
  }

  #send(subject: string, replies: RunReply[], self: string | undefined): void {
    const data = runBatchReplyCodec.encode({ $typeName: 'millrace.script.v1.RunBatchReply', replies });
    if (data.length <= this.#link.payloadMax) return this.#link.publish(subject, data, self);
    const [one] = replies;
    if (one && replies.length === 1) {
      // A server that takes not even this is none for scripts; the router hears of it at its deadline.
      if (!isTooLarge(one)) this.#send(subject, [tooLargeReply(one.id)], self);
      return;
    }
    const half = replies.length >> 1;
    this.#send(subject, replies.slice(0, half), self);
    this.#send(subject, replies.slice(half), undefined);
  }

  /** Nobody will hear the answers. */
  #abandon(): void {
    const batches = [...this.#batches.values()];
    this.#batches.clear();
    this.#changed.clear();
    this.#calls = [];
    for (const { running } of batches) running.abandon();
    this.#idle();
  }
}

/** What fits one message, most probably; one alone may be larger. */
function nextPart(replies: readonly RunReply[], from: number): RunReply[] {
  let bytes = 0;
  let to = from;
  for (; to < replies.length; to++) {
    bytes += replyBytes(replies[to] as RunReply);
    if (to > from && bytes > BATCH_BYTES_MAX) break;
  }
  return replies.slice(from, to);
}

/** @returns undefined: of no version that we know; its sender hears of it at his deadline */
function read(data: Uint8Array): RunBatch | undefined {
  try {
    return runBatchCodec.decode(data);
  } catch {
    return undefined;
  }
}

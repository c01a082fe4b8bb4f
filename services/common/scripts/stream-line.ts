/** A line of Exchange streams, one to each address of a lane's workers. */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import {
  type Run,
  type RunBatch,
  type RunBatchReply,
  type RunReply,
  ScriptRunner,
} from '#proto/script/v1/script_pb.ts';
import { BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, OPERATION_BYTES_MAX } from '../bounds.ts';
import type { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Channel, type ChannelSettings } from '../grpc/channel.ts';
import { Replicas } from '../replicas.ts';
import { SCRIPT_CODECS } from './codec.ts';
import { type Flight, Flights } from './flights.ts';
import type { ScriptLine } from './line.ts';
import { isUntouched, NotBegun, runBytes, runTooLarge, unreachable, untouchedReply } from './replies.ts';

/** A run goes to the less loaded of two workers drawn by chance; one that nobody has begun is tried with the others. */
export class StreamLine implements ScriptLine {
  readonly #workers: Replicas<StreamWorker>;

  /** @param workers  one for each address */
  constructor(workers: readonly Omit<ChannelSettings, 'codecs'>[]) {
    this.#workers = new Replicas(workers.map((settings) => new StreamWorker(settings)));
  }

  get inFlight(): number {
    return this.#workers.inFlight;
  }

  async send(run: Run, deadline: Deadline): Promise<RunReply> {
    if (runBytes(run) > OPERATION_BYTES_MAX) throw runTooLarge(OPERATION_BYTES_MAX);
    for (let tries = 0; tries < this.#workers.size; tries++) {
      const worker = this.#workers.pick();
      if (!worker) break;
      const reply = await worker.send(run, deadline).catch((error: unknown) => {
        // Only a lost line has a cause.
        if (error instanceof MillraceError && error.code === 'unavailable' && error.cause) this.#workers.failed(worker);
        throw error;
      });
      if (!isUntouched(reply)) {
        this.#workers.succeeded(worker);
        return reply;
      }
      this.#workers.failed(worker);
    }
    throw unreachable(new NotBegun('No worker takes the run.'));
  }

  close(): void {
    this.#workers.close();
  }
}

type RunStream = ClientDuplexStream<RunBatch, RunBatchReply>;

/** One worker. Reconnects by itself when it is used again. */
class StreamWorker {
  readonly #channel: Channel<typeof ScriptRunner>;
  readonly #flights: Flights<RunStream>;
  #stream: RunStream | undefined;
  /** The other side has taken the stream: before that, nothing is written that would be lost if there is none. */
  #isTaken = false;
  #isBlocked = false;
  #cancels: number[] = [];

  constructor(settings: ChannelSettings) {
    this.#channel = new Channel(ScriptRunner, { ...settings, codecs: SCRIPT_CODECS });
    this.#flights = new Flights({
      flush: () => this.#flush(),
      gone: (id) => {
        this.#cancels.push(id);
        this.#flights.schedule();
      },
    });
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /** @returns an untouched reply where the worker has certainly not begun the run */
  send(run: Run, deadline: Deadline): Promise<RunReply> {
    return this.#flights.add(run, deadline);
  }

  close(): void {
    const stream = this.#stream;
    this.#reset();
    // Nobody will hear the answers: the worker ends what it has.
    stream?.cancel();
    this.#flights.close();
    this.#channel.close();
  }

  #flush(): void {
    if (!this.#flights.hasWaiting && this.#cancels.length === 0) return;
    const stream = this.#stream ?? this.#open();
    while (this.#isTaken && !this.#isBlocked && (this.#flights.hasWaiting || this.#cancels.length > 0)) {
      const flights = this.#flights.take(BATCH_OPERATIONS_MAX, BATCH_BYTES_MAX);
      for (const flight of flights) flight.place = stream;
      const runs = flights.map(({ run }) => run);
      const cancels = this.#cancels;
      this.#cancels = [];
      this.#isBlocked = !stream.write({ $typeName: 'millrace.script.v1.RunBatch', runs, cancels });
    }
  }

  #open(): RunStream {
    const stream: RunStream = this.#channel.duplex('exchange');
    this.#stream = stream;
    const onlyNow = (work: () => void) => () => {
      if (this.#stream === stream) work();
    };
    const flushWith = (change: () => void): (() => void) =>
      onlyNow(() => {
        change();
        this.#flush();
      });
    stream.on(
      'metadata',
      flushWith(() => {
        this.#isTaken = true;
      }),
    );
    stream.on(
      'drain',
      flushWith(() => {
        this.#isBlocked = false;
      }),
    );
    stream.on('data', ({ replies }: RunBatchReply) => {
      for (const reply of replies) this.#flights.land(reply);
    });
    stream.on('error', (error) => onlyNow(() => this.#lost(error))());
    let isGood = false;
    stream.on('status', ({ code }) => {
      isGood = code === status.OK;
    });
    stream.on(
      'end',
      onlyNow(() => (isGood ? this.#left() : this.#lost(new Error('The other side ended the stream.')))),
    );
    return stream;
  }

  /** What was written may have been begun: only what was not can go elsewhere. */
  #lost(cause: unknown): void {
    this.#reset();
    this.#flights.endWaiting(untouched);
    this.#flights.endSent(({ reject }) => reject(unreachable(cause)));
  }

  /** A worker that stops in good order has answered all that it had begun. */
  #left(): void {
    this.#reset();
    this.#flights.endWaiting(untouched);
    this.#flights.endSent(untouched);
  }

  #reset(): void {
    this.#stream = undefined;
    this.#isTaken = false;
    this.#isBlocked = false;
    this.#cancels = [];
  }
}

function untouched({ run, resolve }: Flight<unknown>): void {
  resolve(untouchedReply(run.id));
}

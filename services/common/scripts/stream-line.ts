/** A line of streams, one to each address of a lane's workers. */
import { connect } from 'node:net';
import type { Run, RunReply } from '#proto/script/v1/script_pb.ts';
import { BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, OPERATION_BYTES_MAX } from '../bounds.ts';
import type { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Replicas } from '../replicas.ts';
import { runBatchCodec, runBatchReplyCodec } from './codec.ts';
import { type Flight, Flights } from './flights.ts';
import { Frame, FramedSocket } from './framed-socket.ts';
import type { ScriptLine } from './line.ts';
import { isUntouched, NotBegun, runBytes, runTooLarge, unreachable, untouchedReply } from './replies.ts';

export interface WorkerAddress {
  /** unix:/path */
  readonly address: string;
  /** Of the cluster. */
  readonly token: string | undefined;
}

const UNIX = 'unix:';

/** A run goes to the less loaded of two workers drawn by chance; one that nobody has begun is tried with the others. */
export class StreamLine implements ScriptLine {
  readonly #workers: Replicas<StreamWorker>;

  /** @param workers  one for each address */
  constructor(workers: readonly WorkerAddress[]) {
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

/** One worker. Connects again by itself when it is used again. */
class StreamWorker {
  readonly #settings: WorkerAddress;
  readonly #flights: Flights<FramedSocket>;
  #stream: FramedSocket | undefined;
  /** The other side has taken the stream: before that, nothing is written that would be lost if there is none. */
  #isTaken = false;
  #isBlocked = false;
  #cancels: number[] = [];

  constructor(settings: WorkerAddress) {
    this.#settings = settings;
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
    stream?.destroy();
    this.#flights.close();
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
      const batch = runBatchCodec.encode({ $typeName: 'millrace.script.v1.RunBatch', runs, cancels });
      this.#isBlocked = !stream.write(Frame.BATCH, batch);
    }
  }

  #open(): FramedSocket {
    const { address, token } = this.#settings;
    const stream = new FramedSocket(connect(address.slice(UNIX.length)));
    this.#stream = stream;
    let isGood = false;
    stream.on('drain', () => {
      if (this.#stream !== stream) return;
      this.#isBlocked = false;
      this.#flush();
    });
    stream.on('frame', (kind, content) => {
      if (this.#stream !== stream) return;
      if (kind === Frame.BATCH)
        for (const reply of runBatchReplyCodec.decode(content).replies) this.#flights.land(reply);
      else if (kind === Frame.BYE) isGood = true;
      else if (kind === Frame.TAKEN) {
        this.#isTaken = true;
        this.#flush();
      }
    });
    stream.on('gone', (cause) => {
      if (this.#stream !== stream) return;
      if (isGood) this.#left();
      else this.#lost(cause);
    });
    stream.write(Frame.HELLO, Buffer.from(token ?? ''));
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

/** A worker's end of millrace.script.v1 over gRPC: batches come in, each run is answered alone, replies go back. */
import {
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';
import {
  type Run,
  type RunBatch,
  type RunBatchReply,
  type RunReply,
  ScriptRunner,
} from '#proto/script/v1/script_pb.ts';
import { BATCH_BYTES_MAX, GRPC_MESSAGE_BYTES_MAX, MIB, SWEEP_INTERVAL_MS } from '../bounds.ts';
import { callerGone, deadlinePassed } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import type { ServedService } from '../grpc/service.ts';
import { toServiceError } from '../grpc/status.ts';
import { SCRIPT_CODECS } from './codec.ts';
import type { ScriptHandler } from './line.ts';
import { replyBytes, tooLargeReply, untouchedReply } from './replies.ts';
import { deadlineOf, guarded, RunningRuns } from './running.ts';

const REPLY_BYTES_MAX = GRPC_MESSAGE_BYTES_MAX - 4 * MIB;

export interface ScriptRunnerService extends ServedService {
  /** Ends the streams when what is running has been answered; what comes meanwhile goes back untouched. */
  drain(): void;
}

/** What a worker adds to its gRPC server to be reached by routers. */
export function scriptRunner(handler: ScriptHandler): ScriptRunnerService {
  const streams = new Set<RunStream>();
  const handle = guarded(handler);
  let isDraining = false;
  return {
    desc: ScriptRunner,
    codecs: SCRIPT_CODECS,
    drain: () => {
      isDraining = true;
      for (const stream of streams) stream.end();
    },
    implementation: {
      exchange: (call: ServerDuplexStream<RunBatch, RunBatchReply>): void => {
        if (isDraining) return void call.emit('error', stopping());
        const stream = new RunStream(call, handle);
        streams.add(stream);
        call.on('close', () => streams.delete(stream));
      },
      execute: (call: ServerUnaryCall<Run, RunReply>, callback: sendUnaryData<RunReply>): void => {
        if (isDraining) return callback(stopping() as ServiceError);
        const deadline = deadlineOf(call.request);
        const timer = setTimeout(() => deadline.abort(deadlinePassed()), Math.min(deadline.remainingMs(), 0x7fffffff));
        call.on('cancelled', () => deadline.abort(callerGone()));
        void Promise.resolve(handle(call.request, deadline)).then((reply) => {
          clearTimeout(timer);
          callback(null, fitting(reply));
        });
      },
    },
  };
}

const stopping = () => toServiceError(new MillraceError('unavailable', 'The script worker is stopping.'));

const fitting = (reply: RunReply): RunReply => (replyBytes(reply) > REPLY_BYTES_MAX ? tooLargeReply(reply.id) : reply);

/** One router's stream. Replies gather while the turn lasts or the line is busy, and leave together. */
class RunStream {
  readonly #call: ServerDuplexStream<RunBatch, RunBatchReply>;
  readonly #running: RunningRuns;
  readonly #sweeper: NodeJS.Timeout;
  #replies: RunReply[] = [];
  #isScheduled = false;
  #isBlocked = false;
  #isEnding = false;

  constructor(call: ServerDuplexStream<RunBatch, RunBatchReply>, handler: ScriptHandler) {
    this.#call = call;
    this.#running = new RunningRuns(handler, (reply) => {
      if (reply) this.#reply(fitting(reply));
      else this.#schedule(); // it may have been the last
    });
    this.#sweeper = setInterval(() => this.#running.sweep(Date.now()), SWEEP_INTERVAL_MS);
    call.on('data', (batch: RunBatch) => this.#receive(batch));
    call.on('drain', () => {
      this.#isBlocked = false;
      this.#flush();
    });
    call.on('end', () => this.end());
    call.on('cancelled', () => this.#abandon());
    call.on('error', () => this.#abandon());
    // The other side sends when it knows that somebody is there.
    call.sendMetadata(new Metadata());
  }

  /** Answers what is running, begins nothing more. */
  end(): void {
    this.#isEnding = true;
    this.#schedule();
  }

  #receive(batch: RunBatch): void {
    for (const id of batch.cancels) this.#running.cancel(id);
    for (const run of batch.runs) {
      if (this.#isEnding) this.#reply(untouchedReply(run.id));
      else this.#running.start(run);
    }
  }

  #reply(reply: RunReply): void {
    if (this.#call.cancelled || this.#call.writableEnded) return;
    this.#replies.push(reply);
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
    while (this.#replies.length > 0 && !this.#isBlocked && !this.#call.cancelled) {
      const replies = this.#nextReplies();
      this.#isBlocked = !this.#call.write({ $typeName: 'millrace.script.v1.RunBatchReply', replies });
    }
    if (!this.#isEnding || this.#running.size > 0 || this.#replies.length > 0) return;
    clearInterval(this.#sweeper);
    this.#call.end();
  }

  /** What fits one batch: much may have gathered while the line was busy. One alone may be larger. */
  #nextReplies(): RunReply[] {
    let bytes = 0;
    let count = 0;
    for (const reply of this.#replies) {
      bytes += replyBytes(reply);
      if (count > 0 && bytes > BATCH_BYTES_MAX) break;
      count += 1;
    }
    return this.#replies.splice(0, count);
  }

  #abandon(): void {
    clearInterval(this.#sweeper);
    this.#replies = [];
    this.#running.abandon();
  }
}

/** A worker's end of the streams of this machine: batches come in, each run is answered alone, replies go back. */
import { timingSafeEqual } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { RunReply } from '#proto/script/v1/script_pb.ts';
import { BATCH_BYTES_MAX, GRPC_MESSAGE_BYTES_MAX, MIB, SWEEP_INTERVAL_MS } from '../bounds.ts';
import type { Component } from '../component.ts';
import { runBatchCodec, runBatchReplyCodec } from './codec.ts';
import { Frame, FramedSocket } from './framed-socket.ts';
import type { ScriptHandler } from './line.ts';
import { replyBytes, tooLargeReply, untouchedReply } from './replies.ts';
import { guarded, RunningRuns } from './running.ts';

const REPLY_BYTES_MAX = GRPC_MESSAGE_BYTES_MAX - 4 * MIB;
/** Of somebody who connects and does not say who he is. */
const HELLO_MS = 5_000;

/**
 * Listens at a path. Its draining ends the streams when what is running has been answered; what comes meanwhile goes
 * back untouched.
 * @param token  of the cluster: whoever does not say it is cut off
 */
export async function listenForRuns(
  path: string,
  token: string | undefined,
  handler: ScriptHandler,
): Promise<Component> {
  const streams = new Set<RunStream>();
  const handle = guarded(handler);
  let isDraining = false;
  const server = createServer((socket) => {
    if (isDraining) return void socket.destroy();
    accept(socket, token, (framed) => {
      const stream = new RunStream(framed, handle, () => streams.delete(stream));
      streams.add(stream);
    });
  });
  // A socket of one that was killed is in the way of its successor.
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  return {
    name: 'script-streams',
    drain: async (deadline) => {
      isDraining = true;
      server.close();
      for (const stream of streams) stream.end();
      await Promise.race([closed, aborted(deadline)]);
    },
    close: async () => {
      isDraining = true;
      server.close();
      for (const stream of streams) stream.close();
      await closed;
    },
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** The first frame says who comes. */
function accept(socket: Socket, token: string | undefined, taken: (framed: FramedSocket) => void): void {
  const framed = new FramedSocket(socket);
  const late = setTimeout(() => framed.destroy(), HELLO_MS);
  framed.once('gone', () => clearTimeout(late));
  framed.once('frame', (kind, content) => {
    clearTimeout(late);
    if (kind === Frame.HELLO && isTrusted(content, token)) taken(framed);
    else framed.destroy();
  });
}

function isTrusted(sent: Uint8Array, token: string | undefined): boolean {
  if (!token) return true;
  const known = Buffer.from(token);
  return sent.length === known.length && timingSafeEqual(sent, known);
}

const fitting = (reply: RunReply): RunReply => (replyBytes(reply) > REPLY_BYTES_MAX ? tooLargeReply(reply.id) : reply);

/** One router's stream. Replies gather while the turn lasts or the line is busy, and leave together. */
class RunStream {
  readonly #framed: FramedSocket;
  readonly #running: RunningRuns;
  readonly #sweeper: NodeJS.Timeout;
  readonly #over: () => void;
  #replies: RunReply[] = [];
  #isScheduled = false;
  #isBlocked = false;
  #isEnding = false;
  #isOver = false;

  constructor(framed: FramedSocket, handler: ScriptHandler, over: () => void) {
    this.#framed = framed;
    this.#over = over;
    this.#running = new RunningRuns(handler, (reply) => {
      if (reply) this.#reply(fitting(reply));
      else this.#schedule(); // it may have been the last
    });
    this.#sweeper = setInterval(() => this.#running.sweep(Date.now()), SWEEP_INTERVAL_MS);
    framed.on('frame', (kind, content) => {
      if (kind === Frame.BATCH) this.#receive(content);
    });
    framed.on('drain', () => {
      this.#isBlocked = false;
      this.#flush();
    });
    framed.on('gone', () => this.#abandon());
    // The other side sends when it knows that somebody is there.
    framed.write(Frame.TAKEN);
  }

  /** Cuts it. */
  close(): void {
    this.#framed.destroy();
    this.#abandon();
  }

  /** Answers what is running, begins nothing more. */
  end(): void {
    this.#isEnding = true;
    this.#schedule();
  }

  #receive(content: Uint8Array): void {
    const batch = runBatchCodec.decode(content);
    for (const id of batch.cancels) this.#running.cancel(id);
    for (const run of batch.runs) {
      if (this.#isEnding) this.#reply(untouchedReply(run.id));
      else this.#running.start(run);
    }
  }

  #reply(reply: RunReply): void {
    if (this.#isOver) return;
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
    while (this.#replies.length > 0 && !this.#isBlocked && !this.#isOver) {
      const replies = this.#nextReplies();
      const batch = runBatchReplyCodec.encode({ $typeName: 'millrace.script.v1.RunBatchReply', replies });
      this.#isBlocked = !this.#framed.write(Frame.BATCH, batch);
    }
    if (!this.#isEnding || this.#isOver || this.#running.size > 0 || this.#replies.length > 0) return;
    this.#isOver = true;
    clearInterval(this.#sweeper);
    this.#framed.write(Frame.BYE);
    this.#framed.end();
    this.#over();
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
    this.#isOver = true;
    this.#replies = [];
    this.#running.abandon();
    this.#over();
  }
}

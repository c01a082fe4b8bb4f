/**
 * A process that does SQLite work for a source: reads jobs from its channel and writes the answers back, one after the
 * other without an event loop, and ends when its parent closes the channel.
 */
import { readSync, writeSync } from 'node:fs';
import { Executor } from './executor.ts';
import { CHANNEL, encodeFrame, FrameReader, type Job, STARTED, type WorkerSetup } from './protocol.ts';

const CHUNK_BYTES = 64 * 1024;

// A signal to the whole group is for the parent, which finishes what it has accepted and then closes the pipe.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

function* messages(): Generator<unknown> {
  const reader = new FrameReader();
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    const bytes = readSync(CHANNEL, chunk);
    if (bytes === 0) return;
    yield* reader.push(chunk.subarray(0, bytes));
  }
}

function send(frame: Buffer): void {
  for (let at = 0; at < frame.length; ) at += writeSync(CHANNEL, frame, at);
}

const incoming = messages();
const setup = incoming.next();
if (!setup.done) {
  send(encodeFrame(STARTED));
  const executor = new Executor(setup.value as WorkerSetup);
  for (const jobs of incoming) {
    // Answered before the next one begins: whoever finds this process gone knows exactly which job it was at.
    for (const job of jobs as Job[]) send(encodeFrame(executor.execute(job)));
  }
  executor.close();
}
// Signal handlers would keep it alive.
process.exit(0);

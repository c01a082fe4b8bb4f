/** What a source and its worker processes say to each other, and how it is framed on the channel between them. */
import { deserialize, serialize } from 'node:v8';
import type { EachMode } from '../engine.ts';
import type { Param, ResultColumn, Rows, Statement } from '../statement.ts';

/** Sent once, before any job. */
export interface WorkerSetup {
  /** Absolute path, or `:memory:`. */
  readonly file: string;
  /** SQL that the administrator wants run on each new connection. */
  readonly statements: readonly string[];
  /** The worker refuses to write; what writes is answered with `writes`. */
  readonly readsOnly: boolean;
}

export interface Plan {
  readonly text: string;
  readonly columns: readonly ResultColumn[];
}

/** `timeoutMs`: how long to wait for the lock that another program has on the file. */
export type Job =
  | { readonly kind: 'run'; readonly statement: Statement; readonly timeoutMs: number }
  | {
      readonly kind: 'each';
      /** The different statements: thousands of runs usually share one. */
      readonly plans: readonly Plan[];
      readonly runs: readonly { readonly plan: number; readonly params: readonly Param[] }[];
      readonly mode: EachMode;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'begin'; readonly timeoutMs: number }
  | { readonly kind: 'commit' | 'rollback' }
  | { readonly kind: 'open'; readonly stream: number; readonly statement: Statement }
  | { readonly kind: 'next' | 'close'; readonly stream: number };

/** Why a job failed, in SQLite's terms. */
export interface Failure {
  /** SQLITE_CONSTRAINT_UNIQUE, …; or a code of the worker's own (see errors.ts). */
  readonly code: string;
  readonly message: string;
}

export type Outcome = { readonly rows: Rows } | { readonly failure: Failure };

/** Jobs are answered one by one in the order they were sent, each before the next begins. */
export type Answer =
  | Outcome
  | { readonly outcomes: readonly Outcome[] }
  /** The next rows of a stream; the last has `done`. */
  | { readonly rows: Rows; readonly done: boolean }
  | { readonly done: true }
  | { readonly writes: true };

/** File descriptor of the channel in the worker: the three below it are used by others, who make them non-blocking. */
export const CHANNEL = 3;
/** The worker's first message. */
export const STARTED = 'started';

const LENGTH_BYTES = 4;

export function encodeFrame(message: unknown): Buffer {
  const body = serialize(message);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.length);
  frame.writeUInt32LE(body.length);
  body.copy(frame, LENGTH_BYTES);
  return frame;
}

/** Cuts a stream of bytes into messages. Binary values in them may be views of the chunk that was pushed last. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = LENGTH_BYTES;

  /** @returns the messages that this chunk completes */
  push(chunk: Buffer): unknown[] {
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) {
      this.#keep(chunk);
      return [];
    }
    // Joined once a message is whole, so that a big one is not copied for each of its chunks.
    let rest = this.#chunks.length === 0 ? chunk : Buffer.concat([...this.#chunks, chunk]);
    const messages: unknown[] = [];
    this.#chunks = [];
    this.#needed = LENGTH_BYTES;
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readUInt32LE(0);
      if (rest.length < end) {
        this.#needed = end;
        break;
      }
      messages.push(deserialize(rest.subarray(LENGTH_BYTES, end)));
      rest = rest.subarray(end);
    }
    if (rest.length > 0) this.#keep(rest);
    this.#bytes = rest.length;
    return messages;
  }

  /** A copy: the caller may use the chunk's memory again. */
  #keep(part: Buffer): void {
    this.#chunks.push(Buffer.from(part));
  }
}

/** Why a run has no outcome: failures of scripts, of caps, and where in the user's own text they happened. */
import { create } from '@bufbuild/protobuf';
import type { Deadline } from '#common/deadline.ts';
import { type Failure, Failure_Kind, FailureSchema } from '#proto/script/v1/script_pb.ts';

/** In front of the names of scripts in stack traces, so that no other line of a trace looks like one. */
export const FILE_PREFIX = 'script:';

/** What a script, or the compiler, threw. `file` is the script that was run: it is not named in its own failures. */
export function thrown(message: string, stack: string, membersJson: string, file: string): Failure {
  const place = placeIn(stack);
  return create(FailureSchema, {
    kind: Failure_Kind.THROWN,
    message,
    line: place?.line ?? 0,
    column: place?.column ?? 0,
    file: place === undefined || place.file === file ? '' : place.file,
    thrownJson: encode(membersJson),
  });
}

export function syntaxError(message: string, line: number, column: number, file: string): Failure {
  return create(FailureSchema, { kind: Failure_Kind.THROWN, message, line, column, file });
}

export function capped(message: string): Failure {
  return create(FailureSchema, { kind: Failure_Kind.CAPPED, message });
}

export function unknownScript(): Failure {
  return create(FailureSchema, { kind: Failure_Kind.UNKNOWN, message: 'There is no such script.' });
}

export function late(deadline: Deadline): Failure {
  const message = deadline.reason?.message ?? 'The request took longer than it was given.';
  return create(FailureSchema, { kind: Failure_Kind.DEADLINE, message });
}

export function busy(): Failure {
  return create(FailureSchema, { kind: Failure_Kind.BUSY, message: 'Too many scripts are running.' });
}

/** Ours, not the script's; what it was stands in the log. */
export function lost(message: string): Failure {
  return create(FailureSchema, { kind: Failure_Kind.LOST, message });
}

export const memoryCap = (memoryMb: number): Failure => capped(`The script used more than ${memoryMb} MB of memory.`);
export const cpuCap = (cpuMs: number): Failure => capped(`The script used more than ${cpuMs} ms of processor time.`);
export const wallCap = (wallMs: number): Failure => capped(`The script ran for more than ${wallMs} ms.`);
export const outputCap = (bytes: number): Failure => capped(`What the script left is larger than ${bytes} bytes.`);
export const callsCap = (calls: number): Failure => capped(`The script made more than ${calls} calls of the API.`);
export const treeCallsCap = (calls: number): Failure =>
  capped(`The script, and those that call each other with it, made more than ${calls} calls of the API.`);
export const timersCap = (timers: number): Failure => capped(`The script set more than ${timers} timers at once.`);

export const messagesCap = (messages: number): Failure =>
  capped(`The script set timers or asked for random values, URLs or the session more than ${messages} times.`);

/** `    at f (script:name:LINE:COLUMN)`: the first such line is where it happened. */
const FRAME = /(?:\(|at (?:async )?)script:(.*):(\d+):(\d+)\)?$/;

const FRAME_LENGTH_MAX = 500;

function placeIn(stack: string): { file: string; line: number; column: number } | undefined {
  for (const line of stack.split('\n')) {
    // A line of V8's own is short; one by the script may be made to be searched for long.
    if (line.length > FRAME_LENGTH_MAX) continue;
    const frame = FRAME.exec(line);
    if (frame) return { file: frame[1]!, line: Number(frame[2]), column: Math.max(1, Number(frame[3])) };
  }
  return undefined;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

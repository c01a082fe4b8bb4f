/** What is said about runs on their way: how large they are, and the answers that no script gives. */
import { create } from '@bufbuild/protobuf';
import { Failure_Kind, FailureSchema, type Run, type RunReply } from '#proto/script/v1/script_pb.ts';
import { MillraceError } from '../errors.ts';

/** For names, numbers and whatever else is small in every one. */
const ENVELOPE_BYTES = 512;

/** About as much as it takes in memory and on the wire; a text counts by its characters. */
export function runBytes({ event, trial, sessionJson, grant }: Run): number {
  let bytes = ENVELOPE_BYTES + sessionJson.length + grant.length;
  if (trial) bytes += trial.content.length + trial.configJson.length;
  if (!event) return bytes;
  const { request, response, resourceJson } = event;
  bytes += resourceJson.length;
  if (request) {
    bytes += request.uri.length + request.query.length + request.headersJson.length;
    bytes += request.content.length + request.payloadJson.length;
  }
  if (response) bytes += response.content.length + response.headersJson.length;
  return bytes;
}

export function replyBytes({ outcome, logs }: RunReply): number {
  let bytes = ENVELOPE_BYTES;
  if (outcome.case === 'done') {
    const { requestJson, responseJson, returnedJson, contentJson } = outcome.value;
    bytes += requestJson.length + responseJson.length + returnedJson.length + contentJson.length;
  } else if (outcome.case === 'failure') bytes += outcome.value.thrownJson.length + outcome.value.message.length;
  for (const { text } of logs) bytes += text.length;
  return bytes;
}

export function failureReply(id: number, kind: Failure_Kind, message: string): RunReply {
  const value = create(FailureSchema, { kind, message });
  return bare(id, { case: 'failure', value });
}

export const busyReply = (id: number): RunReply =>
  failureReply(id, Failure_Kind.BUSY, 'The script workers have too much to do.');

const TOO_LARGE = 'What the script gave back is too large to travel.';

export const tooLargeReply = (id: number): RunReply => failureReply(id, Failure_Kind.CAPPED, TOO_LARGE);

export const isTooLarge = ({ outcome }: RunReply): boolean =>
  outcome.case === 'failure' && outcome.value.message === TOO_LARGE;

export const lostReply = (id: number): RunReply =>
  failureReply(id, Failure_Kind.LOST, 'The run failed for an unexpected reason.');

/** Without an outcome: the worker is stopping and has not begun the run, which may go elsewhere. */
export const untouchedReply = (id: number): RunReply => bare(id, { case: undefined });

export const isUntouched = ({ outcome }: RunReply): boolean => outcome.case === undefined;

function bare(id: number, outcome: RunReply['outcome']): RunReply {
  return {
    $typeName: 'millrace.script.v1.RunReply',
    id,
    outcome,
    next: 0,
    logs: [],
    cpuMicros: 0,
    memoryBytes: 0n,
    reads: 0,
    repeatable: false,
  };
}

/** With a cause: the line or the worker is lost. */
export const unreachable = (cause: unknown): MillraceError =>
  new MillraceError('unavailable', 'The script workers cannot be reached.', undefined, cause);

/** Why a run was not even begun: it may be sent again without harm. */
export class NotBegun extends Error {}

export const isNotBegun = (error: unknown): boolean =>
  error instanceof MillraceError && error.cause instanceof NotBegun;

export const lineClosed = (): MillraceError => new MillraceError('unavailable', 'The script workers are being left.');

/** @param bytesMax  what the line can take */
export const runTooLarge = (bytesMax: number): MillraceError =>
  new MillraceError('limited', `The event is too large to be given to its script: at most ${bytesMax} bytes can be.`);

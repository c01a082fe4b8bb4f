/** What a worker answers. */
import { create } from '@bufbuild/protobuf';
import { bitOf, Member } from '#common/scripts/members.ts';
import {
  type Failure,
  Lane,
  type LogLine,
  type Run,
  type RunReply,
  RunReplySchema,
} from '#proto/script/v1/script_pb.ts';
import type { Program } from './compile.ts';
import type { Ended } from './ended.ts';

export const failed = (run: Run, failure: Failure): RunReply =>
  create(RunReplySchema, { id: run.id, outcome: { case: 'failure', value: failure } });

export const elsewhere = (run: Run): RunReply =>
  create(RunReplySchema, { id: run.id, outcome: { case: 'elsewhere', value: Lane.PATIENT }, next: Lane.PATIENT });

/** This lane, with everything. */
export const inFull = (run: Run): RunReply =>
  create(RunReplySchema, { id: run.id, outcome: { case: 'elsewhere', value: Lane.QUICK } });

/**
 * @param program  undefined: its text differs from caller to caller, and nothing is told of what it looked at
 * @param logs     for whoever asked for them
 */
export function replied(
  run: Run,
  ended: Exclude<Ended, { left: true } | { lacking: true }>,
  program: Program | undefined,
  spent: { readonly cpuMicros: number; readonly memoryBytes: number; readonly logs: readonly LogLine[] },
): RunReply {
  const isDone = 'outcome' in ended;
  const reads = isDone && program?.mayBeLean ? ended.reads : 0;
  return {
    $typeName: 'millrace.script.v1.RunReply',
    id: run.id,
    outcome: isDone ? { case: 'done', value: ended.outcome } : { case: 'failure', value: ended.failure },
    next: Lane.UNSPECIFIED,
    logs: [...spent.logs],
    cpuMicros: spent.cpuMicros,
    memoryBytes: BigInt(spent.memoryBytes),
    reads,
    repeatable: reads !== 0 && program?.isPure === true && (reads & bitOf(Member.LOOKUPS)) === 0,
  };
}

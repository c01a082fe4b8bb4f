/** What the execution of an operation has at hand: one service's opened database and what is known of it. */
import type { Deadline } from '#common/deadline.ts';
import type { Operation, Result } from '#proto/data/v1/data_pb.ts';
import type { BindContext, CompileContext } from '../compile/builder.ts';
import type { SqlSource } from '../engine.ts';
import type { Param } from '../statement.ts';
import type { WriteLine } from './write-line.ts';

export interface ServiceContext extends CompileContext {
  readonly serviceName: string;
  readonly source: SqlSource;
  /** Rows that one list may hold. */
  readonly maxRecords: number;
  readonly allowUpsert: boolean;
  /** What would be left out in silence is refused. */
  readonly strict: boolean;
  /** Whoever asks puts records of other services into the answer. */
  readonly mergesForeign: boolean;
  readonly writes: WriteLine;
}

/** A shape, planned and compiled: what is left to do for each operation of it. */
export type Runner = (operation: Operation, deadline: Deadline) => Promise<Result>;

const NOTHING = new Uint8Array();
const NO_RECORD: readonly Param[] = [];

export function resultOf(json: Uint8Array, more: Partial<Omit<Result, '$typeName' | 'json'>> = {}): Result {
  return {
    $typeName: 'millrace.data.v1.Result',
    json,
    schemaJson: NOTHING,
    dropped: [],
    created: false,
    nextAfter: '',
    estimated: false,
    foreign: [],
    ...more,
  };
}

export function bindContextOf(operation: Operation, record: readonly Param[] = NO_RECORD): BindContext {
  return { keys: operation.keys, parameters: operation.parameters, caller: operation.caller, record };
}

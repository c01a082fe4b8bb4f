import type { Operation } from '#proto/data/v1/data_pb.ts';
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

const NO_RECORD: readonly Param[] = [];

export function bindContextOf(operation: Operation, record: readonly Param[] = NO_RECORD): BindContext {
  return { keys: operation.keys, parameters: operation.parameters, caller: operation.caller, record };
}

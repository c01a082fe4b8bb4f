/** What the execution of an operation has at hand: one service's opened database and what is known of it. */
import type { Deadline } from '#common/deadline.ts';
import type { Operation, Result } from '#proto/data/v1/data_pb.ts';
import type { BindContext, CompileContext } from '../compile/builder.ts';
import type { Param, Rows, SqlSource } from '../engine.ts';
import type { WriteLine } from './write-line.ts';

export interface ServiceContext extends CompileContext {
  readonly serviceName: string;
  readonly source: SqlSource;
  /** Rows that one list may hold. */
  readonly maxRecords: number;
  readonly allowUpsert: boolean;
  /** What would be left out in silence is refused. */
  readonly strict: boolean;
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
    ...more,
  };
}

export function bindContextOf(operation: Operation, record: readonly Param[] = NO_RECORD): BindContext {
  return { keys: operation.keys, parameters: operation.parameters, caller: operation.caller, record };
}

/** The rows as one JSON array. */
export function arrayOf(rows: Pick<Rows, 'json'>): Uint8Array {
  const whole = Buffer.allocUnsafe(rows.json.length + 2);
  whole[0] = 0x5b;
  whole.set(rows.json, 1);
  whole[whole.length - 1] = 0x5d;
  return whole;
}

/** Pieces of JSON as one JSON array. */
export function arrayOfPieces(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.allocUnsafe(pieces.reduce((sum, piece) => sum + piece.length + 1, pieces.length > 0 ? 1 : 2));
  let at = 0;
  whole[at++] = 0x5b;
  for (const piece of pieces) {
    if (at > 1) whole[at++] = 0x2c;
    whole.set(piece, at);
    at += piece.length;
  }
  whole[at] = 0x5d;
  return whole;
}

/** The JSON object of one row. */
export function rowAt(rows: Rows, index: number): Uint8Array {
  const start = index === 0 ? 0 : (rows.ends[index - 1] as number) + 1;
  return rows.json.subarray(start, rows.ends[index]);
}

/** The first rows only. */
export function firstRows(rows: Rows, count: number): Rows {
  if (rows.count <= count) return rows;
  const width = rows.hidden.length / rows.count;
  return {
    ...rows,
    count,
    json: rows.json.subarray(0, count === 0 ? 0 : rows.ends[count - 1]),
    ends: rows.ends.slice(0, count),
    hidden: rows.hidden.slice(0, count * width),
  };
}

/** What operations on records are given and answer. */
import type { Operation, Result } from '#proto/data/v1/data_pb.ts';
import type { Deadline } from '../deadline.ts';
import { type BatchFailure, invalid, MillraceError } from '../errors.ts';
import { parseJson } from '../json.ts';

/** A shape, planned and compiled: what is left to do for each operation of it. */
export type Runner = (operation: Operation, deadline: Deadline) => Promise<Result>;

const NOTHING = new Uint8Array();

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

export function batchError(failure: BatchFailure): MillraceError {
  return new MillraceError('invalid', 'Not all of the records could be processed.', undefined, undefined, failure);
}

/** @throws MillraceError invalid for what is no list */
export function recordsOf(operation: Operation): readonly unknown[] {
  const records = parseJson(operation.records);
  if (!Array.isArray(records)) throw invalid('The records must be a list.');
  return records;
}

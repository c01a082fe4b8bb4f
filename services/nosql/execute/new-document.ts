/** What is sent to be a new document, and what may be said of it before the store sees it. */
import { invalid, MillraceError } from '#common/errors.ts';
import { attempt } from '#common/records/attempt.ts';
import type { Operation } from '#proto/data/v1/data_pb.ts';
import type { StoreTable } from '../engine.ts';
import type { ReadMembers, RecordReader } from './records.ts';

export type ReadOrError = ReadMembers | { readonly error: MillraceError };

/** A new document has its key, or the store makes one. */
export function readNew(record: unknown, { key }: StoreTable, reader: RecordReader, operation: Operation): ReadOrError {
  return attempt(() => {
    const read = reader.read(record, 'create', operation.caller);
    for (const { name, generated } of key) {
      if (generated || (read.members[name] !== undefined && read.members[name] !== null)) continue;
      throw invalid(`Required field '${name}' can not be NULL.`, { field: name });
    }
    return read;
  });
}

export const notTaken = (): MillraceError => new MillraceError('conflict', 'The database did not take the record.');

export function droppedOf(read: readonly ReadOrError[]): string[] {
  return [...new Set(read.flatMap((one) => ('error' in one ? [] : one.dropped)))];
}

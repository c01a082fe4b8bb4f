/** Failures that say nothing about the record, the statement or the request they were met at. */
import type { ErrorCode, MillraceError } from './errors.ts';

const OF_ALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unavailable', 'overloaded', 'deadline', 'cancelled']);

/** It is about the database or the caller's time: the same would happen to any other. */
export const concernsAll = (error: MillraceError): boolean => OF_ALL.has(error.code);

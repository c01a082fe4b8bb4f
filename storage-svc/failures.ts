/** What backends say alike, with the path as callers know it. */
import { invalid, MillraceError } from '#common/errors.ts';

export const fileMissing = (path: string): MillraceError =>
  new MillraceError('not_found', `File '${path}' does not exist.`);

export const folderMissing = (path: string): MillraceError =>
  new MillraceError('not_found', `Folder '${path}' does not exist.`);

export const fileThere = (path: string): MillraceError =>
  new MillraceError('conflict', `File '${path}' already exists.`);

export const folderThere = (path: string): MillraceError =>
  new MillraceError('conflict', `Folder '${path}' already exists.`);

export const otherVersion = (path: string): MillraceError =>
  new MillraceError('contradiction', `File '${path}' is not the version that was meant.`);

export const folderNotEmpty = (): MillraceError => new MillraceError('conflict', 'The folder is not empty.');

export const rootMissing = (): MillraceError => new MillraceError('unavailable', 'The container does not exist.');

export const isRoot = (): MillraceError => invalid('The root itself cannot be written, moved or removed.');

/** Of the storage or of the way to it; the cause is for our log. */
export const unavailable = (message: string, cause?: unknown): MillraceError =>
  new MillraceError('unavailable', message, undefined, cause);

export const UNREACHABLE = 'The storage cannot be reached.';
export const CONNECTION_LOST = 'The connection to the storage was lost.';
export const REFUSED_CREDENTIALS = 'The storage refuses these credentials.';
export const NOT_PERMITTED = 'The storage does not permit this.';
export const FULL = 'The storage is full.';
export const TOO_SLOW = 'The storage does not answer in time.';
export const CUT_SHORT = 'The file was cut short while it was read.';

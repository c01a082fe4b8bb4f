/** What the storage tier says, in the words and with the statuses of the original (files-and-scripting-api §1). */
import { MillraceError, notFound } from '#common/errors.ts';
import { preconditionFailed } from './conditions.ts';

const FOLDER_THERE = /^Folder '(.*)' already exists\.$/s;

/** Something is in the way: 400 there, never 409. Another version: 412, which only those meet who ask for one. */
export function refusalOf(thrown: unknown): MillraceError {
  const error = MillraceError.from(thrown);
  if (error.code === 'contradiction') return preconditionFailed();
  if (error.code !== 'conflict') return error;
  const folder = FOLDER_THERE.exec(error.message)?.[1];
  const message = folder === undefined ? error.message : `Folder '${folder}/' already exists.`;
  return new MillraceError('invalid', message, error.context, error.cause);
}

export const fileNotFound = (path: string): MillraceError =>
  notFound(`The specified file '${path}' was not found in storage.`);

export const folderNotFound = (path: string): MillraceError => notFound(`Folder '${path}/' does not exist in storage.`);

export const isNotFound = (error: unknown): boolean => error instanceof MillraceError && error.code === 'not_found';

/** Is it a fault of this one thing, so that what comes behind it may go well? */
export const failsAlone = (error: unknown): error is MillraceError =>
  error instanceof MillraceError &&
  !['cancelled', 'deadline', 'unavailable', 'overloaded', 'internal'].includes(error.code);

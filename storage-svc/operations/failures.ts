/** What operations say about paths, in the words of the original where it has some (files-and-scripting-api §1). */
import { invalid, MillraceError, notFound } from '#common/errors.ts';

export const fileMissing = (path: string): MillraceError =>
  notFound(`The specified file '${path}' was not found in storage.`);
export const folderMissing = (path: string): MillraceError => notFound(`Folder '${path}' does not exist.`);
export const fileThere = (path: string): MillraceError =>
  new MillraceError('conflict', `File '${path}' already exists.`);
export const folderThere = (path: string): MillraceError =>
  new MillraceError('conflict', `Folder '${path}' already exists.`);
export const notEmpty = (path: string): MillraceError =>
  new MillraceError('conflict', `Folder '${path}' contains other files or folders.`);
export const ofRoot = (): MillraceError => invalid('The root itself cannot be written, moved or removed.');

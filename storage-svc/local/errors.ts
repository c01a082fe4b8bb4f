/** What the operating system says, in our terms. */
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { FULL, NOT_PERMITTED, UNREACHABLE } from '../failures.ts';

export {
  fileMissing,
  fileThere,
  folderMissing,
  folderThere,
  isRoot,
  otherVersion,
  rootMissing,
} from '../failures.ts';

/** By errno. What a path brings about is said by source.ts with the path, where it is known. */
const ERRORS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['not_found', 'There is nothing of this name.'],
  ENOTDIR: ['not_found', 'There is nothing of this name.'],
  ELOOP: ['not_found', 'There is nothing of this name.'],
  EEXIST: ['conflict', 'There is something of this name already.'],
  EISDIR: ['conflict', 'There is a folder of this name.'],
  ENOTEMPTY: ['conflict', 'The folder is not empty.'],
  ENAMETOOLONG: ['invalid', 'The name is too long for this storage.'],
  EILSEQ: ['invalid', 'This storage takes no such name.'],
  EACCES: ['unavailable', NOT_PERMITTED],
  EPERM: ['unavailable', NOT_PERMITTED],
  EROFS: ['unavailable', 'The storage is read-only.'],
  ENOSPC: ['unavailable', FULL],
  EDQUOT: ['unavailable', FULL],
  EFBIG: ['unavailable', 'The file is too large for this storage.'],
  EMFILE: ['overloaded', 'Too many files are open at the moment.'],
  ENFILE: ['overloaded', 'Too many files are open at the moment.'],
  EBUSY: ['unavailable', 'The storage is busy with this.'],
  EXDEV: ['unsupported', 'This cannot be moved at once.'],
  EIO: ['unavailable', UNREACHABLE],
  ESTALE: ['unavailable', UNREACHABLE],
  ETIMEDOUT: ['unavailable', UNREACHABLE],
  ENOTCONN: ['unavailable', UNREACHABLE],
  EHOSTDOWN: ['unavailable', UNREACHABLE],
  EHOSTUNREACH: ['unavailable', UNREACHABLE],
};

export function translate(thrown: unknown): MillraceError {
  const known = ERRORS[errnoOf(thrown) ?? ''];
  return known ? new MillraceError(known[0], known[1], undefined, thrown) : MillraceError.from(thrown);
}

export function errnoOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** There is nothing at this path. */
export const isAbsence = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(thrown) ?? '');

/**
 * Paths of files, the same for every kind of storage: parts with slashes between them, no slash at either end, '' is the
 * root. What could mean something else to a file system, a store or a shell is refused, never cleaned up.
 */
import { FILE_NAME_BYTES_MAX, FILE_PATH_BYTES_MAX } from '../bounds.ts';
import { invalid } from '../errors.ts';

/** Where the storage tier keeps what is not finished; nobody else gets there. */
export const OWN_FOLDER = '.millrace';

const CONTROL = /[\x00-\x1f\x7f]/;
/** Of Windows, with any extension, and whatever dots and spaces stand behind it. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)[ .]*(?:\..*)?$/i;
const DRIVE = /^[a-z]:/i;
const ONLY_DOTS = /^[. ]+$/;

/**
 * @param text  decoded, slashes at the ends and repeated ones allowed: they say nothing
 * @throws MillraceError invalid, with the part that is refused and why
 */
export function filePath(text: string): string {
  if (!text.isWellFormed()) throw refused(text, 'is not proper Unicode');
  if (CONTROL.test(text)) throw refused(text, 'holds a control character');
  if (text.includes('\\')) throw refused(text, 'holds a backslash');
  const parts = text.split('/').filter((part) => part !== '');
  for (const part of parts) requireName(part);
  if (DRIVE.test(parts[0] ?? '')) throw refused(text, 'begins like a drive');
  if (parts[0]?.toLowerCase() === OWN_FOLDER) throw refused(text, 'is for our own use');
  const path = parts.join('/');
  if (Buffer.byteLength(path) > FILE_PATH_BYTES_MAX) throw refused(text, `has more than ${FILE_PATH_BYTES_MAX} bytes`);
  return path;
}

/** The folder that something is in; that of the root is the root. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}

/** The last part. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export const joinPath = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** Is it in this folder, or in one that is in it? */
export const isBelow = (path: string, folder: string): boolean =>
  folder === '' ? path !== '' : path.startsWith(`${folder}/`);

/** What role rules are compared with. */
export const componentOfPath = (path: string): string => path.toLowerCase();

function requireName(part: string): void {
  if (ONLY_DOTS.test(part)) throw refused(part, 'is no name');
  if (DEVICE.test(part)) throw refused(part, 'is the name of a device on some systems');
  if (Buffer.byteLength(part) > FILE_NAME_BYTES_MAX) throw refused(part, `has more than ${FILE_NAME_BYTES_MAX} bytes`);
}

const SHOWN_LENGTH = 100;

function refused(text: string, reason: string) {
  const shown = JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text).slice(1, -1);
  return invalid(`The path is refused: '${shown}' ${reason}.`);
}

/** The zip file of a package: named texts in and out. */
import { strToU8, zipSync } from 'fflate';
import { PACKAGE_BYTES_MAX, PACKAGE_FILES_MAX } from '#common/bounds.ts';
import { readZip, zipTooLarge } from '#common/zip.ts';

/**
 * @param files  JSON texts by their names
 * @throws MillraceError invalid for more than can be read again
 */
export function writeArchive(files: ReadonlyMap<string, string>): Uint8Array {
  const contents = [...files].map(([name, text]) => [name, strToU8(text)] as const);
  if (contents.reduce((sum, [, bytes]) => sum + bytes.length, 0) > PACKAGE_BYTES_MAX) {
    throw zipTooLarge(PACKAGE_BYTES_MAX);
  }
  return zipSync(Object.fromEntries(contents));
}

/**
 * @param accepts  whether a file of that name belongs into a package
 * @throws MillraceError invalid for what is no zip file, holds other files, or is too large when unpacked
 */
export const readArchive = (bytes: Uint8Array, accepts: (name: string) => boolean): Promise<Map<string, Uint8Array>> =>
  readZip(bytes, { filesMax: PACKAGE_FILES_MAX, bytesMax: PACKAGE_BYTES_MAX, accepts });

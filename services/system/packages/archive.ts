/** The zip file of a package: named texts in and out. Names are only read; nothing is ever written to a path. */
import { strToU8, zipSync } from 'fflate';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { PACKAGE_BYTES_MAX, PACKAGE_FILES_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';

/**
 * @param files  JSON texts by their names
 * @throws MillraceError invalid for more than can be read again
 */
export function writeArchive(files: ReadonlyMap<string, string>): Uint8Array {
  const contents = [...files].map(([name, text]) => [name, strToU8(text)] as const);
  if (contents.reduce((sum, [, bytes]) => sum + bytes.length, 0) > PACKAGE_BYTES_MAX) throw tooLarge();
  return zipSync(Object.fromEntries(contents));
}

/**
 * @param accepts  whether a file of that name belongs into a package
 * @throws MillraceError invalid for what is no zip file, holds other files, or is too large when unpacked
 */
export async function readArchive(
  bytes: Uint8Array,
  accepts: (name: string) => boolean,
): Promise<Map<string, Uint8Array>> {
  const zip = await openZip(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (zip.entryCount > PACKAGE_FILES_MAX) throw invalid(`A package holds at most ${PACKAGE_FILES_MAX} files.`);
  const files = new Map<string, Uint8Array>();
  let room = PACKAGE_BYTES_MAX;
  for (const entry of await entriesOf(zip)) {
    const name = entry.fileName;
    if (name.endsWith('/')) continue;
    if (!accepts(name)) throw invalid(`The package holds a file of no known kind: '${name.slice(0, 100)}'.`);
    if (files.has(name)) throw invalid(`The package holds two files named '${name}'.`);
    const content = await contentOf(zip, entry, room);
    room -= content.length;
    files.set(name, content);
  }
  return files;
}

function openZip(bytes: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    // Sizes are checked while a file is unpacked: what its header says may be a lie.
    fromBuffer(bytes, { lazyEntries: true, validateEntrySizes: true }, (error, zip) => {
      if (error) reject(damaged(error));
      else resolve(zip);
    });
  });
}

function entriesOf(zip: ZipFile): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.once('error', (error: unknown) => reject(damaged(error)));
    zip.once('end', () => resolve(entries));
    zip.readEntry();
  });
}

function contentOf(zip: ZipFile, entry: Entry, room: number): Promise<Buffer> {
  if (entry.uncompressedSize > room) throw tooLarge();
  if (entry.isEncrypted()) throw invalid('The zip file is encrypted: secrets of a package are sealed inside of it.');
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) {
        reject(damaged(error));
        return;
      }
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.once('error', (cause: unknown) => reject(damaged(cause)));
      stream.once('end', () => resolve(Buffer.concat(parts)));
    });
  });
}

const damaged = (cause: unknown): MillraceError =>
  new MillraceError('invalid', 'The package is no zip file, or is damaged.', undefined, cause);

const tooLarge = (): MillraceError =>
  invalid(`The package is larger than ${PACKAGE_BYTES_MAX} bytes when it is unpacked.`);

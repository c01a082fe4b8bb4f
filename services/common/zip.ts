/** Zip files that are small enough to be in memory: named contents. Nothing is ever written to a path. */
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { invalid, MillraceError } from './errors.ts';

export interface ZipBounds {
  readonly filesMax: number;
  /** Of all files together, unpacked. */
  readonly bytesMax: number;
  /** Whether a file of that name belongs into it; undefined: any. */
  readonly accepts?: (name: string) => boolean;
}

/**
 * @returns the files in it; folders are left out
 * @throws MillraceError invalid for what is no zip file, holds other files, or is too large when unpacked
 */
export async function readZip(
  bytes: Uint8Array,
  { filesMax, bytesMax, accepts }: ZipBounds,
): Promise<Map<string, Buffer>> {
  const zip = await openZip(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (zip.entryCount > filesMax) throw invalid(`A package holds at most ${filesMax} files.`);
  const files = new Map<string, Buffer>();
  let room = bytesMax;
  for (const entry of await entriesOf(zip)) {
    const name = entry.fileName;
    if (name.endsWith('/')) continue;
    if (accepts && !accepts(name)) {
      throw invalid(`The package holds a file of no known kind: '${name.slice(0, 100)}'.`);
    }
    if (files.has(name)) throw invalid(`The package holds two files named '${name}'.`);
    if (entry.uncompressedSize > room) throw zipTooLarge(bytesMax);
    const content = await contentOf(zip, entry);
    room -= content.length;
    files.set(name, content);
  }
  return files;
}

export const zipTooLarge = (bytesMax: number): MillraceError =>
  invalid(`The package is larger than ${bytesMax} bytes when it is unpacked.`);

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

function contentOf(zip: ZipFile, entry: Entry): Promise<Buffer> {
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

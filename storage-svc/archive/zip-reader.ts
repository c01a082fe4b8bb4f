/**
 * Reads a zip file that lies on this disk: its directory by yauzl, which counts (what stands before each content may say
 * otherwise), and the contents, held against what the directory says of them.
 */
import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { Entry, fromRandomAccessReaderPromise, getFileNameLowLevel, RandomAccessReader, type ZipFile } from 'yauzl';
import { FILE_PIECE_BYTES, UNPACK_DIRECTORY_BYTES_MAX, UNPACK_ENTRIES_MAX } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { DEFLATED, STORED } from './zip-format.ts';

export interface ZipItem {
  /** As it is written there. */
  readonly name: string;
  readonly isFolder: boolean;
  readonly size: number;
  readonly packedSize: number;
  /** Where what belongs to it begins. */
  readonly offset: number;
  /** undefined: neither a file nor a folder. */
  readonly entry: Entry | undefined;
}

/** An inflated content of this size is made in one go: less than a turn of the event loop. */
const AT_ONCE_BYTES_MAX = 4 * FILE_PIECE_BYTES;

export class ZipReader {
  readonly #zip: ZipFile;
  readonly #file: FileHandle;
  readonly items: readonly ZipItem[];

  private constructor(zip: ZipFile, file: FileHandle, items: readonly ZipItem[]) {
    this.#zip = zip;
    this.#file = file;
    this.items = items;
  }

  /** @throws MillraceError invalid: no zip, damaged, encrypted, or with too many entries */
  static async open(file: FileHandle, bytes: number): Promise<ZipReader> {
    try {
      // Names are judged by us, as bytes.
      const options = { autoClose: false, lazyEntries: true, decodeStrings: false, validateEntrySizes: false };
      const zip = await fromRandomAccessReaderPromise(new FileReader(file), bytes, options);
      return new ZipReader(zip, file, await itemsOf(zip));
    } catch (error) {
      throw damaged(error);
    }
  }

  /** @throws MillraceError invalid where it is not what the directory says: sizes, sum */
  async *content({ entry, size, packedSize, name }: ZipItem): AsyncGenerator<Uint8Array> {
    if (!entry) throw invalid(`'${name}' in the zip is no file.`);
    let [bytes, sum] = [0, 0];
    try {
      const { fileDataStart } = await this.#zip.readLocalFileHeaderPromise(entry, { minimal: true });
      const packed = this.#range(fileDataStart, packedSize);
      for await (const piece of entry.compressionMethod === STORED ? packed : unpacked(packed, packedSize, size)) {
        bytes += piece.length;
        if (bytes > size) throw invalid(`'${name}' in the zip is larger than it says.`);
        sum = crc32(piece, sum);
        yield piece;
      }
    } catch (error) {
      throw damaged(error);
    }
    if (bytes < size) throw invalid(`'${name}' in the zip is smaller than it says.`);
    if (sum !== entry.crc32) throw invalid(`'${name}' in the zip is damaged: its checksum is wrong.`);
  }

  async *#range(from: number, length: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < length; ) {
      const piece = Buffer.allocUnsafeSlow(Math.min(FILE_PIECE_BYTES, length - at));
      const { bytesRead } = await this.#file.read(piece, 0, piece.length, from + at);
      if (bytesRead === 0) throw new Error('the file ends too early');
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  }
}

/** Reads pieces of the file: a directory is read by the hundred bytes. */
class FileReader extends RandomAccessReader {
  readonly #file: FileHandle;
  #piece = Buffer.alloc(0);
  #from = 0;

  constructor(file: FileHandle) {
    super();
    this.#file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#read(buffer, offset, length, position).then(
      (bytesRead) => callback(null, bytesRead),
      (error: Error) => callback(error),
    );
  }

  async #read(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    // What a damaged directory says may be no place in any file.
    if (!Number.isSafeInteger(position)) return 0;
    if (length > FILE_PIECE_BYTES) return (await this.#file.read(buffer, offset, length, position)).bytesRead;
    if (position < this.#from || position + length > this.#from + this.#piece.length) {
      const piece = Buffer.allocUnsafeSlow(FILE_PIECE_BYTES);
      const { bytesRead } = await this.#file.read(piece, 0, piece.length, position);
      this.#piece = piece.subarray(0, bytesRead);
      this.#from = position;
    }
    return this.#piece.copy(buffer, offset, position - this.#from, position - this.#from + length);
  }

  /** Whoever opened the file closes it. */
  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}

async function itemsOf(zip: ZipFile): Promise<ZipItem[]> {
  if (zip.entryCount > UNPACK_ENTRIES_MAX) {
    throw invalid(`A zip may hold at most ${UNPACK_ENTRIES_MAX} files; this one holds ${zip.entryCount}.`);
  }
  const items: ZipItem[] = [];
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    bytes += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    if (bytes > UNPACK_DIRECTORY_BYTES_MAX) throw invalid('The directory of the zip is too large.');
    items.push(itemOf(entry));
  }
  return items;
}

const FLAG_UTF8 = 1 << 11;
const FLAG_STRONGLY_ENCRYPTED = 1 << 6;

function itemOf(entry: Entry): ZipItem {
  const { generalPurposeBitFlag: flags, compressionMethod: method, uncompressedSize: size } = entry;
  const name = nameOf(entry);
  if (entry.isEncrypted() || (flags & FLAG_STRONGLY_ENCRYPTED) !== 0)
    throw invalid(`'${name}' in the zip is encrypted.`);
  if (method !== STORED && method !== DEFLATED) {
    throw invalid(`'${name}' in the zip is packed in a way that is not supported: method ${method}.`);
  }
  // Names, comments and extra fields of a hundred thousand entries need not be kept.
  const kept = Object.assign(new Entry(), {
    generalPurposeBitFlag: flags,
    compressionMethod: method,
    crc32: entry.crc32,
    compressedSize: entry.compressedSize,
    uncompressedSize: size,
    relativeOffsetOfLocalHeader: entry.relativeOffsetOfLocalHeader,
  });
  const isFolder = name.endsWith('/');
  const isThing = isFileOrFolder(entry, isFolder);
  const { compressedSize: packedSize, relativeOffsetOfLocalHeader: offset } = entry;
  return { name, isFolder, size, packedSize, offset, entry: isThing ? kept : undefined };
}

/** Many write UTF-8 and do not say so. What says so and is not is damaged. */
function nameOf({ fileNameRaw, generalPurposeBitFlag: flags, extraFields }: Entry): string {
  const isProper = isUtf8(fileNameRaw);
  if (!isProper && (flags & FLAG_UTF8) !== 0) throw invalid('A name in the zip is not proper Unicode.');
  return getFileNameLowLevel(isProper ? flags | FLAG_UTF8 : flags, fileNameRaw, extraFields, true);
}

const SYSTEMS_WITH_MODES = new Set([3, 19]);
const MODE_TYPE = 0o170000;
const MODE_FILE = 0o100000;
const MODE_FOLDER = 0o040000;

/** Symbolic links and devices are told by the mode, on systems that have modes. */
function isFileOrFolder({ versionMadeBy, externalFileAttributes }: Entry, isFolder: boolean): boolean {
  const type = (externalFileAttributes >>> 16) & MODE_TYPE;
  if (!SYSTEMS_WITH_MODES.has(versionMadeBy >> 8) || type === 0) return true;
  return type === (isFolder ? MODE_FOLDER : MODE_FILE);
}

async function* unpacked(
  packed: AsyncIterable<Uint8Array>,
  packedSize: number,
  size: number,
): AsyncGenerator<Uint8Array> {
  if (packedSize > FILE_PIECE_BYTES || size > AT_ONCE_BYTES_MAX) {
    yield* inflated(packed);
    return;
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of packed) pieces.push(piece);
  // One byte more than it says shows that it lies.
  const content = inflateRawSync(Buffer.concat(pieces), { maxOutputLength: size + 1 });
  if (content.length > 0) yield content;
}

async function* inflated(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw({ chunkSize: FILE_PIECE_BYTES });
  const over = new Promise<void>((resolve) => pipeline(packed, inflate, () => resolve()));
  try {
    yield* inflate as AsyncIterable<Uint8Array>;
  } finally {
    inflate.destroy();
    await over;
  }
}

function damaged(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  const isEncrypted = error instanceof Error && error.message.includes('encryption');
  const reason = isEncrypted ? 'The zip is encrypted.' : 'This is no zip, or a damaged one.';
  return new MillraceError('invalid', reason, undefined, error);
}

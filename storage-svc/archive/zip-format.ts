/**
 * The records of a zip file, as PKWARE's APPNOTE 6.3 has them: names in UTF-8, times in UTC as well, zip64 where numbers
 * need it.
 */

export const STORED = 0;
export const DEFLATED = 8;

export interface ZipRecord {
  /** With a slash at the end for a folder. */
  readonly name: string;
  readonly modifiedMs: number | undefined;
  readonly method: typeof STORED | typeof DEFLATED;
  /** Sums and sizes stand behind the content: when the header went out they were not known. */
  readonly isStreamed: boolean;
  /** Sizes in 64 bits; with those of a streamed one that has to be known beforehand. */
  readonly isZip64: boolean;
  /** Where its local header begins. */
  readonly offset: number;
}

export interface Sums {
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
}

export const NO_SUMS: Sums = { crc: 0, packedSize: 0, size: 0 };
/** The largest number of 32 bits says: look for it in the 64 bits elsewhere. */
export const ZIP32_MAX = 0xffff_fffe;

const ENTRIES_MAX = 0xfffe;
const VERSION_PLAIN = 20;
const VERSION_ZIP64 = 45;
const MADE_BY_UNIX = 3 << 8;
const FLAG_STREAMED = 1 << 3;
const FLAG_UTF8 = 1 << 11;
const FOLDER_ATTRIBUTES = ((0o040755 << 16) | 0x10) >>> 0;
const FILE_ATTRIBUTES = (0o100644 << 16) >>> 0;

/** What stands before the content. */
export function localHeader(record: ZipRecord, sums: Sums): Buffer {
  const { name, method, isStreamed, isZip64, modifiedMs } = record;
  const known = isStreamed ? NO_SUMS : sums;
  const sizes = isZip64 ? [known.size, known.packedSize] : [];
  const writer = new Writer(30 + Buffer.byteLength(name) + EXTRA_BYTES_MAX);
  writer.u32(0x04034b50).u16(isZip64 ? VERSION_ZIP64 : VERSION_PLAIN);
  writer.u16(FLAG_UTF8 | (isStreamed ? FLAG_STREAMED : 0)).u16(method);
  writer.u32(dosTime(modifiedMs)).u32(known.crc);
  writer.u32(isZip64 ? 0xffff_ffff : known.packedSize).u32(isZip64 ? 0xffff_ffff : known.size);
  return writer.nameAndExtra(name, sizes, modifiedMs).bytes();
}

/** What stands behind the content of a streamed one. */
export function dataDescriptor({ isZip64 }: ZipRecord, { crc, packedSize, size }: Sums): Buffer {
  const writer = new Writer(24).u32(0x08074b50).u32(crc);
  if (isZip64) writer.u64(packedSize).u64(size);
  else writer.u32(packedSize).u32(size);
  return writer.bytes();
}

/** Its entry in the directory at the end. */
export function centralHeader(record: ZipRecord, { crc, packedSize, size }: Sums): Buffer {
  const { name, method, isStreamed, isZip64, offset, modifiedMs } = record;
  const isFar = offset > ZIP32_MAX;
  const wide = [...(isZip64 ? [size, packedSize] : []), ...(isFar ? [offset] : [])];
  const version = wide.length > 0 ? VERSION_ZIP64 : VERSION_PLAIN;
  const writer = new Writer(46 + Buffer.byteLength(name) + EXTRA_BYTES_MAX);
  writer
    .u32(0x02014b50)
    .u16(MADE_BY_UNIX | version)
    .u16(version);
  writer.u16(FLAG_UTF8 | (isStreamed ? FLAG_STREAMED : 0)).u16(method);
  writer.u32(dosTime(modifiedMs)).u32(crc);
  writer.u32(isZip64 ? 0xffff_ffff : packedSize).u32(isZip64 ? 0xffff_ffff : size);
  const place = (): void => {
    writer.u16(0).u16(0).u16(0); // comment, disk, internal attributes
    writer.u32(name.endsWith('/') ? FOLDER_ATTRIBUTES : FILE_ATTRIBUTES).u32(isFar ? 0xffff_ffff : offset);
  };
  return writer.nameAndExtra(name, wide, modifiedMs, place).bytes();
}

/** The very end: how many entries, and where the directory begins. */
export function endOfDirectory(entries: number, size: number, offset: number): Buffer {
  const writer = new Writer(56 + 20 + 22);
  const isZip64 = entries > ENTRIES_MAX || size > ZIP32_MAX || offset > ZIP32_MAX;
  if (isZip64) {
    writer
      .u32(0x06064b50)
      .u64(44)
      .u16(MADE_BY_UNIX | VERSION_ZIP64)
      .u16(VERSION_ZIP64)
      .u32(0)
      .u32(0);
    writer.u64(entries).u64(entries).u64(size).u64(offset);
    writer
      .u32(0x07064b50)
      .u32(0)
      .u64(offset + size)
      .u32(1);
  }
  const count = entries > ENTRIES_MAX ? 0xffff : entries;
  writer.u32(0x06054b50).u16(0).u16(0).u16(count).u16(count);
  writer
    .u32(size > ZIP32_MAX ? 0xffff_ffff : size)
    .u32(offset > ZIP32_MAX ? 0xffff_ffff : offset)
    .u16(0);
  return writer.bytes();
}

const EXTRA_ZIP64 = 0x0001;
const EXTRA_TIME = 0x5455;
const EXTRA_BYTES_MAX = 4 + 3 * 8 + 9;

class Writer {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytesMax: number) {
    this.#buffer = Buffer.allocUnsafe(bytesMax);
  }

  u16(value: number): this {
    this.#at = this.#buffer.writeUInt16LE(value, this.#at);
    return this;
  }

  u32(value: number): this {
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
    return this;
  }

  u64(value: number): this {
    this.#at = this.#buffer.writeBigUInt64LE(BigInt(value), this.#at);
    return this;
  }

  /** @param between  what stands between the lengths of the two and themselves */
  nameAndExtra(name: string, wide: readonly number[], modifiedMs: number | undefined, between = (): void => {}): this {
    const seconds = modifiedMs === undefined ? undefined : Math.floor(modifiedMs / 1000);
    const hasTime = seconds !== undefined && seconds >= 0 && seconds <= 0x7fff_ffff;
    this.u16(Buffer.byteLength(name)).u16((wide.length > 0 ? 4 + wide.length * 8 : 0) + (hasTime ? 9 : 0));
    between();
    this.#at += this.#buffer.write(name, this.#at);
    if (wide.length > 0) this.u16(EXTRA_ZIP64).u16(wide.length * 8);
    for (const value of wide) this.u64(value);
    if (hasTime) {
      this.u16(EXTRA_TIME).u16(5);
      this.#at = this.#buffer.writeUInt8(1, this.#at);
      this.u32(seconds);
    }
    return this;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }
}

/** Of MS-DOS, in UTC: two seconds exact, from 1980 to 2107. */
function dosTime(modifiedMs: number | undefined): number {
  const date = new Date(modifiedMs ?? 0);
  const year = date.getUTCFullYear();
  if (!(year >= 1980)) return ((1 << 5) | 1) << 16;
  if (year > 2107) return 0xff9fbf7d;
  const day = ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  return ((day << 16) | time) >>> 0;
}

/** Zip files as nobody should write them: every field may say what it likes. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface Evil {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  /** What the directory says. */
  readonly size?: number;
  readonly packedSize?: number;
  readonly madeBy?: number;
  /** Of Unix. */
  readonly mode?: number;
  /** The header of another entry instead of one of its own. */
  readonly sharesWith?: number;
  readonly extra?: Buffer;
}

export interface EvilEnd {
  readonly entries?: number;
  readonly offset?: number;
  readonly comment?: Buffer;
  /** Behind the directory, before the end: made of where it stands. */
  readonly between?: (at: number) => Buffer;
}

const DEFLATED = 8;
const UTF8 = 1 << 11;

export function evilZip(entries: readonly Evil[], end: EvilEnd = {}): Buffer {
  const pieces: Buffer[] = [];
  const directory: Buffer[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name as string);
    const content = Buffer.from((entry.content ?? '') as string);
    const method = entry.method ?? DEFLATED;
    const packed = method === DEFLATED ? deflateRawSync(content) : content;
    const says = {
      flags: entry.flags ?? UTF8,
      crc: entry.crc ?? crc32(content),
      size: entry.size ?? content.length,
      packedSize: entry.packedSize ?? packed.length,
    };
    const offset = entry.sharesWith === undefined ? at : (offsets[entry.sharesWith] ?? 0);
    offsets.push(offset);
    if (entry.sharesWith === undefined) {
      const local = Buffer.alloc(30);
      local.writeUInt32LE(0x04034b50, 0);
      local.writeUInt16LE(says.flags, 6);
      local.writeUInt16LE(method, 8);
      local.writeUInt16LE(name.length, 26);
      pieces.push(local, name, packed);
      at += local.length + name.length + packed.length;
    }
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE((entry.madeBy ?? 3) << 8, 4);
    central.writeUInt16LE(says.flags, 8);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(says.crc, 16);
    central.writeUInt32LE(says.packedSize, 20);
    central.writeUInt32LE(says.size, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt16LE(entry.extra?.length ?? 0, 30);
    central.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 38);
    central.writeUInt32LE(offset, 42);
    directory.push(central, name, entry.extra ?? Buffer.alloc(0));
  }
  const listed = Buffer.concat(directory);
  const between = end.between?.(at + listed.length) ?? Buffer.alloc(0);
  const last = Buffer.alloc(22);
  last.writeUInt32LE(0x06054b50, 0);
  last.writeUInt16LE(end.entries ?? entries.length, 8);
  last.writeUInt16LE(end.entries ?? entries.length, 10);
  last.writeUInt32LE(listed.length, 12);
  last.writeUInt32LE(end.offset ?? at, 16);
  last.writeUInt16LE(end.comment?.length ?? 0, 20);
  return Buffer.concat([...pieces, listed, between, last, end.comment ?? Buffer.alloc(0)]);
}

/** The records that stand before the end of a zip with 64 bits. */
export function zip64End(entries: bigint, offset: bigint, at: number | bigint): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(entries, 24);
  record.writeBigUInt64LE(entries, 32);
  record.writeBigUInt64LE(offset, 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(at), 64);
  return record;
}

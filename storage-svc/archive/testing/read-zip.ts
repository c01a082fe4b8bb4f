/** Zip files as a reader of somebody else sees them, contents checked against their sums. */
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { fromBufferPromise } from 'yauzl';

export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly modified: Date;
  readonly content: Buffer;
}

export async function zipEntries(bytes: Buffer): Promise<ZipEntry[]> {
  const zip = await fromBufferPromise(bytes);
  const entries: ZipEntry[] = [];
  for await (const entry of zip.eachEntry()) {
    const content = await buffer(await zip.openReadStreamPromise(entry));
    if (crc32(content) !== entry.crc32) throw new Error(`${entry.fileName} has another sum`);
    const { fileName: name, compressionMethod: method } = entry;
    entries.push({ name, method, modified: entry.getLastModDate(), content });
  }
  return entries;
}

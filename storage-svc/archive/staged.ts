/**
 * An upload that has to be there as a whole before it can be read: in a temporary file that has no name any more when
 * the first byte arrives, so that nothing is left of it whatever happens to this process.
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { inTimeBody } from '../body.ts';

/**
 * @param bytesMax  of the body
 * @throws MillraceError invalid where it is larger; unavailable where there is no room; what the body or the work throws
 */
export async function withStaged<T>(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
  deadline: Deadline,
  work: (file: FileHandle, bytes: number) => Promise<T>,
): Promise<T> {
  const file = await unnamedFile();
  try {
    let bytes = 0;
    for await (const piece of inTimeBody(body, deadline)) {
      if (bytes + piece.length > bytesMax) throw invalid(`The zip is larger than ${bytesMax} bytes.`);
      await append(file, piece, bytes);
      bytes += piece.length;
    }
    return await work(file, bytes);
  } finally {
    await file.close();
  }
}

async function unnamedFile(): Promise<FileHandle> {
  try {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-zip-'));
    try {
      return await open(join(folder, 'staged'), 'wx+', 0o600);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    throw noRoom(error);
  }
}

async function append(file: FileHandle, piece: Uint8Array, at: number): Promise<void> {
  try {
    for (let done = 0; done < piece.length; ) {
      done += (await file.write(piece, done, piece.length - done, at + done)).bytesWritten;
    }
  } catch (error) {
    throw noRoom(error);
  }
}

const noRoom = (cause: unknown): MillraceError =>
  new MillraceError('unavailable', 'There is no room to take in the zip.', undefined, cause);

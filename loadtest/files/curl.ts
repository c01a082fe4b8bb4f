/** One transfer by curl, which is faster than anything that could be measured by it. */
import { type RunScope, runTool } from '../process.ts';

const TIMEOUT_MS = 300_000;
const BYTES_PER_MEGABYTE = 1e6;

export interface Transfer {
  readonly seconds: number;
  readonly firstByteMs: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
}

export interface Door {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws Error for an answer that is no success */
export async function transfer(
  scope: RunScope,
  door: Door,
  path: string,
  more: readonly string[] = [],
): Promise<Transfer> {
  const headers = Object.entries(door.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const args = ['-sS', '-o', '/dev/null', '-w', '%{json}', ...headers, ...more, `${door.origin}${path}`];
  const said = JSON.parse(await runTool(scope, 'curl', args, TIMEOUT_MS)) as Readonly<Record<string, number>>;
  const { http_code = 0, time_total = 0, time_starttransfer = 0, size_download = 0, size_upload = 0 } = said;
  if (http_code < 200 || http_code > 299) throw new Error(`${path} was answered with ${http_code}.`);
  return {
    seconds: time_total,
    firstByteMs: time_starttransfer * 1000,
    bytesDown: size_download,
    bytesUp: size_upload,
  };
}

/** @throws Error where other than so many bytes came */
export async function download(scope: RunScope, door: Door, path: string, bytes: number): Promise<number> {
  const { bytesDown, seconds } = await transfer(scope, door, path);
  if (bytesDown !== bytes) throw new Error(`${path}: ${bytesDown} bytes in place of ${bytes}.`);
  return bytes / BYTES_PER_MEGABYTE / seconds;
}

/** @returns megabytes a second. @throws Error where other than so many bytes were taken */
export async function upload(scope: RunScope, door: Door, path: string, file: string, bytes: number): Promise<number> {
  const { bytesUp, seconds } = await transfer(scope, door, path, ['-H', 'Expect:', '-T', file]);
  if (bytesUp !== bytes) throw new Error(`${path}: ${bytesUp} bytes in place of ${bytes}.`);
  return bytes / BYTES_PER_MEGABYTE / seconds;
}

/** The load generator: runs wrk for one case on one HTTP side and takes no answer but a good one. */
import { fileURLToPath } from 'node:url';
import { type RunScope, runTool } from './process.ts';

/**
 * One thread: with 2 cores for everything a second one would only take its time from the servers, and one makes
 * more requests than any of the sides can answer.
 */
const WRK_THREADS = 1;
const ANSWER_TIMEOUT_SECONDS = 30;
const SCRIPT = fileURLToPath(new URL('./wrk/requests.lua', import.meta.url));

export interface WrkLoad {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
  /** `{}` in it becomes a random whole number from 1 to `randomMax`. */
  readonly path: string;
  readonly randomMax: number;
  /** One body on each line; a random one goes with each request. */
  readonly bodiesFile: string | undefined;
  readonly connections: number;
  readonly seconds: number;
}

export interface WrkResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** @throws Error where a request failed or was answered with a status above 399 */
export async function runWrk(scope: RunScope, load: WrkLoad): Promise<WrkResult> {
  const headers = Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const options = [
    `-t${WRK_THREADS}`,
    `-c${load.connections}`,
    `-d${load.seconds}s`,
    `--timeout=${ANSWER_TIMEOUT_SECONDS}s`,
  ];
  const script = ['-s', SCRIPT, load.origin, '--'];
  const parameters = [load.method, load.path, String(load.randomMax), load.bodiesFile ?? ''];
  const timeoutMs = (load.seconds + ANSWER_TIMEOUT_SECONDS) * 1000;
  return parseWrk(await runTool(scope, 'wrk', [...options, ...headers, ...script, ...parameters], timeoutMs));
}

interface RawResult {
  readonly requests: number;
  readonly duration_us: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** Reads the line that wrk/requests.lua prints. @throws Error where it is missing, empty or tells of a failure */
export function parseWrk(output: string): WrkResult {
  const line = /^RESULT (\{.*\})$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk printed no result:\n${output}`);
  const raw = JSON.parse(line) as RawResult;
  const failures = Object.entries(raw.errors).filter(([, count]) => count > 0);
  if (failures.length > 0) {
    const counts = failures.map(([kind, count]) => `${count} ${kind}`).join(', ');
    throw new Error(`wrk counted failures among ${raw.requests} requests: ${counts} (status = above 399)`);
  }
  if (raw.requests === 0) throw new Error('wrk got no answer at all.');
  return {
    requests: raw.requests,
    requestsPerSecond: raw.requests / (raw.duration_us / 1e6),
    p50Ms: raw.p50_us / 1000,
    p99Ms: raw.p99_us / 1000,
  };
}

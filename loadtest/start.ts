/** How long the all-in-one start takes and what it holds in memory while nobody asks for anything. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { answersOk, freePort, type Running, type RunScope, startServer, waitUntilReady } from './process.ts';

const BOOTSTRAP = fileURLToPath(new URL('../deploy/bootstrap.mjs', import.meta.url));
/** The first start may have to install and build. */
const READY_TIMEOUT_MS = 300_000;
/** Work left over from the start is done and the heap has settled. */
const IDLE_MS = 5000;
const GONE_TIMEOUT_MS = 5000;
const BYTES_PER_MEGABYTE = 1e6;

export interface StartFigures {
  /** Of the second and later starts on one data folder. */
  readonly readySeconds: number[];
  readonly residentMegabytes: number[];
}

export async function measureStart(scope: RunScope, rounds: number): Promise<StartFigures> {
  const figures: StartFigures = { readySeconds: [], residentMegabytes: [] };
  const dataFolder = `${scope.folder}/all-in-one`;
  await mkdir(dataFolder, { recursive: true });
  await startOnce(scope, dataFolder, 'first-start');
  for (let round = 1; round <= rounds; round++) {
    const { readySeconds, residentMegabytes } = await startOnce(scope, dataFolder, `start-${round + 1}`);
    figures.readySeconds.push(readySeconds);
    figures.residentMegabytes.push(residentMegabytes);
  }
  return figures;
}

async function startOnce(scope: RunScope, dataFolder: string, name: string) {
  const port = await freePort();
  const begin = performance.now();
  const server = startServer(scope, name, process.execPath, [BOOTSTRAP, 'start'], {
    MILLRACE_DATA_DIR: dataFolder,
    MILLRACE_HTTP_PORT: String(port),
    MILLRACE_GRPC_PORT: String(await freePort()),
    MILLRACE_ADMIN_EMAIL: 'bench@example.com',
    MILLRACE_ADMIN_PASSWORD: 'Only-for-this-run-1',
  });
  const isReady = () => answersOk(`http://127.0.0.1:${port}/status`);
  await waitUntilReady([server], 'GET /status of the all-in-one start', isReady, READY_TIMEOUT_MS, scope.signal);
  const readySeconds = (performance.now() - begin) / 1000;
  await sleep(IDLE_MS, undefined, { signal: scope.signal });
  const tree = processTree(server.pid);
  const residentMegabytes = tree.reduce((sum, pid) => sum + residentBytes(pid), 0) / BYTES_PER_MEGABYTE;
  await stopTree(server, tree);
  return { readySeconds, residentMegabytes };
}

/** @throws Error where a process of the tree outlives its root; it is killed first */
async function stopTree(root: Running, tree: readonly number[]): Promise<void> {
  await root.stop();
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  let left = tree.filter(isAlive);
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(20);
    left = left.filter(isAlive);
  }
  for (const pid of left) process.kill(pid, 'SIGKILL');
  if (left.length > 0) throw new Error(`${root.name} left ${left.length} processes behind when it was stopped.`);
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** The process and all that it started, directly or not; what ends meanwhile is left out. */
export function processTree(pid: number): number[] {
  const children = unlessGone(() => readdirSync(`/proc/${pid}/task`)).flatMap((thread) =>
    unlessGone(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean)),
  );
  return [pid, ...children.map(Number).flatMap(processTree)];
}

/**
 * The same of a program that starts others from its first thread only, as Node.js does, in a tenth of the time, which
 * those who are measured meanwhile would wait for.
 */
export function mainTree(pid: number): number[] {
  const [children = ''] = unlessGone(() => [readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')]);
  return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(mainTree)];
}

/** Processes and threads come and go while they are looked at. */
function unlessGone(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return [];
  }
}

/** Memory that two processes share counts for both: the figure is never too small. */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

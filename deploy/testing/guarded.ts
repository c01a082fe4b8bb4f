/** A database server of a test run: started in a folder of its own, and gone with that folder when its starter is. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { MillraceError } from '#common/errors.ts';

/** Whom the server runs as; empty: ourselves. */
export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

export interface GuardedServer {
  /** For messages: PostgreSQL. */
  readonly label: string;
  readonly owner: Owner;
  /** Of `freshFolder`; removed at the end. */
  readonly folder: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** What its log says when it takes connections. */
  readonly readyText: string;
  /** Ends it at once, without care for its data. */
  readonly endSignal: 'SIGQUIT' | 'SIGKILL';
  /** Gets its log as it is written, in pieces of any length. */
  readonly onLog?: ((text: string) => void) | undefined;
}

const START_TIMEOUT_MS = 60_000;
/** The port is free when it is chosen and may be taken by another a moment later. */
const ATTEMPTS_MAX = 5;

/** Servers of this kind refuse to run as root: then they run as the user that their package made. */
export function serverOwner(user: string): Owner {
  if (process.getuid?.() !== 0) return {};
  const id = (option: string): number => Number(execFileSync('id', [option, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export function freshFolder(name: string, owner: Owner): string {
  const folder = mkdtempSync(join(tmpdir(), `millrace-${name}-`));
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

/**
 * An empty data folder, which takes seconds to make and a moment to copy: made once, kept in the temporary folder.
 * @param make  makes the data in the folder `data` of the folder that it is given
 */
export function ensureTemplate(name: string, owner: Owner, make: (folder: string) => void): string {
  const uid = owner.uid ?? process.getuid?.() ?? 0;
  const template = join(tmpdir(), `millrace-${name}-template-${uid}`);
  if (existsSync(template) && statSync(template).uid === uid) return template;
  const folder = freshFolder(name, owner);
  make(folder);
  try {
    renameSync(join(folder, 'data'), template);
  } catch (error) {
    if (!existsSync(template)) throw error; // another process was faster: its template is as good
  }
  rmSync(folder, { recursive: true, force: true });
  return template;
}

/** Starts a server on a port of its own, and again on another one where that was taken. */
export async function onFreePort<T>(start: (port: number) => Promise<T>, taken: string): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !String(error).includes(taken)) throw error;
    }
  }
}

/**
 * $1 is the folder, $2 the signal, the rest the server's command line. A bystander waits on descriptor 3, which nobody
 * writes to: it closes when the starter dies, however that happens; then the server is ended and its data removed. The
 * server takes the place of the shell, so that its process id and exit status are the child's.
 */
const GUARDED = `
  server=$$; folder=$1; signal=$2; shift 2
  ( ( read _ <&3; kill -$signal $server; while kill -0 $server; do sleep 0.1; done; rm -rf "$folder" ) >/dev/null 2>&1 & )
  exec "$@" 3<&-`;

export interface Guard {
  readonly pid: number;
  isRunning(): boolean;
  /** Ends it at once, its data stay: another one may be started in the same folder. */
  kill(): Promise<void>;
  /** Ends it and removes its data; safe to call twice. */
  stop(): Promise<void>;
}

/** @throws MillraceError unavailable with its log */
export async function startGuarded(server: GuardedServer): Promise<Guard> {
  const { folder, owner, command, endSignal } = server;
  const child = spawn('sh', ['-c', GUARDED, 'sh', folder, endSignal.slice(3), ...command], {
    ...owner,
    cwd: folder,
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = (): Promise<void> => {
    child.kill(endSignal);
    return exited;
  };
  const stop = async (): Promise<void> => {
    await kill();
    child.stdio[3]?.destroy();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await readiness(child, server);
  } catch (error) {
    await stop();
    throw error;
  }
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  return { pid: child.pid as number, isRunning, kill, stop };
}

/** Resolves when the server says so in its log. @throws MillraceError unavailable with the log when it ends instead */
function readiness(child: ChildProcess, { label, readyText, onLog }: GuardedServer): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    const fail = (): void => {
      clearTimeout(timer);
      reject(new MillraceError('unavailable', `${label} did not start: ${log}`));
    };
    const timer = setTimeout(fail, START_TIMEOUT_MS);
    const stderr = child.stderr as Readable;
    stderr.setEncoding('utf8');
    if (onLog) stderr.on('data', onLog);
    const listen = (chunk: string): void => {
      log += chunk;
      if (!log.includes(readyText)) return;
      clearTimeout(timer);
      stderr.off('data', listen);
      stderr.resume(); // a full pipe would hold the server back
      resolve();
    };
    stderr.on('data', listen);
    child.once('error', fail);
    stderr.once('end', fail); // its last words are read by then
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

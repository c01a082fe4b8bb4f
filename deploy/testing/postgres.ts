/** A real PostgreSQL of one's own: a fresh, empty cluster on a free loopback port, gone when its starter is. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { MillraceError } from '#common/errors.ts';
import { findPostgres } from './available.ts';

export interface RunningPostgres {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** A superuser. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Where psql and pgbench are. */
  readonly binDir: string;
  /** Ends the server at once and removes its data; safe to call twice. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Server settings by name; everything else is PostgreSQL's own default, durability included. */
  readonly settings?: Readonly<Record<string, string>>;
}

const USER = 'millrace';
const PASSWORD = 'only-for-tests';
/** The port is free when it is chosen and may be taken by another a moment later. */
const ATTEMPTS_MAX = 5;
const START_TIMEOUT_MS = 60_000;

/** @throws MillraceError unavailable when there is no PostgreSQL here, or it does not start */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const binDir = findPostgres();
  if (!binDir) throw new MillraceError('unavailable', 'PostgreSQL is not installed.');
  const owner = serverOwner();
  const template = ensureTemplate(binDir, owner);
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(binDir, owner, template, options.settings ?? {});
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !String(error).includes('could not create any TCP/IP sockets')) throw error;
    }
  }
}

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
function serverOwner(): Owner {
  if (process.getuid?.() !== 0) return {};
  const id = (option: string): number => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Making a cluster takes seconds, copying one takes a moment: made once, kept in the temporary folder. */
function ensureTemplate(binDir: string, owner: Owner): string {
  const uid = owner.uid ?? process.getuid?.() ?? 0;
  const template = join(tmpdir(), `millrace-postgres-template-${basename(dirname(binDir))}-${uid}`);
  if (existsSync(template) && statSync(template).uid === uid) return template;
  const folder = freshFolder(owner);
  const passwordFile = join(folder, 'password');
  const data = join(folder, 'data');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  const cluster = ['-D', data, '--no-sync', '--locale=C.UTF-8', '-E', 'UTF8'];
  const access = ['-U', USER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  execFileSync(join(binDir, 'initdb'), [...cluster, ...access], { ...owner, cwd: folder, stdio: 'pipe' });
  try {
    renameSync(data, template);
  } catch (error) {
    if (!existsSync(template)) throw error; // another process was faster: its template is as good
  }
  rmSync(folder, { recursive: true, force: true });
  return template;
}

function freshFolder(owner: Owner): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
  return folder;
}

/**
 * $1 is the folder, the rest the server's command line. A bystander waits on descriptor 3, which nobody writes to: it
 * closes when the starter dies, however that happens; then the server is ended and its data removed. The server takes
 * the place of the shell, so that its process id and exit status are the child's.
 */
const GUARDED = `
  server=$$; folder=$1; shift
  ( ( read _ <&3; kill -QUIT $server; while kill -0 $server; do sleep 0.1; done; rm -rf "$folder" ) >/dev/null 2>&1 & )
  exec "$@" 3<&-`;

async function startOnce(
  binDir: string,
  owner: Owner,
  template: string,
  settings: Readonly<Record<string, string>>,
): Promise<RunningPostgres> {
  const folder = freshFolder(owner);
  const data = join(folder, 'data');
  execFileSync('cp', ['-a', template, data], { ...owner, cwd: folder });
  const port = await freePort();
  const all = { ...settings, listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '' };
  const server = [
    join(binDir, 'postgres'),
    ...['-D', data],
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const child = spawn('sh', ['-c', GUARDED, 'sh', folder, ...server], {
    ...owner,
    cwd: folder,
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGQUIT');
    await exited;
    child.stdio[3]?.destroy();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await readiness(child);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`;
  return { url, host: '127.0.0.1', port, user: USER, password: PASSWORD, database: 'postgres', binDir, stop };
}

/** Resolves when the server says so in its log. @throws MillraceError unavailable with the log when it ends instead */
function readiness(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    const fail = (): void => {
      clearTimeout(timer);
      reject(new MillraceError('unavailable', `PostgreSQL did not start: ${log}`));
    };
    const timer = setTimeout(fail, START_TIMEOUT_MS);
    const stderr = child.stderr as Readable;
    stderr.setEncoding('utf8');
    const listen = (chunk: string): void => {
      log += chunk;
      if (!log.includes('ready to accept connections')) return;
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

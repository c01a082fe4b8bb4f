/** A real PostgreSQL of one's own: a fresh, empty cluster on a free loopback port, gone when its starter is. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MillraceError } from '#common/errors.ts';
import { findPostgres } from './available.ts';
import { ensureTemplate, freshFolder, type Owner, onFreePort, serverOwner, startGuarded } from './guarded.ts';

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
  /** Gets the server's log as it is written, in pieces of any length. */
  readonly onLog?: (text: string) => void;
}

const NAME = 'postgres';
const USER = 'millrace';
const PASSWORD = 'only-for-tests';

/** @throws MillraceError unavailable when there is no PostgreSQL here, or it does not start */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const binDir = findPostgres();
  if (!binDir) throw new MillraceError('unavailable', 'PostgreSQL is not installed.');
  const owner = serverOwner('postgres');
  const version = basename(dirname(binDir));
  const template = ensureTemplate(`${NAME}-${version}`, owner, (folder) => makeCluster(binDir, owner, folder));
  const start = (port: number) => startOnce(binDir, owner, template, port, options);
  return onFreePort(start, 'could not create any TCP/IP sockets');
}

function makeCluster(binDir: string, owner: Owner, folder: string): void {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  const cluster = ['-D', join(folder, 'data'), '--no-sync', '--locale=C.UTF-8', '-E', 'UTF8'];
  const access = ['-U', USER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  execFileSync(join(binDir, 'initdb'), [...cluster, ...access], { ...owner, cwd: folder, stdio: 'pipe' });
}

async function startOnce(
  binDir: string,
  owner: Owner,
  template: string,
  port: number,
  { settings = {}, onLog }: PostgresOptions,
): Promise<RunningPostgres> {
  const folder = freshFolder(NAME, owner);
  const data = join(folder, 'data');
  execFileSync('cp', ['-a', template, data], { ...owner, cwd: folder });
  const all = { ...settings, listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '' };
  const { stop } = await startGuarded({
    label: 'PostgreSQL',
    owner,
    folder,
    command: [
      join(binDir, 'postgres'),
      ...['-D', data],
      ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    readyText: 'ready to accept connections',
    endSignal: 'SIGQUIT',
    onLog,
  });
  const url = `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`;
  return { url, host: '127.0.0.1', port, user: USER, password: PASSWORD, database: 'postgres', binDir, stop };
}

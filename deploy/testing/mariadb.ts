/** A real MariaDB of one's own: fresh and empty, on a free loopback port, gone when its starter is. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '#common/errors.ts';
import { findMariadb } from './available.ts';
import { ensureTemplate, freshFolder, type Owner, onFreePort, serverOwner, startGuarded } from './guarded.ts';

export interface RunningMariadb {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** May do everything. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Its Unix socket. */
  readonly socket: string;
  /** Ends the server at once and removes its data; safe to call twice. */
  stop(): Promise<void>;
}

export interface MariadbOptions {
  /** Server settings by name, as on its command line; everything else is MariaDB's own default, durability included. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where another one was a moment ago; otherwise a free one. */
  readonly port?: number;
}

const NAME = 'mariadb';
const USER = 'millrace';
const PASSWORD = 'only-for-tests';
const DATABASE = 'millrace';

/** The accounts: made anew with each server. */
const INIT = `create database ${DATABASE} character set utf8mb4;
create user '${USER}'@'%' identified by '${PASSWORD}';
grant all privileges on *.* to '${USER}'@'%' with grant option;
`;
/** Small, as the template is copied for each server. */
const LOG_FILE_SIZE = '16M';

/** @throws MillraceError unavailable when there is no MariaDB here, or it does not start */
export async function startMariadb(options: MariadbOptions = {}): Promise<RunningMariadb> {
  const found = findMariadb();
  if (!found) throw new MillraceError('unavailable', 'MariaDB is not installed.');
  const owner = serverOwner('mysql');
  const template = ensureTemplate(`${NAME}-${found.version}`, owner, (folder) =>
    makeData(found.installer, owner, folder),
  );
  const start = (port: number) => startOnce(found.server, owner, template, port, options.settings ?? {});
  return options.port !== undefined
    ? start(options.port)
    : onFreePort(start, "Can't start server: Bind on TCP/IP port");
}

function makeData(installer: string, owner: Owner, folder: string): void {
  const access = ['--auth-root-authentication-method=normal', '--skip-test-db'];
  const where = [`--datadir=${join(folder, 'data')}`, `--innodb-log-file-size=${LOG_FILE_SIZE}`];
  execFileSync(installer, ['--no-defaults', ...where, ...access], { ...owner, cwd: folder, stdio: 'pipe' });
}

async function startOnce(
  server: string,
  owner: Owner,
  template: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<RunningMariadb> {
  const folder = freshFolder(NAME, owner);
  const data = join(folder, 'data');
  const socket = join(folder, 'socket');
  const init = join(folder, 'init.sql');
  execFileSync('cp', ['-a', template, data], { ...owner, cwd: folder });
  writeFileSync(init, INIT, { mode: 0o644 });
  const all = {
    'innodb-log-file-size': LOG_FILE_SIZE,
    ...settings,
    datadir: data,
    // A server that starts clears what others have there.
    tmpdir: folder,
    'init-file': init,
    'bind-address': '127.0.0.1',
    port: String(port),
    socket,
    'pid-file': join(folder, 'pid'),
  };
  const { stop } = await startGuarded({
    label: 'MariaDB',
    owner,
    folder,
    command: [server, '--no-defaults', ...Object.entries(all).map(([name, value]) => `--${name}=${value}`)],
    readyText: 'ready for connections',
    endSignal: 'SIGKILL',
  });
  const url = `mysql://${USER}:${PASSWORD}@127.0.0.1:${port}/${DATABASE}`;
  return { url, host: '127.0.0.1', port, user: USER, password: PASSWORD, database: DATABASE, socket, stop };
}

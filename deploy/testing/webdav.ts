/** A real Apache with WebDAV of one's own: on a free loopback port, gone when its starter is. */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '#common/errors.ts';
import { findApache } from './available.ts';
import { freshFolder, type Guard, onFreePort, serverOwner, startGuarded } from './guarded.ts';
import { answering, endTree } from './processes.ts';

export interface RunningWebdav {
  /** Everything under /dav is for signed-in users. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The folder that /dav is. */
  readonly files: string;
  /** Ends the server at once, as a lost machine would. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port. */
  restart(): Promise<void>;
  /** Ends it and removes its files; safe to call twice. */
  stop(): Promise<void>;
}

export interface WebdavOptions {
  readonly auth?: 'Basic' | 'Digest';
  /** Lines of its configuration for /dav. */
  readonly lines?: readonly string[];
}

const NAME = 'webdav';
const HOST = '127.0.0.1';
const USER = 'mïllrace';
const PASSWORD = 'only: for tests';
const REALM = 'files';
/** What root's server runs as: permissions say nothing to root itself. */
const SYSTEM_USER = 'nobody';
const MODULES = {
  ...{ mpm_worker: 'mod_mpm_worker', authn_core: 'mod_authn_core', authz_core: 'mod_authz_core', dav: 'mod_dav' },
  ...{ authn_file: 'mod_authn_file', authz_user: 'mod_authz_user', auth_basic: 'mod_auth_basic' },
  ...{
    alias: 'mod_alias',
    auth_digest: 'mod_auth_digest',
    dav_fs: 'mod_dav_fs',
    deflate: 'mod_deflate',
    filter: 'mod_filter',
  },
} as const;

/** @throws MillraceError unavailable when there is no Apache here, or it does not start */
export async function startWebdav(options: WebdavOptions = {}): Promise<RunningWebdav> {
  const found = findApache();
  if (!found) throw new MillraceError('unavailable', 'Apache is not installed.');
  return onFreePort((port) => startOnce(found, port, options), 'Address already in use');
}

async function startOnce(
  { server, modules }: { server: string; modules: string },
  port: number,
  { auth = 'Digest', lines = [] }: WebdavOptions,
): Promise<RunningWebdav> {
  const folder = freshFolder(NAME, {});
  chmodSync(folder, 0o755);
  const at = (name: string): string => join(folder, name);
  for (const name of ['files', 'locks']) mkdirSync(at(name));
  const isRoot = process.getuid?.() === 0;
  const { uid, gid } = isRoot ? serverOwner(SYSTEM_USER) : {};
  if (uid !== undefined && gid !== undefined) for (const name of ['files', 'locks']) chownSync(at(name), uid, gid);
  const md5 = createHash('md5').update(`${USER}:${REALM}:${PASSWORD}`).digest('hex');
  const sha1 = createHash('sha1').update(PASSWORD).digest('base64');
  writeFileSync(at('digest'), `${USER}:${REALM}:${md5}\n`);
  writeFileSync(at('basic'), `${USER}:{SHA}${sha1}\n`);
  const all = [
    ...Object.entries(MODULES).map(([name, file]) => `LoadModule ${name}_module ${join(modules, file)}.so`),
    ...[`ServerRoot ${folder}`, `ServerName ${HOST}`, `Listen ${HOST}:${port}`, `PidFile ${at('pid')}`],
    ...[`ErrorLog ${at('log')}`, 'LogLevel warn', 'ThreadsPerChild 40', 'MaxRequestWorkers 40', 'ServerLimit 1'],
    ...(isRoot ? [`User ${SYSTEM_USER}`, 'Group nogroup'] : []),
    ...[`Alias /dav ${at('files')}`, `DavLockDB ${at('locks/db')}`, 'LimitXMLRequestBody 0', 'LimitRequestBody 0'],
    ...['<Location /dav>', 'Dav On', `AuthType ${auth}`, `AuthName ${REALM}`, `Auth${auth}Provider file`],
    ...[`AuthUserFile ${at(auth.toLowerCase())}`, 'Require valid-user', ...lines, '</Location>'],
  ];
  const config = at('httpd.conf');
  writeFileSync(config, `${all.join('\n')}\n`);
  const start = async (): Promise<Guard> => {
    const guard = await startGuarded({
      label: 'Apache',
      owner: {},
      folder,
      // One process: nothing goes on when it is ended.
      command: ['sh', '-c', 'echo starting >&2; exec "$@"', 'sh', server, '-X', '-f', config],
      readyText: 'starting',
      endSignal: 'SIGKILL',
    });
    await answering(HOST, port); // it has no word for that
    return guard;
  };
  const guards = [await start()];
  const kill = async (): Promise<void> => {
    await endTree(guards.at(-1) as Guard);
  };
  return {
    ...{
      url: `http://${HOST}:${port}/dav`,
      host: HOST,
      port,
      user: USER,
      password: PASSWORD,
      files: at('files'),
      kill,
    },
    restart: async () => {
      guards.push(await start());
    },
    stop: async () => {
      await kill();
      for (const guard of guards) await guard.stop();
    },
  };
}

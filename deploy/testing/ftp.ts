/** A real ProFTPD of one's own: on a free loopback port, gone when its starter is. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '#common/errors.ts';
import { findProftpd } from './available.ts';
import { freshFolder, type Guard, onFreePort, serverOwner, startGuarded } from './guarded.ts';
import { answering, endTree } from './processes.ts';

export interface RunningFtp {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Where files may be. */
  readonly files: string;
  /** Ends the server and all that it serves at once, as a lost machine would. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port. */
  restart(): Promise<void>;
  /** Ends it and removes its files; safe to call twice. */
  stop(): Promise<void>;
}

export interface FtpOptions {
  /** Lines of its configuration, such as `AllowOverwrite off`. */
  readonly lines?: readonly string[];
  /** Only encrypted connections. */
  readonly tls?: { readonly certificateFile: string; readonly keyFile: string };
}

const NAME = 'ftp';
const HOST = '127.0.0.1';
const USER = 'millrace';
const PASSWORD = 'only for tests';
/** What root's server runs as for its users: permissions say nothing to root itself. */
const SYSTEM_USER = 'nobody';

/** @throws MillraceError unavailable when there is no ProFTPD here, or it does not start */
export async function startFtp(options: FtpOptions = {}): Promise<RunningFtp> {
  const found = findProftpd();
  if (!found) throw new MillraceError('unavailable', 'ProFTPD is not installed.');
  return onFreePort((port) => startOnce(found, port, options), 'Address already in use');
}

async function startOnce(
  { server, modules }: { server: string; modules: string },
  port: number,
  { lines = [], tls }: FtpOptions,
): Promise<RunningFtp> {
  const folder = freshFolder(NAME, {});
  chmodSync(folder, 0o755);
  const files = join(folder, 'files');
  mkdirSync(files);
  const isRoot = process.getuid?.() === 0;
  const { uid = userInfo().uid, gid = userInfo().gid } = isRoot ? serverOwner(SYSTEM_USER) : {};
  if (isRoot) chownSync(files, uid, gid);
  const hash = execFileSync('openssl', ['passwd', '-6', PASSWORD], { encoding: 'utf8' }).trim();
  writeFileSync(join(folder, 'users'), `${USER}:${hash}:${uid}:${gid}::${files}:/bin/sh\n`, { mode: 0o600 });
  const all = [
    ...(tls ? [`ModulePath ${modules}`, 'LoadModule mod_tls.c'] : []),
    ...['ServerType standalone', 'UseIPv6 off', 'UseReverseDNS off', 'WtmpLog off', 'RequireValidShell off'],
    ...[`DefaultAddress ${HOST}`, `Port ${port}`, `AuthUserFile ${join(folder, 'users')}`, 'AuthOrder mod_auth_file.c'],
    ...[`PidFile ${join(folder, 'pid')}`, `ScoreboardFile ${join(folder, 'scoreboard')}`, 'TransferLog none'],
    ...['AllowOverwrite on', 'AllowStoreRestart on', 'TimesGMT on', 'TimeoutIdle 60'],
    // Its own default is a number of the maximum of a process.
    ...['MaxInstances 100', 'AllowForeignAddress off'],
    ...(isRoot ? [] : [`User ${userInfo().username}`]),
    ...(tls
      ? [
          ...['TLSEngine on', 'TLSRequired on', `TLSRSACertificateFile ${tls.certificateFile}`],
          `TLSRSACertificateKeyFile ${tls.keyFile}`,
        ]
      : []),
    ...lines,
  ];
  const config = join(folder, 'proftpd.conf');
  writeFileSync(config, `${all.join('\n')}\n`);
  const start = async (): Promise<Guard> => {
    const guard = await startGuarded({
      label: 'ProFTPD',
      owner: {},
      folder,
      command: [server, '-n', '-c', config],
      readyText: 'standalone mode STARTUP',
      endSignal: 'SIGKILL',
    });
    await answering(HOST, port); // which it says before it does
    return guard;
  };
  const guards = [await start()];
  const kill = async (): Promise<void> => {
    await endTree(guards.at(-1) as Guard);
  };
  return {
    ...{ host: HOST, port, user: USER, password: PASSWORD, files, kill },
    restart: async () => {
      guards.push(await start());
    },
    stop: async () => {
      await kill();
      for (const guard of guards) await guard.stop();
    },
  };
}

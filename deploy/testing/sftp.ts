/** A real OpenSSH server of one's own for SFTP: on a free loopback port, gone when its starter is. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '#common/errors.ts';
import { findSshd } from './available.ts';
import { freshFolder, type Guard, onFreePort, serverOwner, startGuarded } from './guarded.ts';
import { endTree } from './processes.ts';

export interface RunningSftp {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** In the form of OpenSSH, without a passphrase. */
  readonly privateKey: string;
  /** SHA256 of the server's ed25519 and RSA keys, as ssh-keygen shows them. */
  readonly fingerprints: readonly [string, string];
  /** Where files may be; the user's own. */
  readonly files: string;
  /** Ends the server and all that it serves at once, as a lost machine would. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port. */
  restart(): Promise<void>;
  /** Ends it and removes its files; safe to call twice. */
  stop(): Promise<void>;
}

const NAME = 'sftp';
const HOST = '127.0.0.1';
/** Whom root lets in: permissions say nothing to root itself. */
const USER = 'nobody';
const KEY_TYPES = ['ed25519', 'rsa'] as const;

/** @throws MillraceError unavailable when there is no OpenSSH server here, or it does not start */
export async function startSftp(): Promise<RunningSftp> {
  const program = findSshd();
  if (!program) throw new MillraceError('unavailable', 'OpenSSH is not installed.');
  return onFreePort((port) => startOnce(program, port), 'Address already in use');
}

async function startOnce(program: string, port: number): Promise<RunningSftp> {
  const folder = freshFolder(NAME, {});
  chmodSync(folder, 0o755);
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? USER : userInfo().username;
  const files = join(folder, 'files');
  mkdirSync(files);
  const { uid, gid } = isRoot ? serverOwner(USER) : {};
  if (uid !== undefined && gid !== undefined) chownSync(files, uid, gid);
  // Where root's server keeps the part of itself that may do nothing.
  if (isRoot) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });

  const makeKey = (name: string, type: string): string => {
    const file = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file], { stdio: 'pipe' });
    return file;
  };
  const hostKeys = KEY_TYPES.map((type) => makeKey(`host-${type}`, type));
  const key = makeKey('user', 'ed25519');
  copyFileSync(`${key}.pub`, join(folder, 'authorized_keys'));
  const lines = [
    `ListenAddress ${HOST}:${port}`,
    ...hostKeys.map((file) => `HostKey ${file}`),
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    `PidFile none`,
    ...['StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no'],
    ...['MaxStartups 100', 'MaxSessions 100', 'Subsystem sftp internal-sftp', 'ForceCommand internal-sftp'],
  ];
  const config = join(folder, 'sshd_config');
  writeFileSync(config, `${lines.join('\n')}\n`);
  const start = (): Promise<Guard> =>
    startGuarded({
      label: 'OpenSSH',
      owner: {},
      folder,
      command: [program, '-f', config, '-D', '-e'],
      readyText: 'Server listening',
      endSignal: 'SIGKILL',
    });
  const guards = [await start()];
  const kill = async (): Promise<void> => {
    await endTree(guards.at(-1) as Guard);
  };
  return {
    ...{ host: HOST, port, user, files, kill },
    privateKey: readFileSync(key, 'utf8'),
    fingerprints: [fingerprintOf(hostKeys[0] as string), fingerprintOf(hostKeys[1] as string)],
    restart: async () => {
      guards.push(await start());
    },
    stop: async () => {
      await kill();
      for (const guard of guards) await guard.stop();
    },
  };
}

const fingerprintOf = (keyFile: string): string =>
  execFileSync('ssh-keygen', ['-lf', `${keyFile}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '';

/** Brings the servers and tools that tests and benchmarks need, where that may be done: as root on Debian. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findApache, findMariadb, findNats, findNginx, findPostgres, findProftpd, findSshd } from './available.ts';

/** Tool → Debian package, and how to see that it is there already. */
const TOOLS = {
  postgres: { package: 'postgresql', isPresent: () => findPostgres() !== undefined },
  mariadb: { package: 'mariadb-server', isPresent: () => findMariadb() !== undefined },
  nats: { package: 'nats-server', isPresent: () => findNats() !== undefined },
  nginx: { package: 'nginx-light', isPresent: () => findNginx() !== undefined },
  sftp: { package: 'openssh-server', isPresent: () => findSshd() !== undefined },
  ftp: { package: 'proftpd-mod-crypto', isPresent: () => findProftpd() !== undefined },
  webdav: { package: 'apache2-bin', isPresent: () => findApache() !== undefined },
  wrk: { package: 'wrk', isPresent: () => isInPath('wrk') },
} as const;

export type Tool = keyof typeof TOOLS;

/** Installs what is missing. Where that cannot be done nothing happens: whoever needs the tool says so. */
export function installTools(tools: readonly Tool[]): void {
  const packages = tools.filter((tool) => !TOOLS[tool].isPresent()).map((tool) => TOOLS[tool].package);
  if (packages.length === 0 || process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return;
  process.stderr.write(`millrace: Installing ${packages.join(', ')} (apt-get).\n`);
  const done = apt(['update']) && apt(['install', '-y', '--no-install-recommends', ...packages]);
  if (!done) process.stderr.write(`millrace: ${packages.join(', ')} could not be installed.\n`);
}

function apt(args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stderr } = spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) process.stderr.write(stderr ?? '');
  return status === 0;
}

function isInPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}

/** Brings the servers and tools that tests and benchmarks need, where that may be done: as root on Debian. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  findApache,
  findChromium,
  findMariadb,
  findNats,
  findNginx,
  findPostgres,
  findProftpd,
  findS3,
  findSshd,
  GO_FOLDER,
  hasDav,
} from './available.ts';

/** Tool → Debian package, and how to see that it is there already. */
const TOOLS = {
  postgres: { package: 'postgresql', isPresent: () => findPostgres() !== undefined },
  mariadb: { package: 'mariadb-server', isPresent: () => findMariadb() !== undefined },
  nats: { package: 'nats-server', isPresent: () => findNats() !== undefined },
  nginx: { package: 'nginx-light', isPresent: () => findNginx() !== undefined },
  // With the module that takes PUT, as nginx-light has none.
  'nginx-dav': { package: 'nginx-extras', isPresent: () => hasDav() },
  sftp: { package: 'openssh-server', isPresent: () => findSshd() !== undefined },
  ftp: { package: 'proftpd-mod-crypto', isPresent: () => findProftpd() !== undefined },
  webdav: { package: 'apache2-bin', isPresent: () => findApache() !== undefined },
  chromium: { package: 'chromium', isPresent: () => findChromium() !== undefined },
  curl: { package: 'curl', isPresent: () => isInPath('curl') },
  wrk: { package: 'wrk', isPresent: () => isInPath('wrk') },
} as const;

/** Tool → module that Go builds in about a minute: Debian has none. */
const GO_TOOLS = {
  s3: { module: 'github.com/versity/versitygw/cmd/versitygw@v1.8.0', isPresent: () => findS3() !== undefined },
} as const;

export type Tool = keyof typeof TOOLS | keyof typeof GO_TOOLS;

const isGoTool = (tool: Tool): tool is keyof typeof GO_TOOLS => Object.hasOwn(GO_TOOLS, tool);

/** Installs what is missing. Where that cannot be done nothing happens: whoever needs the tool says so. */
export function installTools(tools: readonly Tool[]): void {
  installPackages(tools.filter((tool) => !isGoTool(tool)));
  for (const tool of tools.filter(isGoTool)) if (!GO_TOOLS[tool].isPresent()) buildModule(GO_TOOLS[tool].module);
}

function installPackages(tools: readonly (keyof typeof TOOLS)[]): void {
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

function buildModule(module: string): void {
  if (!isInPath('go')) return;
  process.stderr.write(`millrace: Building ${module} (go).\n`);
  const env = { ...process.env, GOBIN: GO_FOLDER };
  const { status, stderr } = spawnSync('go', ['install', module], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) process.stderr.write(`${stderr ?? ''}millrace: ${module} could not be built.\n`);
}

function isInPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}

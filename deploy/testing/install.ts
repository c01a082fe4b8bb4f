/** Brings the servers and tools that tests and benchmarks need, where that may be done: as root on Debian. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import {
  findApache,
  findDynamodb,
  findMariadb,
  findNats,
  findNginx,
  findPostgres,
  findProftpd,
  findS3,
  findSshd,
  GO_FOLDER,
  jarsFolder,
} from './available.ts';

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

/** Tool → module that Go builds in about a minute: Debian has none. */
const GO_TOOLS = {
  s3: { module: 'github.com/versity/versitygw/cmd/versitygw@v1.8.0', isPresent: () => findS3() !== undefined },
} as const;

/** Tool → artifact that Maven brings, with all that it needs. */
const MAVEN_TOOLS = {
  dynamodb: { artifact: 'com.amazonaws:DynamoDBLocal:2.5.2', isPresent: () => findDynamodb() !== undefined },
} as const;
const COPY_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';

export type Tool = keyof typeof TOOLS | keyof typeof GO_TOOLS | keyof typeof MAVEN_TOOLS;

const isMavenTool = (tool: Tool): tool is keyof typeof MAVEN_TOOLS => Object.hasOwn(MAVEN_TOOLS, tool);
const isGoTool = (tool: Tool): tool is keyof typeof GO_TOOLS => Object.hasOwn(GO_TOOLS, tool);

/** Installs what is missing. Where that cannot be done nothing happens: whoever needs the tool says so. */
export function installTools(tools: readonly Tool[]): void {
  installPackages(tools.filter((tool) => !isGoTool(tool) && !isMavenTool(tool)) as (keyof typeof TOOLS)[]);
  for (const tool of tools.filter(isMavenTool)) {
    if (!MAVEN_TOOLS[tool].isPresent()) fetchJars(tool, MAVEN_TOOLS[tool].artifact);
  }
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

function fetchJars(tool: keyof typeof MAVEN_TOOLS, artifact: string): void {
  if (!isInPath('mvn') || !isInPath('java')) return;
  process.stderr.write(`millrace: Fetching ${artifact} (maven).\n`);
  const jars = jarsFolder(tool);
  mkdirSync(dirname(jars), { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'millrace-maven-'));
  writeFileSync(join(folder, 'pom.xml'), pomOf(artifact));
  const args = ['-q', '-B', COPY_GOAL, `-DoutputDirectory=${jars}`, '-DincludeScope=runtime'];
  const { status, stdout } = spawnSync('mvn', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  rmSync(folder, { recursive: true, force: true });
  if (status !== 0) process.stderr.write(`${stdout ?? ''}millrace: ${artifact} could not be fetched.\n`);
}

function pomOf(artifact: string): string {
  const [group, name, version] = artifact.split(':');
  const own = '<groupId>millrace</groupId><artifactId>tools</artifactId><version>1</version>';
  const wanted = `<groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>`;
  const head = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>';
  return `${head}${own}<dependencies><dependency>${wanted}</dependency></dependencies></project>`;
}

function isInPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}

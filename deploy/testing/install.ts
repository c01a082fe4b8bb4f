/** Brings the servers and tools that tests and benchmarks need, where that may be done: as root on Debian. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  CASSANDRA_JARS,
  DYNAMODB_JARS,
  findApache,
  findCassandra,
  findChromium,
  findDynamodb,
  findMariadb,
  findMongo,
  findNats,
  findNginx,
  findPostgres,
  findProftpd,
  findS3,
  findSshd,
  GO_FOLDER,
  hasDav,
  MONGO_JARS,
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

/** Server → artifact of Maven, whose jars go into one folder. Java has to be there as well. */
const JAVA_TOOLS = {
  mongodb: {
    artifact: ['de.bwaldvogel', 'mongo-java-server', '1.46.0'],
    folder: MONGO_JARS,
    isPresent: () => findMongo() !== undefined,
  },
  dynamodb: {
    artifact: ['com.amazonaws', 'DynamoDBLocal', '2.5.2'],
    folder: DYNAMODB_JARS,
    isPresent: () => findDynamodb() !== undefined,
  },
  cassandra: {
    artifact: ['org.apache.cassandra', 'cassandra-all', '5.0.5'],
    folder: CASSANDRA_JARS,
    isPresent: () => findCassandra() !== undefined,
  },
} as const;
const JAVA_PACKAGES = ['default-jdk-headless', 'maven'];

export type Tool = keyof typeof TOOLS | keyof typeof GO_TOOLS | keyof typeof JAVA_TOOLS;

const isJavaTool = (tool: Tool): tool is keyof typeof JAVA_TOOLS => Object.hasOwn(JAVA_TOOLS, tool);
const isGoTool = (tool: Tool): tool is keyof typeof GO_TOOLS => Object.hasOwn(GO_TOOLS, tool);

/** Installs what is missing. Where that cannot be done nothing happens: whoever needs the tool says so. */
export function installTools(tools: readonly Tool[]): void {
  const java = tools.filter(isJavaTool).filter((tool) => !JAVA_TOOLS[tool].isPresent());
  const debian = tools.flatMap((tool) =>
    isGoTool(tool) || isJavaTool(tool) || TOOLS[tool].isPresent() ? [] : TOOLS[tool].package,
  );
  const lacksJava = java.length > 0 && !(isInPath('mvn') && isInPath('javac'));
  installPackages([...debian, ...(lacksJava ? JAVA_PACKAGES : [])]);
  for (const tool of java) fetchJars(JAVA_TOOLS[tool]);
  for (const tool of tools.filter(isGoTool)) if (!GO_TOOLS[tool].isPresent()) buildModule(GO_TOOLS[tool].module);
}

function installPackages(packages: readonly string[]): void {
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

/** With all that it needs. A folder that is not complete counts as none. */
function fetchJars({ artifact: [group, name, version], folder }: (typeof JAVA_TOOLS)[keyof typeof JAVA_TOOLS]): void {
  // They may be there, with a Java that is none for them.
  if (!isInPath('mvn') || existsSync(join(folder, 'complete'))) return;
  process.stderr.write(`millrace: Fetching ${name} ${version} (maven).\n`);
  mkdirSync(folder, { recursive: true });
  const coordinates = `<groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>`;
  const own = '<groupId>test</groupId><artifactId>servers</artifactId><version>1</version><packaging>pom</packaging>';
  const pom = join(folder, 'pom.xml');
  const dependencies = `<dependencies><dependency>${coordinates}</dependency></dependencies>`;
  writeFileSync(pom, `<project><modelVersion>4.0.0</modelVersion>${own}${dependencies}</project>`);
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
  const { status, stdout, stderr } = spawnSync('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (status === 0) writeFileSync(join(folder, 'complete'), '');
  else process.stderr.write(`${stdout}${stderr}millrace: ${name} could not be fetched.\n`);
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

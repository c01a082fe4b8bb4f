/** Which servers the suites can have on this machine, and why not. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export type TestServer =
  | 'postgres'
  | 'mariadb'
  | 'mysql'
  | 'mongodb'
  | 'dynamodb'
  | 'cassandra'
  | 'nats'
  | 's3'
  | 'sftp'
  | 'ftp'
  | 'webdav'
  | 'chromium';
/** And what benchmarks measure against. */
export type Needed = TestServer | 'nginx' | 'nginx-dav';

const POSTGRES_MAJOR_MIN = 15;
/** Debian keeps each major version in a folder of its own, outside of PATH. */
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

/** The folder with `postgres`, `initdb` and `pgbench` of the newest version that is new enough. */
export function findPostgres(): string | undefined {
  const debian = existsSync(DEBIAN_POSTGRES)
    ? readdirSync(DEBIAN_POSTGRES)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(DEBIAN_POSTGRES, version, 'bin'))
    : [];
  return [...debian, ...(process.env['PATH'] ?? '').split(delimiter)].find(
    (folder) => ['postgres', 'initdb'].every((name) => existsSync(join(folder, name))) && isNewEnough(folder),
  );
}

function isNewEnough(folder: string): boolean {
  const { stdout } = spawnSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' });
  const major = /\(PostgreSQL\) (\d+)/.exec(stdout ?? '')?.[1];
  return Number(major) >= POSTGRES_MAJOR_MIN;
}

/** Debian keeps servers outside of an ordinary user's PATH. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];
/** The oldest that returns what it inserted and deleted, and has JSON tables. */
const MARIADB_MIN = [10, 6] as const;

/** Of Debian. */
const PROFTPD_MODULES = '/usr/lib/proftpd';
const APACHE_MODULES = '/usr/lib/apache2/modules';

const findProgram = (name: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(delimiter), ...SERVER_FOLDERS]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** The oldest that was tried: JetStream, headers and "no responders" are in all of them. */
const NATS_MIN = [2, 9] as const;

export function findNats(): string | undefined {
  const server = findProgram('nats-server');
  if (!server) return undefined;
  const { stdout } = spawnSync(server, ['--version'], { encoding: 'utf8' });
  const [, major, minor] = /v(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return Number(major) * 100 + Number(minor) >= NATS_MIN[0] * 100 + NATS_MIN[1] ? server : undefined;
}

/** Servers that Maven brings: their jars, each in a folder of its own. */
export const JAR_FOLDER = join(homedir(), '.cache', 'millrace-test-servers');
export const MONGO_JARS = join(JAR_FOLDER, 'mongo-java-server-1.46.0');

/** Java, and the jars of MongoDB's wire protocol. */
export function findMongo(): string | undefined {
  const java = findProgram('java');
  return java && findProgram('javac') && existsSync(join(MONGO_JARS, 'complete')) ? java : undefined;
}

export const DYNAMODB_JARS = join(JAR_FOLDER, 'DynamoDBLocal-2.5.2');
const DYNAMODB_JAVA_MIN = 17;

/** Java, where it is new enough and the jars of DynamoDB Local are there. */
export function findDynamodb(): string | undefined {
  const java = findProgram('java');
  if (!java || !existsSync(join(DYNAMODB_JARS, 'complete'))) return undefined;
  return javaMajor(java) >= DYNAMODB_JAVA_MIN ? java : undefined;
}

/** NaN where it does not say. */
function javaMajor(java: string): number {
  const { stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1]);
}

export const CASSANDRA_JARS = join(JAR_FOLDER, 'cassandra-all-5.0.5');
/** It refuses older ones, and needs of the JDK what newer ones no longer have. */
const CASSANDRA_JAVA = [11, 17];
/** Debian keeps each version in a folder of its own; one of them is in PATH. */
const DEBIAN_JAVA = '/usr/lib/jvm';

/** Java of a version that Cassandra supports, where Cassandra's jars are there. */
export function findCassandra(): string | undefined {
  if (!existsSync(join(CASSANDRA_JARS, 'complete'))) return undefined;
  const folders = existsSync(DEBIAN_JAVA) ? readdirSync(DEBIAN_JAVA) : [];
  return [findProgram('java'), ...folders.map((name) => join(DEBIAN_JAVA, name, 'bin', 'java'))].find(
    (java) => java !== undefined && existsSync(java) && CASSANDRA_JAVA.includes(javaMajor(java)),
  );
}

/** Where Go puts what it builds. */
export const GO_FOLDER = join(homedir(), 'go', 'bin');

/** MinIO where somebody has it, else the gateway that builds in a minute. */
export function findS3(): { readonly name: 'minio' | 'versitygw'; readonly program: string } | undefined {
  for (const name of ['minio', 'versitygw'] as const) {
    const program = findProgram(name) ?? [join(GO_FOLDER, name)].find((path) => existsSync(path));
    if (program) return { name, program };
  }
  return undefined;
}

/** Of an S3 server whose user may make buckets: `https://key:secret@host:port/?region=us-east-1`. */
export const s3Url = (): string | undefined => process.env['MILLRACE_TEST_S3_URL'] || undefined;

export const findChromium = (): string | undefined => findProgram('chromium') ?? findProgram('google-chrome');

export const findNginx = (): string | undefined => findProgram('nginx');

/** Has nginx the module that takes PUT? */
export function hasDav(): boolean {
  const nginx = findNginx();
  const said = nginx && spawnSync(nginx, ['-V'], { encoding: 'utf8' }).stderr;
  return said?.includes('http_dav_module') ?? false;
}

/** The absolute path: it starts itself again for each connection. */
export const findSshd = (): string | undefined => (findProgram('ssh-keygen') ? findProgram('sshd') : undefined);

/** With the module for TLS. */
export function findProftpd(): { server: string; modules: string } | undefined {
  const server = findProgram('proftpd');
  return server && existsSync(join(PROFTPD_MODULES, 'mod_tls.so')) ? { server, modules: PROFTPD_MODULES } : undefined;
}

/** With the modules for WebDAV. */
export function findApache(): { server: string; modules: string } | undefined {
  const server = findProgram('apache2');
  return server && existsSync(join(APACHE_MODULES, 'mod_dav_fs.so')) ? { server, modules: APACHE_MODULES } : undefined;
}

/** `mariadbd` and what makes its data, where they are new enough. */
export function findMariadb(): { server: string; installer: string; version: string } | undefined {
  const [server, installer] = [findProgram('mariadbd'), findProgram('mariadb-install-db')];
  if (!server || !installer) return undefined;
  const { stdout } = spawnSync(server, ['--no-defaults', '--version'], { encoding: 'utf8' });
  const [, major, minor] = /Ver (\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  const isNewEnough = Number(major) * 100 + Number(minor) >= MARIADB_MIN[0] * 100 + MARIADB_MIN[1];
  return isNewEnough ? { server, installer, version: `${major}.${minor}` } : undefined;
}

/** Address of a MySQL whose user may create databases: `mysql://user:password@host:port/database`. */
export const mysqlUrl = (): string | undefined => process.env['MILLRACE_TEST_MYSQL_URL'] || undefined;

/** Of a server with the interface of DynamoDB: `http://key:secret@host:port/?region=us-east-1`. */
export const dynamodbUrl = (): string | undefined => process.env['MILLRACE_TEST_DYNAMODB_URL'] || undefined;

/** Of a Cassandra whose user may create keyspaces: `cassandra://user:password@host:port/?local_datacenter=dc1`. */
export const cassandraUrl = (): string | undefined => process.env['MILLRACE_TEST_CASSANDRA_URL'] || undefined;

/** Address of a MongoDB whose user may create databases. */
export const mongoUrl = (): string | undefined => process.env['MILLRACE_TEST_MONGODB_URL'] || undefined;

/** undefined: suites that need it can run. */
export function whyNot(server: Needed): string | undefined {
  switch (server) {
    case 'postgres':
      return findPostgres() ? undefined : `PostgreSQL ${POSTGRES_MAJOR_MIN} or newer is not installed`;
    case 'mariadb':
      return findMariadb() ? undefined : `MariaDB ${MARIADB_MIN.join('.')} or newer is not installed`;
    case 'mysql':
      return mysqlUrl() ? undefined : 'MILLRACE_TEST_MYSQL_URL names no MySQL';
    case 'mongodb':
      return findMongo() || mongoUrl() ? undefined : 'no MongoDB is named, nor is its emulator there (Java, Maven)';
    case 'nats':
      return findNats() ? undefined : `NATS ${NATS_MIN.join('.')} or newer is not installed`;
    case 's3':
      return findS3() || s3Url() ? undefined : 'no S3 server is installed (MinIO, or versitygw, which Go builds)';
    case 'dynamodb':
      return findDynamodb() || dynamodbUrl()
        ? undefined
        : `no DynamoDB is named, nor is DynamoDB Local there (Maven, Java ${DYNAMODB_JAVA_MIN} or newer)`;
    case 'cassandra':
      return findCassandra() || cassandraUrl()
        ? undefined
        : `no Cassandra is named, nor are its jars there (Maven, Java ${CASSANDRA_JAVA.join(' or ')})`;
    case 'sftp':
      return findSshd() ? undefined : 'OpenSSH (server and ssh-keygen) is not installed';
    case 'ftp':
      return findProftpd() ? undefined : 'ProFTPD (with its module for TLS) is not installed';
    case 'webdav':
      return findApache() ? undefined : 'Apache (with its modules for WebDAV) is not installed';
    case 'chromium':
      return findChromium() ? undefined : 'Chromium is not installed';
    case 'nginx-dav':
      return hasDav() ? undefined : 'nginx with its module for WebDAV is not installed';
    case 'nginx':
      return findNginx() ? undefined : 'nginx is not installed';
  }
}

/** A real Cassandra of one's own: one node, fresh and empty, on free loopback ports, gone when its starter is. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '#common/errors.ts';
import { CASSANDRA_JARS, cassandraUrl, findCassandra } from './available.ts';
import type { Certificate } from './certificates.ts';
import { freshFolder, onFreePort, startGuarded } from './guarded.ts';

export interface RunningCassandra {
  readonly host: string;
  readonly port: number;
  /** Which drivers want to know. */
  readonly datacenter: string;
  /** undefined: who comes without a name may do everything. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** A name that nobody else uses. */
  newKeyspace(): string;
  /** Ends the server at once and removes its data; safe to call twice. */
  stop(): Promise<void>;
}

export interface CassandraOptions {
  /** Asks for a name and a password, and for the permissions of roles: the user returned may do everything. */
  readonly password?: boolean;
  /** Takes TLS only, and shows this one. */
  readonly certificate?: Certificate;
}

interface Ports {
  readonly port: number;
  /** For other nodes, of which there are none. */
  readonly storage: number;
}

const HOST = '127.0.0.1';
const PORT = 9042;
const DATACENTER = 'datacenter1';
const SUPERUSER = 'cassandra';
const MAIN = 'org.apache.cassandra.service.CassandraDaemon';

const newKeyspace = (): string => `millrace_${randomBytes(6).toString('hex')}`;

/**
 * The one that MILLRACE_TEST_CASSANDRA_URL names, else a new one; with an option always a new one.
 * @throws MillraceError unavailable when there is none
 */
export async function startCassandra(options: CassandraOptions = {}): Promise<RunningCassandra> {
  const address = cassandraUrl();
  if (address !== undefined && Object.keys(options).length === 0) return named(new URL(address));
  const java = findCassandra();
  if (java === undefined) throw new MillraceError('unavailable', 'Cassandra is not installed.');
  return onFreePort(
    (storage) => onFreePort((port) => startOnce(java, { port, storage }, options), 'Failed to bind port'),
    'is in use by another process',
  );
}

const named = (url: URL): RunningCassandra => ({
  host: url.hostname,
  port: Number(url.port || PORT),
  datacenter: url.searchParams.get('local_datacenter') ?? DATACENTER,
  user: decodeURIComponent(url.username) || undefined,
  password: decodeURIComponent(url.password) || undefined,
  newKeyspace,
  stop: async () => {},
});

async function startOnce(java: string, ports: Ports, options: CassandraOptions): Promise<RunningCassandra> {
  const folder = freshFolder('cassandra', {});
  const at = (name: string): string => join(folder, name);
  // YAML takes JSON.
  writeFileSync(at('cassandra.yaml'), JSON.stringify({ ...settings(ports), ...access(options, at('server.pem')) }));
  writeFileSync(at('logback.xml'), LOGBACK);
  const properties = {
    ...PROPERTIES,
    'cassandra.config': pathToFileURL(at('cassandra.yaml')).href,
    'cassandra.storagedir': at('data'),
    'logback.configurationFile': at('logback.xml'),
    // It unpacks native libraries there, and leaves them.
    'java.io.tmpdir': folder,
  };
  const defined = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
  const superuserMade = logged('Created default superuser role');
  const { stop } = await startGuarded({
    label: 'Cassandra',
    ...{ owner: {}, folder, endSignal: 'SIGKILL' },
    command: [java, ...JVM_OPTIONS, ...defined, '-cp', `${CASSANDRA_JARS}/*`, MAIN],
    readyText: 'Startup complete',
    onLog: superuserMade.onLog,
  });
  if (options.password) await superuserMade.promise;
  const superuser = options.password ? SUPERUSER : undefined;
  const server = { host: HOST, port: ports.port, datacenter: DATACENTER };
  return { ...server, user: superuser, password: superuser, newKeyspace, stop };
}

/** What the server says at some time of its own, before it is ready or after. */
function logged(text: string): { promise: Promise<void>; onLog: (piece: string) => void } {
  let log = '';
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  const onLog = (piece: string): void => {
    log += piece;
    if (log.includes(text)) resolve();
  };
  return { promise, onLog };
}

const settings = ({ port, storage }: Ports): object => ({
  cluster_name: 'millrace',
  listen_address: HOST,
  rpc_address: HOST,
  native_transport_port: port,
  storage_port: storage,
  seed_provider: [
    {
      class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
      parameters: [{ seeds: `${HOST}:${storage}` }],
    },
  ],
  endpoint_snitch: 'SimpleSnitch',
  partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
  num_tokens: 1,
  auto_bootstrap: false,
  hinted_handoff_enabled: false,
  // Writes do not wait for the disk.
  commitlog_sync: 'periodic',
  commitlog_sync_period: '10s',
  // What is dropped is copied first otherwise.
  auto_snapshot: false,
  memtable_heap_space: '32MiB',
});

/** @param pem  of the file in which the server finds its certificate and key */
function access({ password, certificate }: CassandraOptions, pem: string): object {
  if (certificate)
    writeFileSync(pem, [certificate.key, certificate.certificate].map((file) => readFileSync(file)).join(''));
  const factory = 'org.apache.cassandra.security.PEMBasedSslContextFactory';
  return {
    authenticator: password ? 'PasswordAuthenticator' : 'AllowAllAuthenticator',
    authorizer: password ? 'CassandraAuthorizer' : 'AllowAllAuthorizer',
    // Otherwise it heeds what was granted only seconds later.
    permissions_validity: '0ms',
    roles_validity: '0ms',
    client_encryption_options: certificate
      ? { enabled: true, optional: false, keystore: pem, ssl_context_factory: { class_name: factory } }
      : { enabled: false },
  };
}

/** Warnings and what tells that it is ready; one of its lines is its whole class path. */
const LOGBACK = `<configuration>
  <appender name="stderr" class="ch.qos.logback.core.ConsoleAppender">
    <target>System.err</target>
    <encoder><pattern>%date %-5level %logger{0} %.-1000message%n%ex{short}</pattern></encoder>
  </appender>
  <logger name="org.apache.cassandra.service.CassandraDaemon" level="INFO"/>
  <logger name="org.apache.cassandra.auth.CassandraRoleManager" level="INFO"/>
  <root level="WARN"><appender-ref ref="stderr"/></root>
</configuration>
`;

const PROPERTIES = {
  'cassandra-foreground': 'yes',
  // There is nobody to wait for.
  'cassandra.ring_delay_ms': '0',
  'cassandra.skip_wait_for_gossip_to_settle': '0',
  'cassandra.superuser_setup_delay_ms': '0',
  'cassandra.auth_bcrypt_gensalt_log2_rounds': '4',
  // A change of the schema costs a fifth without the disk.
  'cassandra.skip_sync': 'true',
  'cassandra.unsafesystem': 'true',
  'cassandra.test.flush_local_schema_changes': 'false',
};

/** Of the JDK, which it reaches into: opened, as its own start script does. */
const OPENED = [
  ...['io', 'lang', 'lang.module', 'lang.ref', 'lang.reflect', 'math', 'net', 'nio'].map(
    (name) => `java.base/java.${name}`,
  ),
  ...['util', 'util.concurrent', 'util.concurrent.atomic'].map((name) => `java.base/java.${name}`),
  ...['loader', 'math', 'misc', 'module', 'perf', 'ref', 'reflect', 'util.jar'].map(
    (name) => `java.base/jdk.internal.${name}`,
  ),
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  ...['registry', 'server'].map((name) => `java.rmi/sun.rmi.${name}`),
  'java.sql/java.sql',
  'jdk.management/com.sun.management.internal',
  'jdk.unsupported/sun.misc',
];

/** For little memory and an early start: code that runs for seconds is not worth the second compiler. */
const JVM_OPTIONS = [
  ...['-Xms32m', '-Xmx400m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:+ExitOnOutOfMemoryError'],
  // Otherwise it leaves a file in /tmp when it is killed.
  '-XX:-UsePerfData',
  ...OPENED.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
];

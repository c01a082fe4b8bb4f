/**
 * `npm start`: every tier on embedded defaults. The only file that knows every tier, and no more than an environment
 * (the variables that an operator would have written) plus an order. System service and connectors share this
 * process; each router is a process of its own.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startAll, stopOnSignal } from '#common/component.ts';
import { type Environment, EnvReader } from '#common/config/env.ts';
import { MillraceError } from '#common/errors.ts';
import { collectSeldom } from '#common/garbage.ts';
import { createLogger, LOG_LEVELS, type LogLevel } from '#common/observe/log.ts';
import { surviveStrays } from '#common/program.ts';
import * as scripting from '../scripting-svc/index.ts';
import * as nosql from '../services/nosql/index.ts';
import * as sql from '../services/sql/index.ts';
import * as system from '../services/system/index.ts';
import * as storage from '../storage-svc/index.ts';
import { addressOf, administratorLine, originOf, readyLines } from './banner.ts';
import { takeDataFolder } from './data-folder.ts';
import { nthGatewayAddress, type Routers, startRouters } from './routers.ts';
import { createSampleDatabase } from './sample/load.ts';

/** The same from deploy/ and from dist/, where this file is bundled to. */
const ROUTER_PROGRAM = fileURLToPath(new URL('../dist/router.js', import.meta.url));
const SAMPLE_FOLDER = fileURLToPath(new URL('../deploy/sample', import.meta.url));

/** In the data folder, where the system service seeds the service `db` to look for it. */
const SAMPLE_FILE = 'db.sqlite';

/** Of the first router; the others have the next ones. */
const GRPC_PORT = 8081;

const DRAIN_MS = 10_000;
const ROUTERS_MAX = 64;
/** The sample's service and key are made when the connector has announced itself: a moment after its start. */
const SEED_WAIT_MS = 5000;

async function main(given: Environment): Promise<void> {
  collectSeldom();
  const config = readConfig(given);
  const socketFolder = mkdtempSync(join(tmpdir(), 'millrace-'));
  process.once('exit', () => rmSync(socketFolder, { recursive: true, force: true }));
  const env = withDefaults(given, socketFolder, config.routers);
  const systemConfig = system.readConfig(env);
  const sqlConfig = sql.readConfig(env);
  const nosqlConfig = nosql.readConfig(env);
  const storageConfig = storage.readConfig(env);
  const scriptingConfig = scripting.readConfig(env);
  const log = (tier: string) => createLogger(tier, config.logLevel);
  let systemService: system.SystemService | undefined;
  let routers: Routers | undefined;
  // Last in, first out: nobody is let in before all is ready, nobody is left waiting for a tier that is gone.
  const product = await startAll([
    () => takeDataFolder(config.dataDir),
    async () => {
      // Before anything is seeded.
      await assertPortFree('MILLRACE_HTTP', config.host, config.port);
      for (const port of config.grpcPorts) await assertPortFree('MILLRACE_GRPC', config.grpcHost, port);
      if (config.isSampleWanted) createSampleDatabase(join(config.dataDir, SAMPLE_FILE), SAMPLE_FOLDER);
      systemService = await system.start(systemConfig, log('system'));
      // At once: should the rest of the start fail, nobody could ever ask for the password again.
      if (systemService.firstAdmin) process.stdout.write(administratorLine(systemService.firstAdmin));
      return systemService;
    },
    () => sql.start(sqlConfig, log('sql')),
    () => nosql.start(nosqlConfig, log('nosql')),
    () => storage.start(storageConfig, log('storage')),
    () => scripting.start(scriptingConfig, env, log('scripting')),
    async () => {
      routers = await startRouters({ program: ROUTER_PROGRAM, count: config.routers, env, log: log('all-in-one') });
      return routers;
    },
  ]);
  stopOnSignal(product, { drainMs: DRAIN_MS });
  surviveStrays('all-in-one');
  const isSeeding = systemService?.firstAdmin !== undefined && config.isSampleWanted;
  const sampleApiKey = isSeeding ? await seededKey(systemService) : undefined;
  const origin = originOf(config.host, routers?.port ?? config.port);
  const gateways = (routers?.grpcPorts ?? []).map((port) => addressOf(config.grpcHost, port));
  process.stdout.write(readyLines(origin, gateways, config.dataDir, sampleApiKey));
}

async function seededKey(service: system.SystemService | undefined): Promise<string | undefined> {
  const until = Date.now() + SEED_WAIT_MS;
  while (!service?.sampleApiKey && Date.now() < until) await setTimeout(10);
  return service?.sampleApiKey;
}

/** What this process itself has to know; each tier reads its own. */
function readConfig(env: Environment) {
  const reader = new EnvReader(env);
  const routers = reader.integer('MILLRACE_ROUTERS', 1, 1, ROUTERS_MAX);
  const isGrpcOff = reader.string('MILLRACE_GRPC_PORT', '') === 'off';
  const grpcPort = isGrpcOff ? 0 : reader.integer('MILLRACE_GRPC_PORT', GRPC_PORT, 0, 65_535);
  return reader.finish({
    host: reader.string('MILLRACE_HTTP_HOST', '127.0.0.1'),
    port: reader.integer('MILLRACE_HTTP_PORT', 8080, 0, 65_535),
    dataDir: resolve(reader.string('MILLRACE_DATA_DIR', './data')),
    grpcHost: reader.string('MILLRACE_GRPC_HOST', '127.0.0.1'),
    /** One for each router; none where any free one will do, or none is wanted. */
    grpcPorts: grpcPort === 0 ? [] : Array.from({ length: routers }, (_, i) => grpcPort + i),
    routers,
    isSampleWanted: reader.boolean('MILLRACE_SEED_SAMPLE', true),
    logLevel: reader.oneOf<LogLevel>('MILLRACE_LOG_LEVEL', 'warn', LOG_LEVELS),
  });
}

/** Local defaults first, the real environment wins. The tiers meet in a folder that only this user can enter. */
function withDefaults(given: Environment, socketFolder: string, routers: number): Environment {
  const sqlAddress = given['MILLRACE_SQL_ADDRESS'] || `unix:${join(socketFolder, 'sql')}`;
  const nosqlAddress = given['MILLRACE_NOSQL_ADDRESS'] || `unix:${join(socketFolder, 'nosql')}`;
  const storageAddress = given['MILLRACE_STORAGE_ADDRESS'] || `unix:${join(socketFolder, 'storage')}`;
  const gateway = given['MILLRACE_GATEWAY_ADDRESS'] || `unix:${join(socketFolder, 'gateway')}`;
  const set = Object.entries(given).filter(([, value]) => value !== '');
  return {
    MILLRACE_SYSTEM_ADDRESS: `unix:${join(socketFolder, 'system')}`,
    MILLRACE_SQL_ADDRESS: sqlAddress,
    MILLRACE_SQL_ADDRESSES: sqlAddress,
    MILLRACE_NOSQL_ADDRESS: nosqlAddress,
    MILLRACE_NOSQL_ADDRESSES: nosqlAddress,
    MILLRACE_STORAGE_ADDRESS: storageAddress,
    MILLRACE_STORAGE_ADDRESSES: storageAddress,
    MILLRACE_STORAGE_CONTENT_ADDRESS: `unix:${join(socketFolder, 'storage-content')}`,
    MILLRACE_CLUSTER_TOKEN: randomBytes(32).toString('base64url'),
    MILLRACE_SEED_SAMPLE: 'true',
    // Everything else is on the same machine.
    MILLRACE_SCRIPT_PROCESSORS_LEFT: '1',
    MILLRACE_HTTP_SHARED: String(routers > 1),
    MILLRACE_GRPC_PORT: String(GRPC_PORT),
    MILLRACE_GATEWAY_ADDRESS: gateway,
    MILLRACE_GATEWAY_ADDRESSES: Array.from({ length: routers }, (_, n) => nthGatewayAddress(gateway, n)).join(','),
    ...(!given['MILLRACE_NATS_URL'] && {
      MILLRACE_SCRIPT_QUICK_ADDRESSES: `unix:${join(socketFolder, 'script-quick')}`,
      MILLRACE_SCRIPT_PATIENT_ADDRESSES: `unix:${join(socketFolder, 'script-patient')}`,
      MILLRACE_SCRIPT_STANDBY_ADDRESS: `unix:${join(socketFolder, 'script-standby')}`,
    }),
    ...Object.fromEntries(set),
  };
}

/** Routers share their port with each other, so none of them would notice that a stranger has it. */
function assertPortFree(variables: string, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const fault = error.code === 'EADDRINUSE' ? 'is taken by another program' : 'cannot be used';
      const message = `${host}:${port} ${fault}; choose another with ${variables}_PORT and ${variables}_HOST.`;
      reject(new MillraceError('unavailable', message, undefined, error));
    });
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}

main(process.env).catch((error: unknown) => {
  const { message, cause } = MillraceError.from(error);
  process.stderr.write(`millrace: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}\n`);
  process.exit(1);
});

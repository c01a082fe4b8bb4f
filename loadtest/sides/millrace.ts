/** Side C: ours as an administrator sets it up: three processes, a role for its services, an API key, CORS. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import {
  answersOk,
  freePort,
  type Running,
  type RunScope,
  requestSignal,
  startServer,
  waitUntilReady,
} from '../process.ts';
import { mainTree } from '../start.ts';
import type { HttpTarget } from './side.ts';

const READY_TIMEOUT_MS = 60_000;
const ACCESS_TIMEOUT_MS = 10_000;
const ALL_VERBS_MASK = 31;
const API_AND_SCRIPT_MASK = 3;
const BROWSER_ORIGIN = 'https://app.example.com';

export interface MillraceOptions {
  /** Folder of system.js, sql.js and router.js. */
  readonly dist: string;
  /** Where router and connector leave their CPU profiles; undefined for none. */
  readonly profileFolder: string | undefined;
  readonly services: readonly ServiceSetup[];
  /** What stands in the place of the SQL tier; undefined: nothing does. */
  readonly connector?: readonly string[];
  /** What the role may do everything with, in each service: its records where none are given. */
  readonly components?: readonly string[];
  /** With the tier that runs scripts. */
  readonly scripts?: boolean;
  /** With the tier that has document and key-value stores. */
  readonly nosql?: boolean;
  /** With the tier that has files. */
  readonly files?: boolean;
  /** Settings of every tier beside those that it needs here. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whatever else has to be there, by its administrator. */
  readonly setUp?: (create: Create) => Promise<void>;
  /** What can be read as soon as everything is in place. */
  readonly firstPath: string;
}

/** A service to be, as `POST system/service` takes it. */
export interface ServiceSetup {
  readonly name: string;
  readonly type: string;
  readonly config: object;
}

export interface DatabaseServer {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

export function serviceOf(name: string, type: 'pgsql' | 'mariadb', server: DatabaseServer): ServiceSetup {
  const { host, port, database, user: username, password } = server;
  return { name, type, config: { host, port, database, username, password } };
}

/** Creates one record: `POST {path}`. */
export type Create = <T>(path: string, record: object) => Promise<T>;

const ALL_TIERS = ['system', 'sql', 'nosql', 'storage', 'scripting', 'router'] as const;
export type Tier = (typeof ALL_TIERS)[number];

export interface MillraceTarget extends HttpTarget {
  /** Address of the gRPC door. */
  readonly gateway: string;
  /** Ends these tiers (all of them); profiles are written then. */
  stop(tiers?: readonly Tier[]): Promise<void>;
  /** Starts them again on the same data; resolves as soon as everything is ready. */
  start(tiers?: readonly Tier[]): Promise<void>;
  /** All processes of these tiers (of all) at this moment. */
  pids(tiers?: readonly Tier[]): number[];
  /** Where it keeps its data. */
  readonly dataFolder: string;
  /** Where other tiers would follow its snapshot. */
  readonly system: { readonly address: string; readonly token: string };
  readonly administratorHeaders: Readonly<Record<string, string>>;
  /** Sends with them. */
  readonly administer: Administer;
}

/** @throws Error that quotes the answer, unless it is a success */
export type Administer = <T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) => Promise<T>;

export async function startMillrace(scope: RunScope, options: MillraceOptions): Promise<MillraceTarget> {
  const port = await freePort();
  const grpcPort = await freePort();
  const administrator = { email: 'bench@example.com', password: randomBytes(16).toString('hex') };
  const origin = `http://127.0.0.1:${port}`;
  const dataFolder = `${scope.folder}/millrace`;
  await mkdir(dataFolder, { recursive: true });
  const system = { address: `unix:${scope.folder}/system.sock`, token: randomBytes(32).toString('hex') };
  const env = { ...environmentOf(scope, system, dataFolder, { port, grpcPort }, administrator), ...options.env };
  const running = new Map<Tier, Running>();
  const tiers = ALL_TIERS.filter(
    (tier) =>
      (tier !== 'scripting' || options.scripts) &&
      (tier !== 'storage' || options.files) &&
      (tier !== 'nosql' || options.nosql),
  );
  const servers = () => [...running.values()];
  const start = async (wanted: readonly Tier[] = tiers) => {
    for (const tier of wanted) {
      running.set(tier, startServer(scope, tier, process.execPath, argumentsOf(options, tier), env));
    }
    const isReady = () => answersOk(`${origin}/status`);
    await waitUntilReady(servers(), 'GET /status', isReady, READY_TIMEOUT_MS, scope.signal);
  };
  const stop = async (wanted: readonly Tier[] = tiers) => {
    for (const tier of wanted.toReversed()) await running.get(tier)?.stop();
    for (const tier of wanted) running.delete(tier);
  };
  await start();

  const administratorHeaders = await signIn(scope, origin, administrator);
  const administer: Administer = (method, path, body) =>
    send(scope, method, `${origin}${path}`, body, administratorHeaders);
  const apiKey = await hookUp(administer, options);
  const headers = { 'X-DreamFactory-API-Key': apiKey, Origin: BROWSER_ORIGIN };
  const isOpen = () => answersOk(`${origin}${options.firstPath}`, headers);
  await waitUntilReady(servers(), `GET ${options.firstPath}`, isOpen, ACCESS_TIMEOUT_MS, scope.signal);
  return {
    key: 'C',
    label: 'Millrace',
    origin,
    gateway: `127.0.0.1:${grpcPort}`,
    headers,
    pathOf: (load) => load.millracePath,
    get servers() {
      return servers();
    },
    stop,
    start,
    pids: (wanted = tiers) => wanted.flatMap((tier) => mainTree(running.get(tier)?.pid ?? 0)),
    dataFolder,
    system,
    administratorHeaders,
    administer,
  };
}

interface Administrator {
  readonly email: string;
  readonly password: string;
}

function environmentOf(
  scope: RunScope,
  system: MillraceTarget['system'],
  dataFolder: string,
  { port, grpcPort }: { readonly port: number; readonly grpcPort: number },
  administrator: Administrator,
): Record<string, string> {
  const sql = `unix:${scope.folder}/sql.sock`;
  const nosql = `unix:${scope.folder}/nosql.sock`;
  const storage = `unix:${scope.folder}/storage.sock`;
  const gateway = `unix:${scope.folder}/gateway.sock`;
  return {
    MILLRACE_GATEWAY_ADDRESS: gateway,
    MILLRACE_GATEWAY_ADDRESSES: gateway,
    MILLRACE_SCRIPT_QUICK_ADDRESSES: `unix:${scope.folder}/quick.sock`,
    MILLRACE_SCRIPT_PATIENT_ADDRESSES: `unix:${scope.folder}/patient.sock`,
    MILLRACE_SCRIPT_STANDBY_ADDRESS: `unix:${scope.folder}/standby.sock`,
    // As where all tiers are on one machine.
    MILLRACE_SCRIPT_PROCESSORS_LEFT: '1',
    NODE_ENV: 'production',
    MILLRACE_SYSTEM_ADDRESS: system.address,
    MILLRACE_SQL_ADDRESS: sql,
    MILLRACE_SQL_ADDRESSES: sql,
    MILLRACE_NOSQL_ADDRESS: nosql,
    MILLRACE_NOSQL_ADDRESSES: nosql,
    MILLRACE_STORAGE_ADDRESS: storage,
    MILLRACE_STORAGE_ADDRESSES: storage,
    MILLRACE_STORAGE_CONTENT_ADDRESS: `unix:${scope.folder}/content.sock`,
    MILLRACE_CLUSTER_TOKEN: system.token,
    MILLRACE_DATA_DIR: dataFolder,
    MILLRACE_HTTP_PORT: String(port),
    MILLRACE_GRPC_PORT: String(grpcPort),
    MILLRACE_ADMIN_EMAIL: administrator.email,
    MILLRACE_ADMIN_PASSWORD: administrator.password,
  };
}

function argumentsOf(options: MillraceOptions, tier: Tier): readonly string[] {
  const program = (tier === 'sql' && options.connector) || [`${options.dist}/${tier}.js`];
  return [...profileFlags(options, tier), ...program];
}

function profileFlags({ profileFolder }: MillraceOptions, tier: Tier): string[] {
  if (profileFolder === undefined || tier === 'system' || tier === 'scripting') return [];
  return ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`, `--cpu-prof-name=${tier}.cpuprofile`];
}

async function signIn(
  scope: RunScope,
  origin: string,
  administrator: Administrator,
): Promise<Readonly<Record<string, string>>> {
  const url = `${origin}/api/v2/system/admin/session`;
  const session = await send<{ session_token: string }>(scope, 'POST', url, administrator);
  return { 'X-DreamFactory-Session-Token': session.session_token };
}

/** Hooks the services up by HTTP alone and returns an API key bound to a role for their tables. */
async function hookUp(
  administer: Administer,
  { services, components = ['_table/*'], setUp }: MillraceOptions,
): Promise<string> {
  const create: Create = async <T>(path: string, record: object): Promise<T> => {
    const answer = await administer<{ resource: T[] }>('POST', path, { resource: [record] });
    const created = answer.resource[0];
    if (!created) throw new Error(`POST ${path} answered without a record.`);
    return created;
  };
  const serviceIds: number[] = [];
  for (const service of services) {
    await waitForType(administer, service.type);
    const record = { ...service, label: service.name, is_active: true };
    serviceIds.push((await create<{ id: number }>('/api/v2/system/service', record)).id);
  }
  const role = await create<{ id: number }>('/api/v2/system/role', {
    name: 'bench',
    is_active: true,
    role_service_access_by_role_id: serviceIds.flatMap((id) =>
      components.map((component) => ({
        service_id: id,
        component,
        verb_mask: ALL_VERBS_MASK,
        requestor_mask: API_AND_SCRIPT_MASK,
        filters: [],
        filter_op: 'AND',
      })),
    ),
  });
  const app = await create<{ api_key: string }>('/api/v2/system/app?fields=*', {
    name: 'bench',
    is_active: true,
    role_id: role.id,
  });
  await setUp?.(create);
  return app.api_key;
}

/** The router may be ready a moment before the connector has announced what it serves. */
async function waitForType(administer: Administer, type: string): Promise<void> {
  let failure: unknown;
  for (const until = Date.now() + ACCESS_TIMEOUT_MS; Date.now() < until; await setTimeout(50)) {
    try {
      await administer('GET', `/api/v2/system/service_type/${type}`);
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(`The type ${type} was not announced in time.`, { cause: failure });
}

async function send<T>(
  scope: RunScope,
  method: string,
  url: string,
  body: object | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const answer = await fetch(url, {
    method,
    signal: requestSignal(scope),
    headers: { ...headers, 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} was answered with ${answer.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}

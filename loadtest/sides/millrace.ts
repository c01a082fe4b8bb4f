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
import { processTree } from '../start.ts';
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
  /** What the role may do everything with, in each service: its records where none is given. */
  readonly component?: string;
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

export interface MillraceTarget extends HttpTarget {
  /** Ends the tiers, so that their profiles are written. */
  stop(): Promise<void>;
  /** Ends the tiers and starts them again on the same data; resolves as soon as they are ready. */
  restart(): Promise<void>;
  /** All of its processes at this moment. */
  pids(): number[];
}

export async function startMillrace(scope: RunScope, options: MillraceOptions): Promise<MillraceTarget> {
  const port = await freePort();
  const administrator = { email: 'bench@example.com', password: randomBytes(16).toString('hex') };
  const origin = `http://127.0.0.1:${port}`;
  const tiers: Running[] = [];
  const start = async () => {
    tiers.push(...(await startTiers(scope, options, port, administrator)));
    const isReady = () => answersOk(`${origin}/status`);
    await waitUntilReady(tiers, 'GET /status', isReady, READY_TIMEOUT_MS, scope.signal);
  };
  const stop = async () => {
    for (const tier of tiers.splice(0).reverse()) await tier.stop();
  };
  await start();

  const apiKey = await hookUp(scope, origin, administrator, options);
  const headers = { 'X-DreamFactory-API-Key': apiKey, Origin: BROWSER_ORIGIN };
  const isOpen = () => answersOk(`${origin}${options.firstPath}`, headers);
  await waitUntilReady(tiers, `GET ${options.firstPath}`, isOpen, ACCESS_TIMEOUT_MS, scope.signal);
  return {
    key: 'C',
    label: 'Millrace',
    origin,
    headers,
    pathOf: (load) => load.millracePath,
    servers: tiers,
    stop,
    restart: async () => {
      await stop();
      await start();
    },
    pids: () => tiers.flatMap((tier) => processTree(tier.pid)),
  };
}

interface Administrator {
  readonly email: string;
  readonly password: string;
}

async function startTiers(
  scope: RunScope,
  options: MillraceOptions,
  port: number,
  administrator: Administrator,
): Promise<Running[]> {
  const dataFolder = `${scope.folder}/millrace`;
  await mkdir(dataFolder, { recursive: true });
  const sql = `unix:${scope.folder}/sql.sock`;
  const env = {
    NODE_ENV: 'production',
    MILLRACE_SYSTEM_ADDRESS: `unix:${scope.folder}/system.sock`,
    MILLRACE_SQL_ADDRESS: sql,
    MILLRACE_SQL_ADDRESSES: sql,
    MILLRACE_CLUSTER_TOKEN: randomBytes(32).toString('hex'),
    MILLRACE_DATA_DIR: dataFolder,
    MILLRACE_HTTP_PORT: String(port),
    MILLRACE_GRPC_PORT: String(await freePort()),
    MILLRACE_ADMIN_EMAIL: administrator.email,
    MILLRACE_ADMIN_PASSWORD: administrator.password,
  };
  return ['system', 'sql', 'router'].map((tier) =>
    startServer(scope, tier, process.execPath, [...profileFlags(options, tier), `${options.dist}/${tier}.js`], env),
  );
}

function profileFlags({ profileFolder }: MillraceOptions, tier: string): string[] {
  if (profileFolder === undefined || tier === 'system') return [];
  return ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`, `--cpu-prof-name=${tier}.cpuprofile`];
}

/** Hooks the databases up by HTTP alone and returns an API key bound to a role for their tables. */
async function hookUp(
  scope: RunScope,
  origin: string,
  administrator: Administrator,
  { services, component = '_table/*' }: MillraceOptions,
): Promise<string> {
  const session = await post<{ session_token: string }>(scope, `${origin}/api/v2/system/admin/session`, administrator);
  const headers = { 'X-DreamFactory-Session-Token': session.session_token };
  const create = async <T>(path: string, record: object): Promise<T> => {
    const answer = await post<{ resource: T[] }>(scope, `${origin}${path}`, { resource: [record] }, headers);
    const created = answer.resource[0];
    if (!created) throw new Error(`POST ${path} answered without a record.`);
    return created;
  };
  const serviceIds: number[] = [];
  for (const service of services) {
    await waitForType(`${origin}/api/v2/system/service_type/${service.type}`, headers);
    const record = { ...service, label: service.name, is_active: true };
    serviceIds.push((await create<{ id: number }>('/api/v2/system/service', record)).id);
  }
  const role = await create<{ id: number }>('/api/v2/system/role', {
    name: 'bench',
    is_active: true,
    role_service_access_by_role_id: serviceIds.map((id) => ({
      service_id: id,
      component,
      verb_mask: ALL_VERBS_MASK,
      requestor_mask: API_AND_SCRIPT_MASK,
      filters: [],
      filter_op: 'AND',
    })),
  });
  const app = await create<{ api_key: string }>('/api/v2/system/app?fields=*', {
    name: 'bench',
    is_active: true,
    role_id: role.id,
  });
  return app.api_key;
}

/** The router may be ready a moment before the connector has announced what it serves. */
async function waitForType(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  for (const until = Date.now() + 10_000; Date.now() < until; await setTimeout(50)) {
    if ((await fetch(url, { headers })).ok) return;
  }
  throw new Error('The SQL tier did not announce its types in time.');
}

async function post<T>(
  scope: RunScope,
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const answer = await fetch(url, {
    method: 'POST',
    signal: requestSignal(scope),
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`POST ${url} was answered with ${answer.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}

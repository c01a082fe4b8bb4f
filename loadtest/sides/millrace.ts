/** Side C: ours as an administrator sets it up: three processes, a role of one service, an API key, CORS. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { RunningPostgres } from '../../deploy/testing/postgres.ts';
import { GET_BY_ID } from '../cases.ts';
import {
  answersOk,
  freePort,
  type Running,
  type RunScope,
  requestSignal,
  startServer,
  waitUntilReady,
} from '../process.ts';
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
}

export interface MillraceTarget extends HttpTarget {
  /** Ends the tiers, so that their profiles are written. */
  stop(): Promise<void>;
}

export async function startMillrace(
  scope: RunScope,
  postgres: RunningPostgres,
  options: MillraceOptions,
): Promise<MillraceTarget> {
  const port = await freePort();
  const administrator = { email: 'bench@example.com', password: randomBytes(16).toString('hex') };
  const tiers = await startTiers(scope, options, port, administrator);
  const origin = `http://127.0.0.1:${port}`;
  const isReady = () => answersOk(`${origin}/status`);
  await waitUntilReady(tiers, 'GET /status', isReady, READY_TIMEOUT_MS, scope.signal);

  const apiKey = await hookUp(scope, origin, administrator, postgres);
  const headers = { 'X-DreamFactory-API-Key': apiKey, Origin: BROWSER_ORIGIN };
  const firstRecord = `${origin}${GET_BY_ID.millracePath.replace('{}', '1')}`;
  const isOpen = () => answersOk(firstRecord, headers);
  await waitUntilReady(tiers, `GET ${firstRecord}`, isOpen, ACCESS_TIMEOUT_MS, scope.signal);
  return {
    key: 'C',
    label: 'Millrace',
    origin,
    headers,
    pathOf: (load) => load.millracePath,
    servers: tiers,
    stop: async () => {
      for (const tier of [...tiers].reverse()) await tier.stop();
    },
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

/** Hooks the database up as `bench` by HTTP alone and returns an API key bound to a role for its tables. */
async function hookUp(
  scope: RunScope,
  origin: string,
  administrator: Administrator,
  postgres: RunningPostgres,
): Promise<string> {
  const session = await post<{ session_token: string }>(scope, `${origin}/api/v2/system/admin/session`, administrator);
  const headers = { 'X-DreamFactory-Session-Token': session.session_token };
  const create = async <T>(path: string, record: object): Promise<T> => {
    const answer = await post<{ resource: T[] }>(scope, `${origin}${path}`, { resource: [record] }, headers);
    const created = answer.resource[0];
    if (!created) throw new Error(`POST ${path} answered without a record.`);
    return created;
  };
  await waitForType(`${origin}/api/v2/system/service_type/pgsql`, headers);
  const { host, port, database, user: username, password } = postgres;
  const service = await create<{ id: number }>('/api/v2/system/service', {
    name: 'bench',
    label: 'Bench',
    type: 'pgsql',
    is_active: true,
    config: { host, port, database, username, password },
  });
  const role = await create<{ id: number }>('/api/v2/system/role', {
    name: 'bench',
    is_active: true,
    role_service_access_by_role_id: [
      {
        service_id: service.id,
        component: '_table/*',
        verb_mask: ALL_VERBS_MASK,
        requestor_mask: API_AND_SCRIPT_MASK,
        filters: [],
        filter_op: 'AND',
      },
    ],
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

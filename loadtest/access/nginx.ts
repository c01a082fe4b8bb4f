/** nginx with one worker, which answers the same body to whoever sends a key of its map. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { findNginx } from '../../deploy/testing/available.ts';
import { answersOk, freePort, type RunScope, startServer, waitUntilReady } from '../process.ts';
import { processTree } from '../start.ts';

const READY_TIMEOUT_MS = 10_000;

export interface Nginx {
  readonly title: string;
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  pids(): number[];
}

export async function startNginx(scope: RunScope, path: string, body: string): Promise<Nginx> {
  const key = randomBytes(32).toString('hex');
  const server = `
        default_type application/json;
        location / { return 404; }
        location = ${path} {
          if ($is_known = 0) { return 401; }
          return 200 '${body}';
        }`;
  const http = `
      map_hash_bucket_size 128;
      map $http_x_dreamfactory_api_key $is_known { default 0; "${key}" 1; }`;
  return startConfigured(scope, { path, headers: { 'X-DreamFactory-API-Key': key }, http, server });
}

interface Configured {
  /** What can be read when it is ready. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Directives of the block of this name. */
  readonly http: string;
  readonly server: string;
  /** 1. */
  readonly workers?: number;
}

export async function startConfigured(scope: RunScope, setup: Configured): Promise<Nginx> {
  const program = findNginx();
  if (!program) throw new Error('nginx is not installed.');
  const { path, headers } = setup;
  const folder = `${scope.folder}/nginx`;
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const config = `${folder}/nginx.conf`;
  await writeFile(config, configOf(folder, port, setup));
  const server = startServer(scope, 'nginx', program, ['-p', folder, '-c', config, '-e', 'stderr'], {});
  const origin = `http://127.0.0.1:${port}`;
  const isReady = () => answersOk(`${origin}${path}`, headers);
  await waitUntilReady([server], 'nginx', isReady, READY_TIMEOUT_MS, scope.signal);
  const version = /nginx\/(\S+)/.exec(spawnSync(program, ['-v'], { encoding: 'utf8' }).stderr)?.[1];
  return { title: `nginx ${version}`, origin, headers, pids: () => processTree(server.pid) };
}

function configOf(folder: string, port: number, { http, server, workers = 1 }: Configured): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    daemon off;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes ${workers};
    pid ${folder}/nginx.pid;
    error_log stderr warn;
    events { worker_connections 1024; }
    http {
      access_log off;
      keepalive_requests 1000000000;
      ${temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n      ')}
      ${http}
      server {
        listen 127.0.0.1:${port};
        ${server}
      }
    }
  `;
}

/** nginx with one worker, for a side that is measured against. */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { findNginx } from '../deploy/testing/available.ts';
import { answersOk, freePort, type RunScope, startServer, waitUntilReady } from './process.ts';
import { processTree } from './start.ts';

const READY_TIMEOUT_MS = 10_000;

export interface Nginx {
  readonly title: string;
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  pids(): number[];
}

export interface NginxSetup {
  /** What stands in `http`, for this folder and port. */
  readonly http: (folder: string, port: number) => string;
  /** Who runs the worker; undefined: whom nginx is built for. */
  readonly user?: string;
  /** Answers 200 when all is ready. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export async function startNginx(scope: RunScope, { http, user, path, headers }: NginxSetup): Promise<Nginx> {
  const program = findNginx();
  if (!program) throw new Error('nginx is not installed.');
  const folder = `${scope.folder}/nginx`;
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const config = `${folder}/nginx.conf`;
  await writeFile(config, configOf(folder, http(folder, port), user));
  const server = startServer(scope, 'nginx', program, ['-p', folder, '-c', config, '-e', 'stderr'], {});
  const origin = `http://127.0.0.1:${port}`;
  const isReady = () => answersOk(`${origin}${path}`, headers);
  await waitUntilReady([server], 'nginx', isReady, READY_TIMEOUT_MS, scope.signal);
  const version = /nginx\/(\S+)/.exec(spawnSync(program, ['-v'], { encoding: 'utf8' }).stderr)?.[1];
  return { title: `nginx ${version}`, origin, headers, pids: () => processTree(server.pid) };
}

function configOf(folder: string, http: string, user: string | undefined): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    ${user === undefined ? '' : `user ${user};`}
    daemon off;
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log stderr warn;
    events { worker_connections 1024; }
    http {
      access_log off;
      keepalive_requests 1000000000;
      ${temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n      ')}
      ${http}
    }
  `;
}

/** Both sides over files of their own disks: nginx as it serves folders, and ours with one local service. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContestOptions } from '../contest.ts';
import { type Nginx, startNginx } from '../nginx.ts';
import type { RunScope } from '../process.ts';
import { type MillraceTarget, type ServiceSetup, startMillrace } from '../sides/millrace.ts';

export const BYTES_PER_MEGABYTE = 1e6;
/** Of the service. */
export const API = '/api/v2/bench';
/** What anybody may read. */
export const PUBLIC = '/bench/public';

export interface OurSide extends MillraceTarget {
  /** The folder behind the service. */
  readonly folder: string;
  /** Of the processes that a file goes through. */
  filePids(): number[];
}

const LOCAL: ServiceSetup = {
  name: 'bench',
  type: 'local_file',
  config: { container: 'bench', public_path: ['public'] },
};

/** @param service  another storage than a folder */
export async function startOurs(scope: RunScope, options: ContestOptions, service = LOCAL): Promise<OurSide> {
  const millrace = await startMillrace(scope, {
    ...{ dist: options.dist, profileFolder: options.profile ? scope.folder : undefined },
    ...{ services: [service], components: ['*'], storage: true, firstPath: `${API}/` },
  });
  const folder = join(millrace.dataFolder, 'storage/bench');
  const filePids = () => millrace.pids(['router', 'storage']);
  // Getters of the target would be lost in a copy.
  return Object.assign(Object.create(millrace) as MillraceTarget, { folder, filePids });
}

export interface TheirSide extends Nginx {
  readonly folder: string;
}

export async function startTheirs(scope: RunScope): Promise<TheirSide> {
  const folder = join(scope.folder, 'nginx-files');
  await mkdir(folder, { recursive: true });
  const http = (_: string, port: number) => `
      sendfile on;
      tcp_nopush on;
      client_max_body_size 0;
      open_file_cache max=1000;
      types { text/javascript js; text/plain txt; }
      server {
        listen 127.0.0.1:${port};
        root ${folder};
        autoindex on;
        autoindex_format json;
        location /put/ { dav_methods PUT; create_full_put_path on; }
      }
  `;
  const user = process.getuid?.() === 0 ? { user: 'root' } : {};
  return { ...(await startNginx(scope, { http, ...user, path: '/', headers: {} })), folder };
}

/** As it is kept on disk: of bytes that no file system would leave out. */
export const contentOf = (bytes: number): Buffer =>
  Buffer.alloc(bytes, 'The mill race turns the wheel, day and night.\n');

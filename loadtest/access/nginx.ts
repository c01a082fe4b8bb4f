/** nginx that answers the same body to whoever sends a key of its map. */
import { randomBytes } from 'node:crypto';
import { type Nginx, startNginx } from '../nginx.ts';
import type { RunScope } from '../process.ts';

export function startKeyedNginx(scope: RunScope, path: string, body: string): Promise<Nginx> {
  const key = randomBytes(32).toString('hex');
  const http = (_: string, port: number) => `
      map_hash_bucket_size 128;
      map $http_x_dreamfactory_api_key $is_known { default 0; "${key}" 1; }
      server {
        listen 127.0.0.1:${port};
        default_type application/json;
        location / { return 404; }
        location = ${path} {
          if ($is_known = 0) { return 401; }
          return 200 '${body}';
        }
      }
  `;
  return startNginx(scope, { http, path, headers: { 'X-DreamFactory-API-Key': key } });
}

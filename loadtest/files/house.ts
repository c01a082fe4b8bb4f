/** One folder of the machine, served by ours and by nginx. */
import { mkdir } from 'node:fs/promises';
import { type Nginx, startConfigured } from '../access/nginx.ts';
import type { ContestOptions } from '../contest.ts';
import { type RunScope, runTool } from '../process.ts';
import { type MillraceTarget, startMillrace } from '../sides/millrace.ts';
import { residentBytes } from '../start.ts';

export const SERVICE = 'house';
/** Below it nobody needs a key. */
export const PUBLIC = 'pub';
export const MEGABYTE = 1e6;
const SAMPLE_MS = 20;
const TOOL_TIMEOUT_MS = 600_000;

export interface House {
  /** What is in it is the content of the service. */
  readonly folder: string;
  readonly millrace: MillraceTarget;
}

/** @param fill  makes the files that the case needs, in an empty folder */
export async function startHouse(
  scope: RunScope,
  options: ContestOptions,
  fill: (folder: string) => Promise<void>,
): Promise<House> {
  const folder = `${scope.folder}/content`;
  await mkdir(`${folder}/${PUBLIC}`, { recursive: true });
  await fill(folder);
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    files: true,
    services: [{ name: SERVICE, type: 'local_file', config: { container: folder, public_path: [`${PUBLIC}/`] } }],
    components: ['*'],
    firstPath: `/api/v2/${SERVICE}/${PUBLIC}/`,
  });
  return { folder, millrace };
}

/** @param path  of a file that is there */
export function startNginxOf(scope: RunScope, folder: string, path: string): Promise<Nginx> {
  return startConfigured(scope, {
    ...{ path, headers: {}, workers: 2 },
    http: 'sendfile on; tcp_nopush on; open_file_cache max=1000;',
    server: `root ${folder}; client_max_body_size 0; location / { dav_methods PUT; }`,
  });
}

/** Bytes per second of one transfer by curl. @throws Error unless it was answered well and whole */
export async function curlSpeed(
  scope: RunScope,
  url: string,
  headers: Readonly<Record<string, string>>,
  args: readonly string[],
  which: 'download' | 'upload',
  size: number,
): Promise<number> {
  const sent = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const shown = `%{http_code} %{size_${which}} %{speed_${which}}`;
  const output = await runTool(
    scope,
    'curl',
    ['-sS', '-o', '/dev/null', '-w', shown, ...sent, ...args, url],
    TOOL_TIMEOUT_MS,
  );
  const [status, bytes, speed] = output.trim().split(' ').map(Number) as [number, number, number];
  if (status < 200 || status > 299 || bytes !== size) {
    throw new Error(`${url} was answered with ${status} and ${bytes} bytes in place of ${size}.`);
  }
  return speed;
}

/** Megabytes that router and storage tier hold more than before, at their most, while the work is done. */
export async function memoryAdded(millrace: MillraceTarget, work: () => Promise<unknown>): Promise<number> {
  const held = () => millrace.pids(['router', 'storage']).reduce((sum, pid) => sum + residentBytes(pid), 0);
  const before = held();
  let most = before;
  const sampler = setInterval(() => {
    most = Math.max(most, held());
  }, SAMPLE_MS);
  try {
    await work();
  } finally {
    clearInterval(sampler);
  }
  return (Math.max(most, held()) - before) / MEGABYTE;
}

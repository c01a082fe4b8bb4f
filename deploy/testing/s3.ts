/** A real S3 server of one's own: MinIO, or the Versity gateway, on a free loopback port, gone when its starter is. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '#common/errors.ts';
import { findS3, s3Url } from './available.ts';
import { freshFolder, onFreePort, startGuarded } from './guarded.ts';

export interface RunningS3 {
  /** For messages: MinIO. */
  readonly label: string;
  readonly endpoint: string;
  readonly region: string;
  readonly key: string;
  readonly secret: string;
  /** It was there before and stays: whoever makes buckets removes them. */
  readonly isForeign: boolean;
  /** Of the name of a folder; undefined: as for files. */
  readonly folderNameBytesMax: number | undefined;
  /** Ends the server at once and removes its data; safe to call twice. */
  stop(): Promise<void>;
}

const KEY = 'millrace';
const SECRET = 'only-for-tests';
const REGION = 'us-east-1';
const HOST = '127.0.0.1';
const MINIO_FOLDER_BYTES_MAX = 246;

type Server = Omit<RunningS3, 'folderNameBytesMax'>;

/** The one that MILLRACE_TEST_S3_URL names, else a new one. @throws MillraceError unavailable when there is none here */
export async function startS3(): Promise<RunningS3> {
  const address = s3Url();
  const server = address === undefined ? await startOwn() : named(new URL(address));
  return { ...server, folderNameBytesMax: await folderNameBytesMax(server.endpoint) };
}

async function startOwn(): Promise<Server> {
  const found = findS3();
  if (!found) throw new MillraceError('unavailable', 'No S3 server is installed.');
  const start = found.name === 'minio' ? startMinio : startVersity;
  return onFreePort((port) => start(found.program, port), 'address already in use');
}

const named = (url: URL): Server => ({
  label: 'S3',
  endpoint: url.origin,
  region: url.searchParams.get('region') ?? REGION,
  key: decodeURIComponent(url.username),
  secret: decodeURIComponent(url.password),
  isForeign: true,
  stop: async () => {},
});

async function startMinio(program: string, port: number): Promise<Server> {
  const folder = freshFolder('minio', {});
  const environment = [`MINIO_ROOT_USER=${KEY}`, `MINIO_ROOT_PASSWORD=${SECRET}`, 'MINIO_BROWSER=off'];
  const { stop } = await startGuarded({
    label: 'MinIO',
    ...{ owner: {}, folder, endSignal: 'SIGKILL' },
    command: ['env', `HOME=${folder}`, ...environment, program, 'server', '--address', `${HOST}:${port}`, folder],
    readyText: 'API: ',
  });
  return running('MinIO', port, stop);
}

async function startVersity(program: string, port: number): Promise<Server> {
  const folder = freshFolder('versitygw', {});
  const data = join(folder, 'data');
  mkdirSync(data);
  const environment = [`ROOT_ACCESS_KEY=${KEY}`, `ROOT_SECRET_KEY=${SECRET}`];
  // It says on its standard output that it is ready.
  const command = ['sh', '-c', 'exec "$@" >&2', 'sh', program, '--port', `${HOST}:${port}`, 'posix', data];
  const { stop } = await startGuarded({
    label: 'Versity S3 Gateway',
    ...{ owner: {}, folder, endSignal: 'SIGKILL' },
    command: ['env', ...environment, ...command],
    readyText: 'listening on',
  });
  return running('Versity S3 Gateway', port, stop);
}

const running = (label: string, port: number, stop: () => Promise<void>): Server => ({
  ...{ label, endpoint: `http://${HOST}:${port}`, region: REGION, key: KEY, secret: SECRET, isForeign: false },
  stop,
});

/** MinIO stores a folder as a file whose name goes on behind its own. */
async function folderNameBytesMax(endpoint: string): Promise<number | undefined> {
  const { headers } = await firstAnswer(endpoint);
  return headers.get('server') === 'MinIO' ? MINIO_FOLDER_BYTES_MAX : undefined;
}

const ATTEMPTS = 100;
const PAUSE_MS = 20;

/** A server may say that it listens a moment before it does. */
async function firstAnswer(endpoint: string): Promise<Response> {
  for (let left = ATTEMPTS; ; left--) {
    try {
      return await fetch(endpoint);
    } catch (error) {
      if (left === 0) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

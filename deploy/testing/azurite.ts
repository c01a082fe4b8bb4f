/** A blob or table service as Azure has it, of one's own: Azurite on a free loopback port, gone when its starter is. */
import { createRequire } from 'node:module';
import { freshFolder, onFreePort, startGuarded } from './guarded.ts';

export interface RunningAzurite {
  /** With the account in its path. */
  readonly endpoint: string;
  readonly account: string;
  readonly key: string;
  /** Ends the server at once and removes its data; safe to call twice. */
  stop(): Promise<void>;
}

const ACCOUNT = 'millrace';
const KEY = Buffer.from('only-for-tests').toString('base64');
const HOST = '127.0.0.1';

/** @throws MillraceError unavailable when it does not start */
export async function startAzurite(kind: 'blob' | 'table' = 'blob'): Promise<RunningAzurite> {
  const program = createRequire(import.meta.url).resolve(`azurite/dist/src/${kind}/main.js`);
  return onFreePort((port) => startOnce(program, kind, port), 'EADDRINUSE');
}

async function startOnce(program: string, kind: string, port: number): Promise<RunningAzurite> {
  const folder = freshFolder('azurite', {});
  const options = ['--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent'];
  const listen = [`--${kind}Host`, HOST, `--${kind}Port`, String(port)];
  // It says on its standard output that it is ready.
  const command = ['sh', '-c', 'exec "$@" >&2', 'sh', process.execPath, program, ...listen, ...options];
  const { stop } = await startGuarded({
    label: 'Azurite',
    ...{ owner: {}, folder, endSignal: 'SIGKILL' },
    command: ['env', `AZURITE_ACCOUNTS=${ACCOUNT}:${KEY}`, ...command],
    readyText: 'service successfully',
  });
  return { endpoint: `http://${HOST}:${port}/${ACCOUNT}`, account: ACCOUNT, key: KEY, stop };
}

/** A DynamoDB of one's own: DynamoDB Local in memory, on a free loopback port, gone when its starter is. */
import { MillraceError } from '#common/errors.ts';
import { DYNAMODB_JARS, dynamodbUrl, findDynamodb } from './available.ts';
import { freshFolder, onFreePort, startGuarded } from './guarded.ts';
import { answering } from './processes.ts';

export interface RunningDynamodb {
  readonly endpoint: string;
  readonly region: string;
  readonly key: string;
  readonly secret: string;
  /** Ends the server at once; safe to call twice. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const REGION = 'us-east-1';
const MAIN = 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner';

/** The one that MILLRACE_TEST_DYNAMODB_URL names, else a new one. @throws MillraceError unavailable when there is none */
export async function startDynamodb(): Promise<RunningDynamodb> {
  const address = dynamodbUrl();
  if (address !== undefined) return named(new URL(address));
  const found = findDynamodb();
  if (!found) throw new MillraceError('unavailable', 'DynamoDB Local is not installed.');
  return onFreePort((port) => startOnce(found, port), 'already in use');
}

const named = (url: URL): RunningDynamodb => ({
  endpoint: url.origin,
  region: url.searchParams.get('region') ?? REGION,
  key: decodeURIComponent(url.username),
  secret: decodeURIComponent(url.password),
  stop: async () => {},
});

async function startOnce(java: string, port: number): Promise<RunningDynamodb> {
  const options = [
    '-Xmx512m',
    '-XX:TieredStopAtLevel=1',
    `-Djava.library.path=${DYNAMODB_JARS}`,
    '-cp',
    `${DYNAMODB_JARS}/*`,
  ];
  const program = [java, ...options, MAIN, '-inMemory', '-disableTelemetry', '-port', String(port)];
  const { stop } = await startGuarded({
    label: 'DynamoDB Local',
    ...{ owner: {}, folder: freshFolder('dynamodb', {}), endSignal: 'SIGKILL' },
    // It says on its standard output what it does.
    command: ['sh', '-c', 'exec "$@" >&2', 'sh', ...program],
    readyText: 'Initializing DynamoDB Local',
  });
  try {
    await answering(HOST, port); // which it says before it does
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint: `http://${HOST}:${port}`, region: REGION, key: 'millrace', secret: 'onlyForTests', stop };
}

/** A server that speaks MongoDB's protocol: the one that MILLRACE_TEST_MONGODB_URL names, else an emulator of one's own. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { MillraceError } from '#common/errors.ts';
import { findMongo, mongodbUrl } from './available.ts';
import { freshFolder, onFreePort, startGuarded } from './guarded.ts';

export interface RunningMongodb {
  /** For messages: mongo-java-server. */
  readonly label: string;
  /** Without the name of a database. */
  readonly url: string;
  /** A database of the run's own: whoever uses a real server drops it. */
  readonly database: string;
  /** Ends the server at once; safe to call twice. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

/** @throws MillraceError unavailable when there is none here */
export async function startMongodb(): Promise<RunningMongodb> {
  const database = `millrace_${randomBytes(6).toString('hex')}`;
  const url = mongodbUrl();
  if (url !== undefined) return { label: 'MongoDB', url, database, stop: async () => {} };
  const found = findMongo();
  if (!found) throw new MillraceError('unavailable', 'No MongoDB, and no emulator of one, is here.');
  return onFreePort((port) => startOnce(found, port, database), 'Address already in use');
}

async function startOnce(
  { java, jars }: { java: string; jars: string },
  port: number,
  database: string,
): Promise<RunningMongodb> {
  const folder = freshFolder('mongodb', {});
  const launcher = join(import.meta.dirname, 'java', 'MongoLauncher.java');
  const options = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*')];
  const { stop } = await startGuarded({
    label: 'mongo-java-server',
    ...{ owner: {}, folder, endSignal: 'SIGKILL' },
    command: [java, ...options, launcher, String(port)],
    readyText: 'takes connections',
  });
  return { label: 'mongo-java-server', url: `mongodb://${HOST}:${port}`, database, stop };
}

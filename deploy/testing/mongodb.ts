/** MongoDB for tests: the server that is named, or an emulator of its wire protocol, gone when its starter is. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '#common/errors.ts';
import { findMongo, MONGO_JARS, mongoUrl } from './available.ts';
import { freshFolder, onFreePort, startGuarded } from './guarded.ts';

export interface RunningMongo {
  /** For messages, and for what an emulator cannot do. */
  readonly label: string;
  /** Without a database. */
  readonly url: string;
  /** A name that nobody else uses. */
  newDatabase(): string;
  /** Safe to call twice. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const LAUNCHER = fileURLToPath(new URL('./MongoServerLauncher.java', import.meta.url));

/** The one that MILLRACE_TEST_MONGODB_URL names, else a new emulator. @throws MillraceError unavailable */
export async function startMongo(): Promise<RunningMongo> {
  const newDatabase = (): string => `millrace_${randomBytes(6).toString('hex')}`;
  const address = mongoUrl();
  if (address !== undefined) return { label: 'MongoDB', url: address, newDatabase, stop: async () => {} };
  const java = findMongo();
  if (!java) throw new MillraceError('unavailable', 'No MongoDB is named, and its emulator is not there.');
  return onFreePort(async (port) => {
    const { stop } = await startGuarded({
      label: 'mongo-java-server',
      ...{ owner: {}, folder: freshFolder('mongodb', {}), endSignal: 'SIGKILL' },
      command: [java, '-Xmx512m', '-cp', `${MONGO_JARS}/*`, LAUNCHER, String(port)],
      readyText: 'ready for connections',
    });
    return { label: 'mongo-java-server', url: `mongodb://${HOST}:${port}/`, newDatabase, stop };
  }, 'Address already in use');
}

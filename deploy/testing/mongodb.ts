/** A MongoDB of one's own: mongo-java-server in memory, on a free loopback port. */
import { delimiter, join } from 'node:path';
import { findMongoJars, mongoDbUrl } from './available.ts';
import { freshFolder, onFreePort, startGuarded } from './guarded.ts';

export interface RunningMongoDb {
  /** Without a database. */
  readonly url: string;
  /** Ends the server at once; safe to call twice. */
  stop(): Promise<void>;
}

const PROGRAM = join(import.meta.dirname, 'java/MongoServerMain.java');

/** The real one where there is one. @throws MillraceError unavailable when ours does not start */
export async function startMongoDb(): Promise<RunningMongoDb> {
  const url = mongoDbUrl();
  if (url) return { url, stop: async () => {} };
  const jars = (findMongoJars() ?? []).join(delimiter);
  return onFreePort(async (port) => {
    const { stop } = await startGuarded({
      label: 'mongo-java-server',
      ...{ owner: {}, folder: freshFolder('mongodb', {}), endSignal: 'SIGKILL' },
      command: ['java', '-Xmx512m', '-cp', jars, PROGRAM, String(port)],
      readyText: 'listening',
    });
    return { url: `mongodb://127.0.0.1:${port}`, stop };
  }, 'already in use');
}

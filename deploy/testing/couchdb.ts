/** A CouchDB of one's own: what express-pouchdb makes of PouchDB in memory, on a free loopback port. */
import { resolve } from 'node:path';
import { freshFolder, onFreePort, startGuarded } from './guarded.ts';

export interface RunningCouchDb {
  /** Without a database; who comes without a name may do everything. */
  readonly url: string;
  /** Ends the server at once; safe to call twice. */
  stop(): Promise<void>;
}

const PROGRAM = resolve(import.meta.dirname, '../../services/nosql/couchdb/testing/server.mjs');

/** Of a real CouchDB whose user may make databases: `http://user:password@host:port`. */
export const couchDbUrl = (): string | undefined => process.env['MILLRACE_TEST_COUCHDB_URL'] || undefined;

/** The real one where there is one. @throws MillraceError unavailable when ours does not start */
export async function startCouchDb(): Promise<RunningCouchDb> {
  const url = couchDbUrl();
  return url ? { url, stop: async () => {} } : startPouchDb();
}

/** The emulator in any case. */
export const startPouchDb = (): Promise<RunningCouchDb> =>
  onFreePort(async (port) => {
    const { stop } = await startGuarded({
      label: 'PouchDB',
      ...{ owner: {}, folder: freshFolder('couchdb', {}), endSignal: 'SIGKILL' },
      command: [process.execPath, PROGRAM, String(port)],
      readyText: 'listening',
    });
    return { url: `http://127.0.0.1:${port}`, stop };
  }, 'EADDRINUSE');

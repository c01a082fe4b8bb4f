/** The document stores that suites over HTTP run on: how a service of each is set up, and what its keys are called. */
import type { TestServer } from '../testing/available.ts';
import { startCassandra } from '../testing/cassandra.ts';
import { freshKeyspace } from '../testing/cassandra-keyspace.ts';
import { startCouchDb } from '../testing/couchdb.ts';
import { startDynamodb } from '../testing/dynamodb.ts';
import { startMongo } from '../testing/mongodb.ts';

export interface OpenStore {
  readonly type: string;
  readonly config: object;
  stop(): Promise<void>;
}

export interface DocumentStore {
  readonly name: string;
  /** undefined: it comes with the packages. */
  readonly needs?: TestServer;
  readonly key: string;
  /** A member that the store adds, and that changes with the record. */
  readonly version?: string;
  /** A table has columns, which a definition has to name. */
  readonly hasColumns?: boolean;
  /** Filters in its own words, as JSON. */
  readonly takesNative: boolean;
  open(): Promise<OpenStore>;
}

/** Has columns: it takes part where tables are defined by fields. */
export const CASSANDRA: DocumentStore = {
  name: 'Cassandra',
  needs: 'cassandra',
  key: 'id',
  hasColumns: true,
  takesNative: false,
  open: async () => {
    const server = await startCassandra();
    return { type: 'cassandra', config: await freshKeyspace(server), stop: () => server.stop() };
  },
};

export const DOCUMENT_STORES: readonly DocumentStore[] = [
  {
    name: 'MongoDB',
    needs: 'mongodb',
    key: '_id',
    takesNative: true,
    open: async () => {
      const { url, newDatabase, stop } = await startMongo();
      return { type: 'mongodb', config: { dsn: url, database: newDatabase() }, stop };
    },
  },
  {
    name: 'DynamoDB',
    needs: 'dynamodb',
    key: 'id',
    takesNative: false,
    open: async () => {
      const { endpoint, region, key, secret, stop } = await startDynamodb();
      return { type: 'aws_dynamodb', config: { endpoint, region, key, secret }, stop };
    },
  },
  {
    name: 'CouchDB',
    key: '_id',
    version: '_rev',
    takesNative: true,
    open: async () => {
      const { url, stop } = await startCouchDb();
      return { type: 'couchdb', config: { dsn: `${url}/sale` }, stop };
    },
  },
];

/** One database of MongoDB, and ours in front of it. */
import { type Db, MongoClient } from 'mongodb';
import { type RunningMongo, startMongo } from '../../deploy/testing/mongodb.ts';
import type { ContestOptions } from '../contest.ts';
import { newReading } from '../dataset.ts';
import type { RunScope } from '../process.ts';
import { type MillraceTarget, startMillrace } from '../sides/millrace.ts';

export const DOCUMENTS = 100_000;
export const READ = 'readings';
export const WRITTEN = 'written';
const BATCH = 1_000;

export interface House {
  readonly server: RunningMongo;
  readonly database: string;
  readonly db: Db;
  readonly millrace: MillraceTarget;
}

/** @param filled  with documents to read, their identifiers counted from 1 */
export async function startHouse(scope: RunScope, options: ContestOptions, filled: boolean): Promise<House> {
  const server = await startMongo();
  scope.teardown.add(() => server.stop());
  const database = server.newDatabase();
  const client = new MongoClient(server.url);
  scope.teardown.add(() => client.close());
  const db = client.db(database);
  await db.createCollection(WRITTEN);
  await db.createCollection(READ);
  if (filled) await fill(db);
  const millrace = await startMillrace(scope, {
    dist: options.dist,
    profileFolder: options.profile ? scope.folder : undefined,
    nosql: true,
    services: [{ name: 'bench', type: 'mongodb', config: { dsn: server.url, database } }],
    firstPath: `/api/v2/bench/_table/${READ}?limit=1`,
  });
  return { server, database, db, millrace };
}

async function fill(db: Db): Promise<void> {
  for (let from = 1; from <= DOCUMENTS; from += BATCH) {
    const documents = Array.from({ length: BATCH }, (_, n) => ({ _id: from + n, ...newReading() }));
    await db.collection<{ _id: number }>(READ).insertMany(documents);
  }
}

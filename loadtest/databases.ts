/** The database servers of a run, each of its own and gone with it, with a connection of ours. */
import mysql from 'mysql2/promise';
import pg from 'pg';
import { type RunningMariadb, startMariadb } from '../deploy/testing/mariadb.ts';
import { type RunningPostgres, startPostgres } from '../deploy/testing/postgres.ts';
import type { RunScope } from './process.ts';

export interface OpenPostgres {
  readonly server: RunningPostgres;
  readonly admin: pg.Client;
  /** PostgreSQL and its version. */
  readonly title: string;
}

export async function openPostgres(scope: RunScope): Promise<OpenPostgres> {
  const server = await startPostgres();
  scope.teardown.add(server.stop);
  const admin = await connectPostgres(scope, server.url);
  const version = await admin.query<{ server_version: string }>('show server_version');
  return { server, admin, title: `PostgreSQL ${version.rows[0]?.server_version}` };
}

/** Closed by the teardown. */
export async function connectPostgres(scope: RunScope, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // Whoever uses it next is told; without a listener a lost connection would end the process before it cleans up.
  client.on('error', () => {});
  await client.connect();
  scope.teardown.add(() => client.end());
  return client;
}

export interface OpenMariadb {
  readonly server: RunningMariadb;
  readonly admin: mysql.Connection;
  /** MariaDB and its version. */
  readonly title: string;
}

export async function openMariadb(scope: RunScope): Promise<OpenMariadb> {
  const server = await startMariadb();
  scope.teardown.add(server.stop);
  const admin = await mysql.createConnection(server.url);
  admin.on('error', () => {}); // for the same reason
  scope.teardown.add(() => admin.end());
  const [rows] = await admin.query<mysql.RowDataPacket[]>('select version() as version');
  return { server, admin, title: `MariaDB ${rows[0]?.['version']}` };
}

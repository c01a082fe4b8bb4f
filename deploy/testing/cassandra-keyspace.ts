/** A keyspace of one's own in a Cassandra, and the settings of a service of it. */
import { auth, Client, policies } from 'cassandra-driver';
import type { RunningCassandra } from './cassandra.ts';

export interface KeyspaceSettings {
  readonly hosts: string;
  readonly port: number;
  readonly keyspace: string;
  readonly username?: string;
  readonly password?: string;
}

/** @param statements  CQL that is carried out in it, one after the other */
export async function freshKeyspace(
  server: RunningCassandra,
  statements: readonly string[] = [],
): Promise<KeyspaceSettings> {
  const { host, port, datacenter, user, password } = server;
  const keyspace = server.newKeyspace();
  const client = new Client({
    contactPoints: [`${host}:${port}`],
    localDataCenter: datacenter,
    ...(user !== undefined && { authProvider: new auth.PlainTextAuthProvider(user, password ?? '') }),
    policies: { loadBalancing: new policies.loadBalancing.RoundRobinPolicy() },
    socketOptions: { readTimeout: 60_000 },
  });
  try {
    const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
    await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = ${replication}`);
    await client.execute(`USE ${keyspace}`);
    for (const statement of statements) await client.execute(statement);
  } finally {
    await client.shutdown();
  }
  return {
    ...{ hosts: host, port, keyspace },
    ...(user !== undefined && { username: user, password: password ?? '' }),
  };
}

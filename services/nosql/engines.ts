/** The engines by service type. Each loads its driver when a service first uses it. */
import type { NoSqlEngine } from './engine.ts';

export const ENGINES: Readonly<Record<string, () => Promise<{ engine: NoSqlEngine }>>> = {
  couchdb: async () => ({ engine: (await import('./couchdb/index.ts')).couchdb }),
  cloudant: async () => ({ engine: (await import('./couchdb/index.ts')).cloudant }),
  aws_dynamodb: () => import('./dynamodb/index.ts'),
  azure_table: () => import('./azure-tables/index.ts'),
  cassandra: () => import('./cassandra/index.ts'),
  mongodb: () => import('./mongodb/index.ts'),
};

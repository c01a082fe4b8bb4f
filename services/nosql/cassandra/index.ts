/** Apache Cassandra, and what speaks its protocol, as an engine. */
import type { NoSqlEngine } from '../engine.ts';
import { configFields, readCassandraConfig } from './config.ts';
import { asStored, layoutOf } from './layout.ts';
import { canCompare } from './request.ts';
import { CassandraSource } from './source.ts';
import { checkIndex } from './tables.ts';
import { sensesOf } from './types.ts';

export const engine: NoSqlEngine = {
  name: 'cassandra',
  label: 'Cassandra',
  description: 'Tables of a keyspace of Apache Cassandra.',
  group: 'Database',
  configFields,
  checkIndex,
  senses: sensesOf,
  asStored: (members, table) => asStored(members, layoutOf(table)),
  open: (config) => new CassandraSource(readCassandraConfig(config)),
  pushdown: {
    compares: canCompare,
    any: false,
    not: false,
    sorts: (order) => order.length === 0,
    offset: false,
    count: true,
    projection: true,
    transactions: undefined,
    conditionalWrites: true,
    nativeFilters: false,
    keysMax: 1,
    writesMax: 1,
  },
};

/** MongoDB, and what speaks its protocol. */
import type { NoSqlEngine } from '../engine.ts';
import { configFields, readMongoConfig } from './config.ts';
import { KEYS_MAX, MongoSource, WRITES_MAX } from './source.ts';
import { senses } from './types.ts';

export const engine: NoSqlEngine = {
  name: 'mongodb',
  label: 'MongoDB',
  description: 'Database service for MongoDB connections.',
  group: 'Database',
  configFields,
  open: (config, context) => new MongoSource(readMongoConfig(config), context),
  senses,
  pushdown: {
    compares: () => true,
    elements: true,
    any: true,
    not: true,
    sorts: () => true,
    offset: true,
    count: true,
    projection: true,
    transactions: undefined,
    conditionalWrites: true,
    nativeFilters: true,
    keysMax: KEYS_MAX,
    writesMax: WRITES_MAX,
  },
};

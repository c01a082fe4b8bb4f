/** MongoDB: the service type `mongodb`. */
import type { NoSqlEngine, Pushdown } from '../engine.ts';
import { configFields, readMongoConfig } from './config.ts';
import { canGroup } from './groups.ts';
import { fieldName, isSayable } from './request.ts';
import { MongoSource } from './source.ts';
import { senses } from './types.ts';

const pushdown: Pushdown = {
  compares: isSayable,
  elements: true,
  any: true,
  not: true,
  sorts: (order) => order.every(({ field }) => isSayable({ kind: 'compare', field, comparator: 0, operands: [] })),
  offset: true,
  count: true,
  groups: canGroup,
  projection: true,
  // Where the server has them, which the source finds out.
  transactions: { writesMax: 1000, samePartition: false },
  conditionalWrites: true,
  nativeFilters: true,
  keysMax: 1000,
  writesMax: 1000,
};

export const engine: NoSqlEngine = {
  name: 'mongodb',
  label: 'MongoDB',
  description: 'Database service for MongoDB connections.',
  group: 'Database',
  configFields,
  pushdown,
  senses,
  checkIndex: ({ fields }) => void fields.forEach(fieldName),
  open: (config, { connectionsMax }) => new MongoSource(readMongoConfig(config), connectionsMax),
};

/** Amazon DynamoDB as an engine. */
import type { NoSqlEngine } from '../engine.ts';
import { configFields, readDynamoConfig } from './config.ts';
import { canCompare } from './expression.ts';
import { DynamoSource, KEYS_MAX } from './source.ts';
import { checkIndex } from './tables.ts';
import { BATCH_MAX, TRANSACTION_MAX } from './write.ts';

export const engine: NoSqlEngine = {
  name: 'aws_dynamodb',
  label: 'AWS DynamoDB',
  description: 'Tables of Amazon DynamoDB.',
  group: 'Database',
  configFields,
  checkIndex,
  open: (config, { connectionsMax }) => new DynamoSource(readDynamoConfig(config), connectionsMax),
  pushdown: {
    compares: (comparison, { key }) =>
      canCompare(
        comparison,
        key.map(({ name }) => name),
      ),
    any: true,
    not: true,
    sorts: (order) => order.length === 0,
    offset: false,
    count: false,
    projection: true,
    transactions: { writesMax: TRANSACTION_MAX, samePartition: false },
    conditionalWrites: true,
    nativeFilters: false,
    keysMax: KEYS_MAX,
    writesMax: BATCH_MAX,
  },
};

/** Azure Table Storage, and Azure Cosmos DB for Table, as an engine. */
import type { NoSqlEngine } from '../engine.ts';
import { configFields, readAzureTablesConfig } from './config.ts';
import { canCompare } from './request.ts';
import { AzureSource } from './source.ts';
import { PARTITION_KEY, ROW_KEY, sensesOf } from './types.ts';
import { TRANSACTION_MAX } from './write.ts';

/** Entities come in this order, and in no other. */
const ORDER = [PARTITION_KEY, ROW_KEY];

export const engine: NoSqlEngine = {
  name: 'azure_table',
  label: 'Azure Table Storage',
  description: 'Tables of an Azure storage account.',
  group: 'Database',
  configFields,
  senses: sensesOf,
  open: (config) => new AzureSource(readAzureTablesConfig(config)),
  pushdown: {
    compares: (comparison) => canCompare(comparison),
    any: true,
    not: false,
    sorts: (order) =>
      order.length <= ORDER.length && order.every(({ field, descending }, at) => field === ORDER[at] && !descending),
    offset: false,
    count: false,
    projection: true,
    transactions: { writesMax: TRANSACTION_MAX, samePartition: true },
    conditionalWrites: true,
    nativeFilters: false,
    keysMax: 1,
    writesMax: TRANSACTION_MAX,
  },
};

/** Azure Tables as an engine: Azure Table Storage, and what has its interface. */
import type { NoSqlEngine } from '../engine.ts';
import { configFields, readAzureTablesConfig } from './config.ts';
import { canonicalDate } from './dates.ts';
import { KEY_NAMES } from './keys.ts';
import { TRANSACTION_MAX } from './prepare.ts';
import { canCompare } from './request.ts';
import { AzureTablesSource } from './source.ts';
import { UUID } from './types.ts';

export const engine: NoSqlEngine = {
  name: 'azure_table',
  label: 'Azure Table Storage',
  description: 'Tables of Azure Storage.',
  group: 'Database',
  configFields,
  open: (config, { connectionsMax }) => new AzureTablesSource(readAzureTablesConfig(config), connectionsMax),
  senses: (text) => {
    const date = canonicalDate(text);
    return [
      ...(date === undefined ? [] : [{ $date: date }]),
      ...(UUID.test(text) ? [{ $uuid: text.toLowerCase() }] : []),
    ];
  },
  pushdown: {
    compares: canCompare,
    any: true,
    // What has another type than the literal, or is not there, is neither equal nor unequal to the store.
    not: false,
    /** By their keys, which is how they are kept. */
    sorts: (order) =>
      order.length <= KEY_NAMES.length &&
      order.every(({ field, descending }, place) => !descending && field === KEY_NAMES[place]),
    offset: false,
    count: false,
    projection: true,
    transactions: { writesMax: TRANSACTION_MAX, samePartition: true },
    conditionalWrites: false,
    nativeFilters: false,
    keysMax: 1,
    writesMax: TRANSACTION_MAX,
  },
};

/** The NoSQL tier: a data connector for document and key-value stores. */
import type { Component } from '#common/component.ts';
import type { Logger } from '#common/observe/log.ts';
import { startDataTier } from '#common/tier/start.ts';
import type { NoSqlConfig } from './config.ts';
import { NOSQL_PARTS } from './connector.ts';

export { readConfig } from './config.ts';

export const start = (config: NoSqlConfig, log: Logger): Promise<Component & { address: string }> =>
  startDataTier('nosql', config, NOSQL_PARTS, log);

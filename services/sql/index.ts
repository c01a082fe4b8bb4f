/** The SQL tier: a data connector for PostgreSQL, SQLite and their kin. */
import type { Component } from '#common/component.ts';
import type { Logger } from '#common/observe/log.ts';
import { startDataTier } from '#common/tier/start.ts';
import type { SqlConfig } from './config.ts';
import { SQL_PARTS } from './connector.ts';

export { readConfig } from './config.ts';

export const start = (config: SqlConfig, log: Logger): Promise<Component & { address: string }> =>
  startDataTier('sql', config, SQL_PARTS, log);

/** The SQL connector. */
import { type ConnectorOptions, TierConnector, type TierParts } from '#common/tier/connector.ts';
import type { SqlEngine } from './engine.ts';
import { ENGINES } from './engines.ts';
import { SqlService } from './service.ts';

export const SQL_PARTS: TierParts<SqlEngine> = { engines: ENGINES, serve: (opened) => new SqlService(opened) };

export class SqlConnector extends TierConnector<SqlEngine> {
  constructor(options: ConnectorOptions) {
    super(SQL_PARTS, options);
  }
}

/** What the frame of a database tier becomes this one with. */
import type { TierParts } from '#common/tier/connector.ts';
import type { NoSqlEngine } from './engine.ts';
import { ENGINES } from './engines.ts';
import { NoSqlService } from './service.ts';

export const NOSQL_PARTS: TierParts<NoSqlEngine> = {
  engines: ENGINES,
  serve: (opened) => new NoSqlService(opened),
};

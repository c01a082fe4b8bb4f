/** CouchDB and Cloudant: the service types `couchdb` and `cloudant`. */
import type { ConfigField } from '#common/config/field.ts';
import type { NoSqlEngine, Pushdown } from '../engine.ts';
import { cloudantFields, couchdbFields, readCouchConfig } from './config.ts';
import { canPush } from './request.ts';
import { CouchSource, checkIndex, KEYS_MAX } from './source.ts';
import { WRITES_MAX } from './write.ts';

const pushdown: Pushdown = {
  compares: canPush,
  any: true,
  not: true,
  // Of ids by their bytes; other orders need an index for each, and are those of a language.
  sorts: (order) => order.length === 1 && order[0]?.field === '_id',
  offset: true,
  count: true,
  projection: true,
  transactions: undefined,
  conditionalWrites: false,
  nativeFilters: true,
  keysMax: KEYS_MAX,
  writesMax: WRITES_MAX,
};

const engineOf = (name: string, label: string, configFields: readonly ConfigField[]): NoSqlEngine => ({
  name,
  label,
  description: `Database service supporting ${label} connections.`,
  group: 'Database',
  configFields,
  pushdown,
  checkIndex,
  open: (config, { connectionsMax }) => new CouchSource(readCouchConfig(config), connectionsMax),
});

export const couchdb = engineOf('couchdb', 'CouchDB', couchdbFields);
export const cloudant = engineOf('cloudant', 'Cloudant', cloudantFields);

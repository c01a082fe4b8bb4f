/** Services as they are pushed: to routers without settings, to whoever serves them with all that they need. */
import { create } from '@bufbuild/protobuf';
import type { Kysely } from 'kysely';
import { type Hosting, type Service, ServiceSchema } from '#proto/access/v1/access_pb.ts';
import type { Script } from '#proto/script/v1/script_pb.ts';
import type { Tables } from '../database/tables.ts';
import { type Entities, idOf, jsonOrNothing, keep } from '../entities.ts';
import { systemLookups } from '../lookups/defined.ts';
import { resolveLookups } from '../lookups/resolve.ts';
import { isObject } from '../records/input.ts';
import type { JsonObject, Tools } from '../records/model.ts';
import type { LinkedScripts } from '../scripts/linked.ts';
import { linkOf, SCRIPT_TYPES, serviceScriptOf, wanted, withoutText } from '../scripts/running.ts';
import { storedSettings } from './rules.ts';

export interface Services {
  /** As routers see them: without settings. */
  readonly services: Entities<Service>;
  /** As those who serve them see them. */
  readonly connections: Entities<Service>;
}

/** All that routers know of a script. */
const runningOf = ({ hash, queued, implementsAccessList, cacheSeconds }: Script): string =>
  [hash, queued, implementsAccessList, cacheSeconds].join(' ');

const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

/** Of a service without public files there is nothing to know. */
function hostingOf(settings: JsonObject): { hosting?: Omit<Hosting, '$typeName' | '$unknown'> } {
  if (textsIn(settings['public_path']).length === 0) return {};
  const { index_file, cache_seconds, immutable_assets, public_headers } = settings;
  const headers = isObject(public_headers) ? Object.entries(public_headers) : [];
  return {
    hosting: {
      indexFile: typeof index_file === 'string' ? index_file : INDEX_FILE,
      spaPaths: textsIn(settings['spa_path']),
      findsApplications: !Array.isArray(settings['spa_path']),
      cacheSeconds: typeof cache_seconds === 'number' ? Math.max(0, cache_seconds) : 0,
      immutableAssets: immutable_assets !== false,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value ?? '')])),
    },
  };
}

const INDEX_FILE = 'index.html';

export async function readServices(
  db: Kysely<Tables>,
  tools: Tools,
  linked: LinkedScripts,
  before: Services,
): Promise<Services> {
  const rows = await db.selectFrom('service').selectAll().orderBy('id').execute();
  const lookups = await systemLookups(db, tools.secrets);
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  const stored = rows.map((row) => {
    const settings = storedSettings({ ...row }, tools);
    return { row, settings, link: SCRIPT_TYPES.has(row.type) ? linkOf(settings, names) : undefined };
  });
  await linked.follow(
    'services',
    stored.flatMap(({ link, row }) => wanted(link, row)),
  );
  const all = stored.map(({ row, settings, link }) => {
    const content = link ? linked.textOf(link) : settings['content'];
    const source = { content: typeof content === 'string' ? content : '', link };
    const script = SCRIPT_TYPES.has(row.type) ? serviceScriptOf(row, settings, source) : undefined;
    const shown = {
      id: row.id,
      name: row.name,
      label: row.label,
      description: row.description ?? '',
      type: row.type,
      isActive: row.is_active === 1,
      tier: tools.types.get(row.type)?.tier ?? '',
      publicPaths: textsIn(settings['public_path']),
      ...hostingOf(settings),
    };
    return { shown, settings, script };
  });
  // Messages are compared by what they are made from, which has no big numbers in it.
  const facts = all.map(({ shown, script }) => ({ ...shown, script: script && runningOf(script) }));
  const scripts = new Map(all.map(({ shown, script }) => [shown.id, script]));
  const connections = all.map(({ settings }, index) => ({
    ...facts[index]!,
    settings: resolveLookups(settings, lookups),
  }));
  return {
    services: keep(before.services, facts, idOf, ({ script: _, ...shown }) => {
      const script = scripts.get(shown.id);
      return create(ServiceSchema, { ...shown, ...(script && { script: withoutText(script) }) });
    }),
    connections: keep(before.connections, connections, idOf, ({ settings, script: _, ...shown }) => {
      const script = scripts.get(shown.id);
      // Where a script is the answer its text is all there is to know, and lookups in it are the worker's to resolve.
      return create(ServiceSchema, { ...shown, ...(script ? { script } : { configJson: jsonOrNothing(settings) }) });
    }),
  };
}

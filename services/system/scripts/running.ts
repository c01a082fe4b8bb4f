/** Scripts as workers run them and as routers know them. */
import { createHash } from 'node:crypto';
import { clone, create } from '@bufbuild/protobuf';
import type { Selectable } from 'kysely';
import { type EventScript, EventScriptSchema } from '#proto/access/v1/access_pb.ts';
import { type Script, Script_Kind, ScriptSchema } from '#proto/script/v1/script_pb.ts';
import type { Tables } from '../database/tables.ts';
import { isObject } from '../records/input.ts';
import type { JsonObject } from '../records/model.ts';
import type { Link } from './linked.ts';

/** Of which services are made that a script answers (files-and-scripting-api §3.9). */
export const SCRIPT_TYPES: ReadonlySet<string> = new Set(['nodejs', 'v8js']);

/** The text of a script, and where it is from; a file comes before the text that is stored. */
export interface Source {
  readonly content: string;
  readonly link: Link | undefined;
}

export const wanted = (link: Link | undefined, row: { readonly id: number; readonly last_modified_date: string }) =>
  link ? [{ ...link, version: `${row.id}/${row.last_modified_date}` }] : [];

/** The file that a script is in; undefined: it is in none. @param services  names by id */
export function linkOf(
  { storage_service_id, storage_path }: { readonly storage_service_id?: unknown; readonly storage_path?: unknown },
  services: ReadonlyMap<number, string>,
): Link | undefined {
  const service = typeof storage_service_id === 'number' ? services.get(storage_service_id) : undefined;
  const path = textOf(storage_path)?.replace(/^\/+/, '');
  return service && path ? { service, path } : undefined;
}

export function eventScriptOf(row: Selectable<Tables['event_script']>, source: Source): EventScript {
  const config = objectOf(row.config);
  return create(EventScriptSchema, {
    id: row.id,
    name: row.name,
    allowEventModification: row.allow_event_modification === 1,
    optional: config['optional'] === true,
    script: scriptOf(Script_Kind.EVENT, row, source, config),
  });
}

/** What answers the calls of a service. @param settings  as stored, lookups and all */
export function serviceScriptOf(
  row: { readonly id: number; readonly name: string; readonly type: string },
  settings: JsonObject,
  source: Source,
): Script {
  const script = scriptOf(Script_Kind.SERVICE, row, source, objectOf(settings['config']));
  script.queued = settings['queued'] === true;
  script.implementsAccessList = settings['implements_access_list'] === true;
  script.cacheSeconds = settings['cache_enabled'] === true ? secondsOf(settings['cache_ttl']) : 0;
  return script;
}

/** The same for whoever has to know no more than that there is one. */
export function withoutText(script: Script): Script {
  const { kind, id, name, type, hash, sourcePath, queued, implementsAccessList, cacheSeconds } = script;
  return create(ScriptSchema, { kind, id, name, type, hash, sourcePath, queued, implementsAccessList, cacheSeconds });
}

export function listenerOf(script: EventScript): EventScript {
  const known = clone(EventScriptSchema, script);
  if (known.script) known.script = withoutText(known.script);
  return known;
}

function scriptOf(
  kind: Script_Kind,
  { id, name, type }: { readonly id: number; readonly name: string; readonly type: string },
  { content, link }: Source,
  config: JsonObject,
): Script {
  const sourcePath = link ? `${link.service}/${link.path}` : '';
  const configJson = JSON.stringify(config);
  return create(ScriptSchema, {
    ...{ kind, id, name, type, sourcePath },
    content,
    configJson: Buffer.from(configJson),
    hash: hashOf([kind, id, name, type, content, configJson, sourcePath]),
  });
}

const hashOf = (facts: readonly unknown[]): bigint =>
  createHash('sha256').update(JSON.stringify(facts)).digest().readBigUInt64BE();

const SECONDS_MAX = 365 * 86_400;

const secondsOf = (value: unknown): number =>
  typeof value === 'number' ? Math.min(Math.max(Math.trunc(value), 0), SECONDS_MAX) : 0;

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Settings come as an object, or as the text of one. */
function objectOf(value: unknown): JsonObject {
  if (isObject(value)) return value;
  if (typeof value !== 'string' || value.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

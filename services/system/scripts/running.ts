/** Scripts as workers run them and as routers know them. */
import { createHash } from 'node:crypto';
import { clone, create } from '@bufbuild/protobuf';
import type { Selectable } from 'kysely';
import { type EventScript, EventScriptSchema } from '#proto/access/v1/access_pb.ts';
import { type Script, Script_Kind, ScriptSchema } from '#proto/script/v1/script_pb.ts';
import type { Tables } from '../database/tables.ts';
import { isObject } from '../records/input.ts';
import type { JsonObject } from '../records/model.ts';

/** Of which services are made that a script answers (files-and-scripting-api §3.9). */
export const SCRIPT_TYPES: ReadonlySet<string> = new Set(['nodejs', 'v8js']);

/** Where the text of a script is, beside the text itself. */
interface Source {
  readonly content: string | null;
  readonly storage_service_id: number | null;
  readonly storage_path: string | null;
}

/** @param services  names by id: of files that scripts are in */
export function eventScriptOf(
  row: Selectable<Tables['event_script']>,
  services: ReadonlyMap<number, string>,
): EventScript {
  const config = objectOf(row.config);
  return create(EventScriptSchema, {
    id: row.id,
    name: row.name,
    allowEventModification: row.allow_event_modification === 1,
    optional: config['optional'] === true,
    script: scriptOf(Script_Kind.EVENT, row, row, config, services),
  });
}

/** What answers the calls of a service. @param settings  as stored, lookups and all */
export function serviceScriptOf(
  row: { readonly id: number; readonly name: string; readonly type: string },
  settings: JsonObject,
  services: ReadonlyMap<number, string>,
): Script {
  const source: Source = {
    content: textOf(settings['content']),
    storage_service_id: typeof settings['storage_service_id'] === 'number' ? settings['storage_service_id'] : null,
    storage_path: textOf(settings['storage_path']),
  };
  const script = scriptOf(Script_Kind.SERVICE, row, source, objectOf(settings['config']), services);
  script.queued = settings['queued'] === true;
  script.implementsAccessList = settings['implements_access_list'] === true;
  script.cacheSeconds = settings['cache_enabled'] === true ? secondsOf(settings['cache_ttl']) : 0;
  return script;
}

/** The same for whoever has to know no more than that there is one. */
export function withoutText(script: Script): Script {
  const { kind, id, name, type, hash, queued, implementsAccessList, cacheSeconds } = script;
  return create(ScriptSchema, { kind, id, name, type, hash, queued, implementsAccessList, cacheSeconds });
}

export function listenerOf(script: EventScript): EventScript {
  const known = clone(EventScriptSchema, script);
  if (known.script) known.script = withoutText(known.script);
  return known;
}

function scriptOf(
  kind: Script_Kind,
  { id, name, type }: { readonly id: number; readonly name: string; readonly type: string },
  { content, storage_service_id, storage_path }: Source,
  config: JsonObject,
  services: ReadonlyMap<number, string>,
): Script {
  const storage = storage_service_id === null ? undefined : services.get(storage_service_id);
  const sourcePath = storage && storage_path ? `${storage}/${storage_path.replace(/^\/+/, '')}` : '';
  const configJson = JSON.stringify(config);
  return create(ScriptSchema, {
    ...{ kind, id, name, type, sourcePath },
    content: content ?? '',
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

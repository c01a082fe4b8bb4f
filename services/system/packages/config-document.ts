/** Services, roles and apps as one JSON document without secrets (`system/config_package`, system-api §5.14). */
import { invalid } from '#common/errors.ts';
import { isObject } from '../records/input.ts';
import type { JsonObject } from '../records/model.ts';
import type { Collector } from './collect.ts';
import { kindNamed, type PackageKind } from './kinds.ts';
import type { MergeInput, MergeLog } from './merge.ts';

const FORMAT = 'dreamfactory.config/v1';

/** What the document says of each: an app's key is a secret. */
const SECTIONS: readonly (readonly [section: string, kind: string, members: readonly string[]])[] = [
  ['services', 'service', ['name', 'label', 'description', 'type', 'is_active', 'config']],
  ['roles', 'role', ['name', 'description', 'is_active', 'service_access']],
  [
    'apps',
    'app',
    [
      ...['name', 'description', 'is_active', 'type', 'path', 'url', 'storage_service', 'storage_container'],
      ...['requires_fullscreen', 'allow_fullscreen_toggle', 'toggle_location', 'role'],
    ],
  ],
];

const kindOf = (name: string): PackageKind => kindNamed(name)!;

export async function configDocument(collector: Collector): Promise<JsonObject> {
  const document: JsonObject = { format: FORMAT, exported_at: new Date().toISOString() };
  for (const [section, kind, members] of SECTIONS) {
    document[section] = (await collector.records(kindOf(kind))).map((record) => only(record, members));
  }
  return document;
}

/** @throws MillraceError invalid for another format */
export function readConfigDocument(sent: JsonObject): MergeInput[] {
  const document = isObject(sent['manifest']) ? sent['manifest'] : sent;
  if (document['format'] !== FORMAT) {
    throw invalid(`The configuration is not of the format '${FORMAT}'.`, { format: [`must be '${FORMAT}'`] });
  }
  return SECTIONS.map(([section, kind, members]) => {
    const records = document[section] ?? [];
    if (!Array.isArray(records) || !records.every(isObject)) {
      throw invalid(`The '${section}' of a configuration are a list of records.`, { [section]: ['no list'] });
    }
    return { kind: kindOf(kind), records: records.map((record) => only(record, members)) };
  });
}

/** What was done, by the sections of the document. */
export function configAnswer(log: MergeLog): JsonObject {
  const bySection = (names: Record<string, string[]>): JsonObject =>
    Object.fromEntries(SECTIONS.map(([section, kind]) => [section, names[kind] ?? []]));
  const { created, updated, skipped } = log;
  return {
    success: true,
    created: bySection(created),
    updated: bySection(updated),
    skipped: bySection(skipped),
    errors: [],
  };
}

const only = (record: JsonObject, members: readonly string[]): JsonObject =>
  Object.fromEntries(members.flatMap((name) => (record[name] === undefined ? [] : [[name, record[name]]])));

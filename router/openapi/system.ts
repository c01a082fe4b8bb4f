/** The paths of the system service: its resources as it describes them itself, and what it has beside records. */
import { ResourceKind } from '#proto/data/v1/data_pb.ts';
import { answers, bodies, flag, listOf, METADATA, type OptionName, object, operation, text } from './components.ts';
import { at, type Components, type Json, joined, type Part, type PathEntry, ref, type Segment } from './document.ts';
import { isWanted, ownPart, resourceNames, rootPart } from './resources.ts';
import { type Field, fieldSchema, wireName } from './schema-types.ts';
import type { Subject } from './subject.ts';
import { SYSTEM_OWN } from './system-own.ts';

interface Relation {
  readonly name: string;
  readonly type: string;
  readonly ref_table: string;
}

/** As the system service describes each of its models. */
interface Model {
  readonly name: string;
  readonly label: string;
  readonly plural: string;
  readonly primary_key: readonly string[];
  readonly read_only: boolean;
  readonly can_create: boolean;
  readonly is_resource: boolean;
  readonly field: readonly Field[];
  readonly related: readonly Relation[];
}

const LIST: readonly OptionName[] = [
  ...(['fields', 'related', 'filter', 'limit', 'offset', 'order', 'group', 'ids', 'id_field'] as const),
  ...(['count_only', 'include_count', 'include_schema', 'as_list', 'file'] as const),
];
const SHOWN: readonly OptionName[] = ['fields', 'related'];
const BATCH: readonly OptionName[] = ['fields', 'related', 'continue', 'rollback'];

interface MoreOptions {
  readonly read: readonly OptionName[];
  readonly change: readonly OptionName[];
  readonly remove: readonly OptionName[];
}

/** What one record of a resource takes beside the usual options. */
const MORE: Readonly<Record<string, MoreOptions>> = {
  app: { read: ['pkg', 'include_files'], change: ['regenerate'], remove: ['delete_storage'] },
};
const NO_MORE: MoreOptions = { read: [], change: [], remove: [] };

export async function describeSystem({ service, word, catalogue, access, wants }: Subject): Promise<Part> {
  const [listed, described] = await Promise.all([
    catalogue.resources(service, ResourceKind.ROOT),
    catalogue.tables(service, []),
  ]);
  const may = (name: string): boolean => access.may(name.split('/'), 31) || access.may([name, KEY], 31);
  const models = described as unknown as readonly Model[];
  const resources = models.filter(({ name, is_resource }) => is_resource && may(name));
  const usable = resources.length > 0 ? [...resources, ...models.filter(({ is_resource }) => !is_resource)] : [];
  const names = listed.map((each) => String(each['name'])).filter(may);
  const own = names
    .filter((name) => !resources.some((model) => model.name === name))
    .map((name) => ownPart(SYSTEM_OWN[name], word, name));
  const parts = [rootPart(word), ...own];
  const entries = [
    ...parts.flatMap((part) => part.entries),
    ...resources.flatMap((model) => modelEntries(word, model)),
  ];
  return {
    entries: entries.filter(({ path }) => isWanted(wants, path)),
    components: joined(
      { schemas: { Metadata: METADATA } },
      ...parts.map(({ components }) => components),
      ...usable.map((model) => modelComponents(model, usable)),
    ),
    extensions: resourceNames('system', names),
  };
}

const KEY = { name: 'id', description: 'Identifier of the record.' };

/** Made by POST to their own name as well. */
const BOUND: ReadonlySet<string> = new Set(['event_script']);

function modelEntries(word: string, model: Model): PathEntry[] {
  const [one, many] = [word + classOf(model.label), word + pluralOf(model)];
  const [answer, answerList] = [`${classOf(model.label)}Response`, `${pluralOf(model)}Response`];
  const [body, bodyList] = [`${classOf(model.label)}Request`, `${pluralOf(model)}Request`];
  const what = model.plural.toLowerCase();
  const more = MORE[model.name] ?? NO_MORE;
  const change = (verb: string, summary: string) =>
    operation(`${verb}${many}`, summary, answerList, {
      description: 'Each by its identifier; or the first one to all in `ids`.',
      options: [...BATCH, 'ids'],
      body: bodyList,
    });
  const changeOne = (verb: string, summary: string) =>
    operation(`${verb}${one}`, summary, answer, { options: [...SHOWN, ...more.change], body });
  const key = model.primary_key[0] ?? 'id';
  const id = { ...KEY, schema: key === 'id' ? { type: 'integer', format: 'int32' } : { type: 'string' } };
  const writes = !model.read_only;
  return [
    at([model.name], {
      get: operation(`get${many}`, `Read ${what}.`, answerList, { options: LIST }),
      ...(model.can_create && {
        post: operation(`create${many}`, `Create ${what}.`, answerList, {
          options: BATCH,
          body: bodyList,
          status: 201,
          tunnels: true,
        }),
      }),
      ...(writes && {
        patch: change('update', `Change ${what}.`),
        put: change('replace', `Change ${what}, as PATCH does.`),
        delete: operation(`delete${many}`, `Delete ${what}.`, answerList, {
          options: [...BATCH, 'ids', 'filter', 'force'],
        }),
      }),
    }),
    at([model.name, id], {
      get: operation(`get${one}`, 'Read one.', answer, { options: [...SHOWN, ...more.read] }),
      ...(BOUND.has(model.name) && { post: changeOne('bind', 'Change one, or make it where there is none.') }),
      ...(writes && {
        patch: changeOne('update', 'Change one.'),
        put: changeOne('replace', 'Change one, as PATCH does.'),
        delete: operation(`delete${one}`, 'Delete one.', answer, { options: [...SHOWN, ...more.remove] }),
      }),
    }),
    ...(BOUND.has(model.name) ? [tryEntry(word, [model.name, id])] : []),
  ];
}

const TRIED: Json = object({
  success: flag('It has come to its end.'),
  request: { description: 'As the script left it; null: untouched.' },
  response: { description: 'As the script left it; null: untouched.' },
  returned: { description: 'What it has returned.' },
  stop_propagation: flag('No further script of the event would run.'),
  error: { type: 'object', description: 'Why it has failed: kind, message, line, column and file.' },
  logs: listOf({ type: 'object' }, 'Lines of its console: level and text.'),
  cpu_ms: { type: 'number' },
  wall_ms: { type: 'number' },
  memory_bytes: { type: 'number' },
});

const TRIAL: Json = object({
  content: text('The script; without it the stored one is taken.'),
  type: text('nodejs or v8js.'),
  config: { type: 'object', description: 'Settings of the script, such as its caps.' },
  event: { type: 'object', description: 'What it finds: request, response and resource.' },
});

const ofJson = (schema: Json): Json => ({ content: { 'application/json': { schema } } });

function tryEntry(word: string, script: readonly Segment[]): PathEntry {
  const answer = { description: 'What the script left behind, or why it has failed.', ...ofJson(TRIED) };
  return at([...script, '_test'], {
    post: operation(`test${word}EventScript`, 'Run a script against an event that is made up.', answer, {
      description: 'Only for administrators.',
      body: ofJson(TRIAL),
    }),
  });
}

/** @param usable  what the schema may speak of: relations to anything else are left out */
function modelComponents(model: Model, usable: readonly Model[]): Components {
  const [name, plural] = [schemaName(model), pluralOf(model)];
  const { is_resource: isResource, read_only: readOnly } = model;
  const schemas: Json = {
    [`${name}Response`]: recordSchema(model, usable, 'Response'),
    ...(!readOnly && { [`${name}Request`]: recordSchema(model, usable, 'Request') }),
    ...(isResource && {
      [`${plural}Response`]: object({
        resource: listOf(ref('schemas', `${name}Response`)),
        meta: ref('schemas', 'Metadata'),
      }),
      ...(!readOnly && {
        [`${plural}Request`]: object({
          resource: listOf(ref('schemas', `${name}Request`)),
          ids: listOf({ type: 'integer', format: 'int32' }),
          filter: text('Which records.'),
        }),
      }),
    }),
  };
  if (!isResource) return { schemas };
  return {
    schemas,
    responses: answers({ [`${name}Response`]: 'A record.', [`${plural}Response`]: 'Records.' }),
    requestBodies: readOnly ? {} : bodies({ [`${name}Request`]: 'A record.', [`${plural}Request`]: 'Records.' }),
  };
}

function recordSchema(model: Model, usable: readonly Model[], way: 'Request' | 'Response'): Json {
  const unwanted = way === 'Request' ? 'read_only' : 'write_only';
  const key = model.primary_key[0];
  const fields = model.field.filter(({ name, access }) => access !== unwanted || name === key);
  const related = model.related.flatMap(({ name, type, ref_table }) => {
    const other = usable.find((each) => each.name === ref_table);
    if (!other || (way === 'Request' && other.read_only)) return [];
    const one = ref('schemas', `${schemaName(other)}${way}`);
    return [[name, type === 'has_many' || type === 'many_many' ? listOf(one) : one]];
  });
  const properties = fields.map((field) => [
    wireName(field),
    fieldSchema({ ...field, access: null, auto_increment: false }),
  ]);
  return object(Object.fromEntries([...properties, ...related]) as Json);
}

/** What is no resource of its own is only met as a part of others. Several of them may have one label. */
const schemaName = (model: Model): string =>
  model.is_resource ? classOf(model.label) : `Related${classOf(model.name.replaceAll('_', ' '))}`;

/** `CORS Entries` → `CorsEntries`. */
const classOf = (label: string): string =>
  label
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join('');

const pluralOf = (model: Model): string => classOf(model.plural);

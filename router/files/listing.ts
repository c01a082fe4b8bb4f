/** What is in a folder: passed on as the storage finds it, so that a large one neither waits nor fills our memory. */
import { FILE_ENTRIES_CONVERTED_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { stringifyJson } from '#common/json.ts';
import { headersOf, type Presentation, sendValue } from '../encode/answer.ts';
import { presentationOf } from '../encode/presentation.ts';
import type { Responder } from '../http/reply.ts';
import { namesOf } from '../parse/options.ts';
import { isTrue, type Query } from '../parse/query.ts';
import { type FileCall, soon } from './call.ts';
import { itemOf, shownPath } from './entry-json.ts';
import { folderNotFound, isNotFound } from './refusals.ts';

/** An entry as items of the list. */
type Show = (entry: FileEntry) => readonly unknown[];

/** @throws MillraceError not_found */
export async function sendListing(call: FileCall): Promise<void> {
  const { request, reply, headers, address, service, store, context, deadline } = call;
  const { query } = request;
  const { path } = address;
  const asAccess = path === '' && query.flag('as_access_list');
  const options = asAccess
    ? { path, fullTree: true, withoutFiles: true }
    : {
        path,
        fullTree: query.flag('full_tree'),
        withoutFiles: !flagOr(query, 'include_files', true),
        withoutFolders: !flagOr(query, 'include_folders', true),
        search: query.get('search') ?? '',
      };
  const shown = presentationOf(request, headers, false);
  try {
    const { entries, family } = await soon(call, store.list(context, options, deadline));
    const show = asAccess ? accessComponents : showOf(query, (entry) => itemOf(entry, path, family, service.type));
    // What fails before the first of them is answered as an error; later only a cut connection can tell.
    const first = await entries.next();
    if (request.http.method === 'HEAD') await entries.return?.(); // nobody wants the rest
    const groups = listsOf(asAccess ? ['', '*'] : [], first, entries, show);
    if (shown.format === 'json') return await streamList(reply, groups, shown);
    sendValue(reply, 200, { resource: await collected(groups) }, shown);
  } catch (error) {
    throw isNotFound(error) ? folderNotFound(path) : error;
  }
}

const flagOr = (query: Query, name: string, otherwise: boolean): boolean => {
  const value = query.get(name);
  return value === undefined ? otherwise : isTrue(value);
};

const accessComponents: Show = ({ path }) => [shownPath(path, true), `${path}/*`];

function showOf(query: Query, item: (entry: FileEntry) => Readonly<Record<string, unknown>>): Show {
  if (query.flag('as_list')) {
    const field = query.get('id_field') || 'path';
    return (entry) => [item(entry)[field] ?? null];
  }
  const fields = namesOf(query.get('fields'));
  if (fields.length === 0 || fields.includes('*')) return (entry) => [item(entry)];
  return (entry) => [Object.fromEntries(Object.entries(item(entry)).filter(([name]) => fields.includes(name)))];
}

async function* listsOf(
  before: readonly unknown[],
  first: IteratorResult<readonly FileEntry[]>,
  rest: AsyncIterableIterator<readonly FileEntry[]>,
  show: Show,
): AsyncGenerator<readonly unknown[]> {
  try {
    if (before.length > 0) yield before;
    for (let next = first; !next.done; next = await rest.next()) yield next.value.flatMap(show);
  } finally {
    await rest.return?.();
  }
}

async function streamList(
  reply: Responder,
  groups: AsyncGenerator<readonly unknown[]>,
  shown: Presentation,
): Promise<void> {
  const body = reply.stream(200, headersOf(shown, ['Content-Type', 'application/json']));
  try {
    let separator = '{"resource":[';
    for await (const group of groups) {
      if (group.length === 0) continue;
      await body.write(Buffer.from(separator + stringifyJson(group).slice(1, -1)));
      separator = ',';
    }
    await body.write(Buffer.from(separator === ',' ? ']}' : `${separator}]}`));
    body.end();
  } catch {
    body.fail();
  }
}

async function collected(groups: AsyncGenerator<readonly unknown[]>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const group of groups) {
    if (all.length + group.length > FILE_ENTRIES_CONVERTED_MAX) {
      throw invalid(`More than ${FILE_ENTRIES_CONVERTED_MAX} entries are listed as JSON only.`, { field: 'Accept' });
    }
    all.push(...group);
  }
  return all;
}

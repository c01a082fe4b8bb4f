/** Views: rows that a program of a design makes of documents. Its names and options are checked, and sent as they are. */
import type { Deadline } from '#common/deadline.ts';
import { invalid, type MillraceError } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import type { Document, Wire } from '../document.ts';
import type { ViewPage, ViewQuery } from '../engine.ts';
import type { CouchClient } from './client.ts';
import { CouchDocument } from './document.ts';
import { elementsOf, membersOf } from './split.ts';
import { wireOf } from './types.ts';

/** A slash would lead to something else, and so would what paths mean by dots. */
const NAME = /^(?!_)(?!\.{1,2}$)[^/\\\0-\x1f\x7f]{1,200}$/;
const GROUP_LEVEL_MAX = 1000;

type Check = (text: string, name: string) => string;

const json: Check = (text, name) => {
  try {
    return stringifyJson(parseJson(Buffer.from(text)));
  } catch {
    throw wrong(name, 'must be JSON, as in startkey="a" or startkey=["a",1]');
  }
};
const list: Check = (text, name) => {
  const read = json(text, name);
  if (!read.startsWith('[')) throw wrong(name, 'must be a list in JSON');
  return read;
};
const flag: Check = (text, name) => {
  const word = text.toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return 'true';
  if (['false', '0', 'no', 'off'].includes(word)) return 'false';
  throw wrong(name, 'must be true or false');
};
const whole: Check = (text, name) => {
  if (/^\d{1,4}$/.test(text) && Number(text) <= GROUP_LEVEL_MAX) return text;
  throw wrong(name, `must be a whole number up to ${GROUP_LEVEL_MAX}`);
};

/** What a caller may say, and how CouchDB calls it. */
const OPTIONS: ReadonlyMap<string, readonly [name: string, check: Check]> = new Map([
  ['key', ['key', json]],
  ['keys', ['keys', list]],
  ['startkey', ['startkey', json]],
  ['start_key', ['startkey', json]],
  ['endkey', ['endkey', json]],
  ['end_key', ['endkey', json]],
  ['startkey_docid', ['startkey_docid', (text) => text]],
  ['endkey_docid', ['endkey_docid', (text) => text]],
  ['inclusive_end', ['inclusive_end', flag]],
  ['descending', ['descending', flag]],
  ['include_docs', ['include_docs', flag]],
  ['reduce', ['reduce', flag]],
  ['group', ['group', flag]],
  ['group_level', ['group_level', whole]],
]);

/** @throws MillraceError invalid that names what it does not take; CouchError */
export async function readView(
  client: CouchClient,
  table: string,
  query: ViewQuery,
  deadline: Deadline,
): Promise<ViewPage> {
  for (const [field, name] of [
    ['design', query.design],
    ['view', query.name],
  ] as const) {
    if (!NAME.test(name)) throw wrong(field, "must be a name, without '/' and without '_' in front");
  }
  const { keys, ...given } = optionsOf(query);
  const showsDocuments = given['include_docs'] === 'true';
  if (query.documents) Object.assign(given, unreduced(given));
  const answer = await client.send(
    {
      method: keys === undefined ? 'GET' : 'POST',
      path: [table, '_design', query.design, '_view', query.name],
      query: { ...given, skip: query.offset, limit: query.limit },
      ...(keys !== undefined && { body: `{"keys":${keys}}` }),
      isRead: true,
    },
    deadline,
  );
  return pageOf(answer, showsDocuments);
}

function optionsOf({ options }: ViewQuery): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([name, text]) => {
      const [own, check] = OPTIONS.get(name) ?? unknown(name);
      return [own, check(text, name)];
    }),
  );
}

/** Rows that were reduced are of many documents: no condition can tell whether they may be seen. */
function unreduced(given: Readonly<Record<string, string>>): Record<string, string> {
  const reduced = ['group', 'reduce', 'group_level'].find((name) => !['false', undefined].includes(given[name]));
  if (reduced !== undefined) {
    throw wrong(
      reduced,
      'does not go with conditions, of the call or of the role: rows of several documents have none',
    );
  }
  return { reduce: 'false', include_docs: 'true' };
}

function pageOf(answer: Uint8Array, showsDocuments: boolean): ViewPage {
  let total: number | undefined;
  let rows: ViewPage['rows'] = [];
  for (const { name, value } of membersOf(answer)) {
    if (name === 'total_rows') total = parseJson(value) as number;
    else if (name === 'rows') rows = [...elementsOf(value)].map((row) => rowOf(row, showsDocuments));
  }
  return { rows, total };
}

function rowOf(bytes: Uint8Array, showsDocuments: boolean): ViewPage['rows'][number] {
  const row: Record<string, Wire> = Object.create(null);
  let document: CouchDocument | undefined;
  for (const { name, value } of membersOf(bytes)) {
    const isDocument = name === 'doc';
    if (isDocument && value[0] === OBJECT_BEGINS) document = new CouchDocument(value);
    if (!isDocument || showsDocuments) row[name] = wireOf(parseJson(value));
  }
  // A value may name another document to be shown: that is not the one that the row was made of.
  return { row: row as Document, document: document?.members()['_id'] === row['id'] ? document : undefined };
}

/** As in {}. */
const OBJECT_BEGINS = 0x7b;

const wrong = (field: string, why: string): MillraceError => invalid(`'${field}' ${why}.`, { field });

function unknown(name: string): never {
  throw wrong(name, 'is no option of a view');
}

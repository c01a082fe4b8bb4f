/** Queries a page at a time: `_all_docs` where there is no condition, `_find` where there is one. */
import type { Deadline } from '#common/deadline.ts';
import { invalid } from '#common/errors.ts';
import { stringifyJson } from '#common/json.ts';
import type { StoredDocument } from '../document.ts';
import type { Condition, StorePage, StoreQuery } from '../engine.ts';
import type { CouchClient } from './client.ts';
import { fieldsOf, PLAIN_NAME, rechecked, selectorOf } from './request.ts';
import { type AllDocs, keyDocument, type Row, readAllDocs, readFound } from './rows.ts';

/** Of one request: as many as Cloudant gives at most. */
const PAGE_DOCUMENTS = 200;
/** Documents may have megabytes: then fewer are asked for. */
const PAGE_BYTES = 1024 * 1024;

interface Fetched extends StorePage {
  /** As the store sent them. */
  readonly count: number;
  readonly bytes: number;
}

/** @param count  how many at most */
type Fetch = (count: number) => Promise<Fetched>;

export async function* find(
  client: CouchClient,
  table: string,
  query: StoreQuery,
  deadline: Deadline,
): AsyncGenerator<StorePage> {
  const { condition } = query;
  const fetch = condition
    ? matching(client, table, query, condition, deadline)
    : everything(client, table, query, deadline);
  let size = PAGE_DOCUMENTS;
  for (let wanted = query.limit ?? Number.POSITIVE_INFINITY; wanted > 0; ) {
    const { count, bytes, ...page } = await fetch(Math.min(wanted, size));
    const { documents, next } = page;
    wanted -= documents.length;
    yield page;
    if (next === undefined) return;
    if (bytes > 0) size = Math.max(1, Math.min(PAGE_DOCUMENTS, Math.floor((PAGE_BYTES * count) / bytes)));
  }
}

/** By their ids; the cursor is the last of them. */
function everything(client: CouchClient, table: string, query: StoreQuery, deadline: Deadline): Fetch {
  const { order, fields, after, offset } = query;
  const isDescending = order[0]?.descending ?? false;
  const isKeyOnly = fields?.every((field) => field === '_id' || field === '_rev') ?? false;
  let last = after === undefined ? undefined : after.startsWith('i') ? after.slice(1) : notACursor();
  let skip = offset;

  const rowsBehind = async (count: number, skipped: number): Promise<{ rows: Row[]; bytes: number }> => {
    // The last one comes again, where it is still there: downwards no key says "behind it".
    const start = last === undefined ? {} : { startkey: JSON.stringify(last) };
    const answer = await allDocs(
      client,
      table,
      { ...start, limit: count + 1, skip: skipped, descending: isDescending, include_docs: !isKeyOnly },
      deadline,
    );
    const rows = answer.rows as Row[]; // all are there where no keys are asked for
    return { rows: rows[0] && rows[0].id === last ? rows.slice(1) : rows.slice(0, count), bytes: answer.bytes };
  };

  return async (count) => {
    let { rows, bytes } = await rowsBehind(count + 1, skip);
    // Designs that were passed over are counted, and must not be.
    if (skip > 0 && !isBeforeDesigns(rows[0], isDescending)) {
      ({ rows, bytes } = await rowsBehind(count + 1, skip + (await countDesigns(client, table, deadline))));
    }
    skip = 0;
    const taken = rows.slice(0, count);
    last = taken.at(-1)?.id;
    const shown = taken.filter(({ id }) => !isDesign(id));
    return {
      documents: shown.map((row) => row.document ?? keyDocument(row)),
      behind: (index) => `i${shown[index]?.id}`,
      next: rows.length > count ? `i${last}` : undefined,
      count: rows.length,
      bytes,
    };
  };
}

/** The cursor is a bookmark, or how many there were before, where the store gives no bookmarks. */
function matching(
  client: CouchClient,
  table: string,
  query: StoreQuery,
  condition: Condition,
  deadline: Deadline,
): Fetch {
  const { order, fields, after } = query;
  const isCut = fields?.every((field) => PLAIN_NAME.test(field)) ?? false;
  const selector = selectorOf(condition);
  const meets = rechecked(condition);
  const fixed = {
    // An index is used for an order only where the selector has its field.
    ...(order.length === 0
      ? { selector }
      : {
          selector: { $and: [{ _id: { $gt: null } }, selector] },
          sort: [{ _id: order[0]?.descending ? 'desc' : 'asc' }],
        }),
    ...(isCut && { fields: [...new Set(['_id', '_rev', ...(fields ?? []), ...fieldsOf(condition)])] }),
  };
  let place = after === undefined ? {} : placeOf(after);
  let seen = place.skip ?? 0;
  let offset = query.offset;

  return async (count) => {
    const limit = Math.min(PAGE_DOCUMENTS, count + offset);
    const body = stringifyJson({ ...fixed, ...place, limit });
    const answer = await client.send({ method: 'POST', path: [table, '_find'], body, isRead: true }, deadline);
    const found = readFound(answer);
    seen += found.documents.length;
    place = found.bookmark === undefined ? { skip: seen } : { bookmark: found.bookmark };
    const those: StoredDocument[] = found.documents.filter((document) => meets(document.members()));
    const documents = those.slice(offset);
    offset -= those.length - documents.length;
    const isLast = found.documents.length < limit;
    return {
      documents,
      next: isLast ? undefined : found.bookmark === undefined ? `s${seen}` : `b${found.bookmark}`,
      count: found.documents.length,
      bytes: answer.length,
    };
  };
}

function placeOf(cursor: string): { bookmark?: string; skip?: number } {
  if (cursor.startsWith('b')) return { bookmark: cursor.slice(1) };
  return /^s\d{1,9}$/.test(cursor) ? { skip: Number(cursor.slice(1)) } : notACursor();
}

function notACursor(): never {
  throw invalid('The token of the page is not one of this list.');
}

/** Rows by their ids, or those of the keys in their order. */
export async function allDocs(
  client: CouchClient,
  table: string,
  options: Readonly<Record<string, string | number | boolean>>,
  deadline: Deadline,
  keys?: readonly string[],
): Promise<AllDocs & { readonly bytes: number }> {
  const answer = await client.send(
    {
      method: keys ? 'POST' : 'GET',
      path: [table, '_all_docs'],
      query: options,
      ...(keys && { body: JSON.stringify({ keys }) }),
      isRead: true,
    },
    deadline,
  );
  return { ...readAllDocs(answer), bytes: answer.length };
}

/** Designs are documents between these two ids. They hold programs, and are never shown. */
const DESIGNS = ['_design/', '_design0'] as const;

const isDesign = (id: string): boolean => id.startsWith(DESIGNS[0]);

const isBeforeDesigns = (row: Row | undefined, isDescending: boolean): boolean =>
  row !== undefined && (isDescending ? compareBytes(row.id, DESIGNS[1]) >= 0 : compareBytes(row.id, DESIGNS[0]) < 0);

const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function countDesigns(client: CouchClient, table: string, deadline: Deadline): Promise<number> {
  const [startkey, endkey] = DESIGNS.map((id) => JSON.stringify(id)) as [string, string];
  return (await allDocs(client, table, { startkey, endkey, inclusive_end: false }, deadline)).rows.length;
}

/** All that meet a condition; without one, what the store knows by itself. */
export async function count(
  client: CouchClient,
  table: string,
  condition: Condition | undefined,
  deadline: Deadline,
): Promise<number> {
  if (!condition) {
    const { total } = await allDocs(client, table, { limit: 0 }, deadline);
    return total - (await countDesigns(client, table, deadline));
  }
  const query = { condition, order: [], offset: 0, limit: undefined, fields: ['_id'], after: undefined };
  let sum = 0;
  for await (const { documents } of find(client, table, query, deadline)) sum += documents.length;
  return sum;
}

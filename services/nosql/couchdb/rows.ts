/** What is in CouchDB's answers: rows of `_all_docs`, documents of `_find`, results of `_bulk_docs`. */
import { parseJson } from '#common/json.ts';
import { CouchDocument } from './document.ts';
import { elementsOf, membersOf } from './split.ts';

export interface Row {
  readonly id: string;
  readonly rev: string;
  /** Undefined where documents were not asked for. */
  readonly document: CouchDocument | undefined;
}

export interface AllDocs {
  /** Of documents that there are; undefined in place of others, which only keys can ask for. */
  readonly rows: readonly (Row | undefined)[];
  readonly total: number;
}

export function readAllDocs(answer: Uint8Array): AllDocs {
  let rows: (Row | undefined)[] = [];
  let total = 0;
  for (const { name, value } of membersOf(answer)) {
    if (name === 'rows') rows = [...elementsOf(value)].map(rowOf);
    else if (name === 'total_rows') total = parseJson(value) as number;
  }
  return { rows, total };
}

interface RowValue {
  readonly rev: string;
  readonly deleted?: boolean;
}

function rowOf(bytes: Uint8Array): Row | undefined {
  let [id, value, document]: [string?, RowValue?, CouchDocument?] = [];
  for (const member of membersOf(bytes)) {
    if (member.name === 'id') id = parseJson(member.value) as string;
    else if (member.name === 'value') value = parseJson(member.value) as RowValue;
    else if (member.name === 'doc' && member.value[0] !== NULL_BEGINS) document = new CouchDocument(member.value);
  }
  return id === undefined || !value || value.deleted ? undefined : { id, rev: value.rev, document };
}

/** As in null. */
const NULL_BEGINS = 0x6e;

export interface Found {
  readonly documents: readonly CouchDocument[];
  /** Behind the last of them; stores that are like CouchDB may have none. */
  readonly bookmark: string | undefined;
}

export function readFound(answer: Uint8Array): Found {
  let documents: CouchDocument[] = [];
  let bookmark: unknown;
  for (const { name, value } of membersOf(answer)) {
    if (name === 'docs') documents = [...elementsOf(value)].map((document) => new CouchDocument(document));
    else if (name === 'bookmark') bookmark = parseJson(value);
  }
  return { documents, bookmark: typeof bookmark === 'string' ? bookmark : undefined };
}

/** The document of a row that came without it: all that is known of it. */
export const keyDocument = ({ id, rev }: Row): CouchDocument =>
  new CouchDocument(Buffer.from(JSON.stringify({ _id: id, _rev: rev })));

/**
 * Programs ask the same things again and again: what differs is an identifier, the values of a filter, the records.
 * Here a request is taken apart into what repeats (the key) and what differs, without being understood: whoever has
 * understood the key once need not do it again.
 */
import { FILTER_LENGTH_MAX } from '#common/bounds.ts';
import type { Filter, Value } from '#proto/data/v1/data_pb.ts';
import type { Request } from '../http/request.ts';
import { readBody } from './body.ts';
import { parseFilter } from './filter/parse.ts';

export interface KnownCall {
  /** Verb, path and query without the values of the filter. */
  readonly key: string;
  /** The same with the last segment of the path taken for an identifier. */
  readonly keyedBy: { readonly key: string; readonly id: string } | undefined;
  /** The condition in the query, whose values are the parameters. */
  readonly filter: Filter | undefined;
  readonly parameters: readonly Value[];
  readonly records: Uint8Array;
}

/** Longer ones are seldom repeated, and would fill the memory of those who remember calls by their key. */
const KEY_LENGTH_MAX = 2048;
const NOTHING = new Uint8Array();
const NO_PARAMS: ReadonlyMap<string, Value> = new Map();
const NO_VALUES: readonly Value[] = [];

/** Members of a record that would be taken for options, beside it or in it (database-api §2.2). */
const OPTION_NAMES = new Set([
  ...['fields', 'ids', 'filter', 'limit', 'offset', 'order', 'group', 'count_only', 'params', 'continue', 'rollback'],
  ...['select', 'where', 'top', 'skip', 'sort', 'order_by', 'group_by'],
  ...['api_key', 'session_token', 'script_token', '_method', 'method', 'force', 'resource'],
]);

/** Options of the query that say who asks or what is done, what an identifier is, or that are values as of a filter. */
const PERSONAL = /(?:^|&)(?:api_key|session_token|script_token|params(?:\[|%5B|=)|id_type=|method=|_method=)/i;

/** A name in another spelling may be any of them. */
const ENCODED_NAME = /(?:^|&)[^=&]*%/;

/** @returns undefined where the request must be read in full */
export function knownCall(http: Request): KnownCall | undefined {
  const { method, path, query } = http;
  const records = recordsOf(http);
  if (!records || (query !== '' && (PERSONAL.test(query) || ENCODED_NAME.test(query)))) return undefined;
  const filter = filterPart(query);
  if (filter === null) return undefined;
  const rest = filter ? query.slice(0, filter.start) + query.slice(filter.end) : query;
  const signature = filter?.filter ? `\n${signatureOf(filter.filter)}` : filter ? '\n' : '';
  const tail = `?${rest}${signature}`;
  if (path.length + tail.length > KEY_LENGTH_MAX) return undefined;
  const slash = path.lastIndexOf('/');
  const id = path.slice(slash + 1);
  const plainId = id !== '' && !id.includes('%') && id !== '..' && !id.includes('\\');
  return {
    key: `${method} ${path}${tail}`,
    keyedBy: plainId ? { key: `${method} ${path.slice(0, slash)}/\u0000${tail}`, id } : undefined,
    filter: filter?.filter,
    parameters: filter?.parameters ?? NO_VALUES,
    records,
  };
}

/** The records of a body that holds nothing else; nothing for a verb that brings none; undefined for all else. */
function recordsOf(http: Request): Uint8Array | undefined {
  const { method, body } = http;
  if (method === 'GET') return body.length === 0 ? NOTHING : undefined;
  if (method !== 'POST' && method !== 'PATCH' && method !== 'PUT') return undefined;
  const isJson = http.header('content-type') === 'application/json' && body.length > 0;
  const tunnelled =
    http.header('x-http-method') !== undefined ||
    http.header('x-method-override') !== undefined ||
    http.header('x-http-method-override') !== undefined;
  if (!isJson || tunnelled) return undefined;
  const read = readBody('application/json', body);
  if (method === 'POST') return read.kind === 'records' && read.optionNames.length === 0 ? read.records : undefined;
  return read.kind === 'one' && !read.optionNames.some((name) => OPTION_NAMES.has(name)) ? read.json : undefined;
}

interface FilterPart {
  readonly start: number;
  readonly end: number;
  readonly filter: Filter | undefined;
  readonly parameters: readonly Value[];
}

/** Where the filter stands in the query and what it says; undefined where there is none; null where it is doubtful. */
function filterPart(query: string): FilterPart | undefined | null {
  const found = query.startsWith('filter=') ? 0 : query.indexOf('&filter=') + 1;
  if (found === 0 && !query.startsWith('filter=')) return undefined;
  const ampersand = query.indexOf('&', found);
  const end = ampersand < 0 ? query.length : ampersand;
  if (end - found > FILTER_LENGTH_MAX || query.indexOf('&filter=', end) >= 0) return null;
  const raw = query.slice(found + 'filter='.length, end);
  try {
    const text = decodeURIComponent(raw.includes('+') ? raw.replaceAll('+', ' ') : raw);
    // A colon may stand for a parameter, a brace for a lookup: both are the full reading's business.
    if (text.includes(':') || text.includes('{')) return null;
    return { start: found, end, ...parseFilter(text, NO_PARAMS) };
  } catch {
    return null; // refused in full, with its reason
  }
}

/** Equal for filters that differ in their values only. */
function signatureOf({ node }: Filter): string {
  switch (node.case) {
    case 'comparison': {
      const { field, comparator, operands } = node.value;
      let text = `${JSON.stringify(field)}${comparator}`;
      for (const { kind } of operands) {
        text += kind.case === 'parameter' ? `$${kind.value}` : `@${JSON.stringify(kind.value)}`;
      }
      return text;
    }
    case 'not':
      return `!(${signatureOf(node.value)})`;
    case 'all':
    case 'any':
      return `${node.case === 'all' ? '&' : '|'}(${node.value.filters.map(signatureOf).join(';')})`;
    default:
      return '?';
  }
}

/** What a client would rather have (RFC 7240): words of the Prefer header that change what is done. */
import { invalid } from '#common/errors.ts';
import type { Request } from '../http/request.ts';
import type { ApiRequest } from './api-request.ts';
import { OPTION_ALIASES } from './query.ts';
import { isViewOption } from './views.ts';

export interface Preferences {
  /** `handling=strict`: what would be left out in silence is refused. */
  readonly strict: boolean;
  /** `count=estimated`: a count may come from statistics. */
  readonly estimatedCount: boolean;
  /** `explain`: how a store would be asked, in place of its answer. */
  readonly explain: boolean;
}

const NONE: Preferences = { strict: false, estimatedCount: false, explain: false };

export function preferencesOf({ http }: ApiRequest): Preferences {
  const words = wordsOf(http);
  if (!words) return NONE;
  return {
    strict: words.has('handling=strict'),
    estimatedCount: words.has('count=estimated'),
    explain: words.has('explain'),
  };
}

/** @param word  such as `return=minimal` */
export const prefers = (http: Request, word: string): boolean => wordsOf(http)?.has(word) === true;

function wordsOf(http: Request): ReadonlySet<string> | undefined {
  const header = http.header('prefer');
  if (header === undefined) return undefined;
  const words = header.toLowerCase().split(/[,;]/);
  return new Set(words.map((word) => word.replace(/[\s"]/g, '')));
}

/** What stores with keys of two parts are given beside identifiers (database-api §9.3). */
export const KEY_PART = 'PartitionKey';

/** Options of record calls (database-api §2.2), and who asks. */
const OPTIONS = new Set([
  ...['fields', 'related', 'filter', 'params', 'limit', 'offset', 'order', 'group', 'having', 'after'],
  ...['count_only', 'include_count', 'include_schema', 'ids', 'id_field', 'id_type', 'continue', 'rollback'],
  ...['as_list', 'refresh', 'file', 'accept', 'wrap', 'force', 'allow_related_delete', 'method', '_method'],
  ...['api_key', 'session_token', 'script_token'],
]);
const RELATED = /\.(?:fields|order|limit|group|filter|count_only)$/;

export const isOption = (name: string): boolean => OPTIONS.has(name) || OPTION_ALIASES.has(name) || RELATED.test(name);

/** @throws MillraceError invalid that names every option that would have no effect */
export function requireKnownOptions(request: ApiRequest): void {
  const unknown = request.query
    .names()
    .filter((name) => !isOption(name) && name !== KEY_PART && !isViewOption(name, request));
  if (unknown.length === 0) return;
  throw invalid(`Unknown option(s): ${unknown.map((name) => `'${name}'`).join(', ')}.`, { fields: unknown });
}

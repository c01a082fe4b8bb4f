/** Lists without an end: which calls ask for one, and what is asked of the connector then. */
import { Paging, Target } from '#proto/data/v1/data_pb.ts';
import type { Presentation } from './encode/answer.ts';
import type { ApiRequest } from './parse/api-request.ts';
import type { ParsedResource } from './parse/resource.ts';

/** Lines and CSV without a limit are the whole list; undefined: a page, or something else. */
export function linesFormat(
  { query }: ApiRequest,
  { shape: { action } }: ParsedResource,
  { format }: Presentation,
): 'ndjson' | 'csv' | undefined {
  if (action.case !== 'read' || (format !== 'ndjson' && format !== 'csv')) return undefined;
  const { target, limit, paging, countOnly, includeCount, includeSchema } = action.value;
  const isWhole = target === Target.FILTER && limit === 0 && paging === Paging.UNSPECIFIED;
  return isWhole && !countOnly && !includeCount && !includeSchema && !query.flag('as_list') ? format : undefined;
}

/** The same call without a page. */
export function withEverything(parsed: ParsedResource): ParsedResource {
  const { action } = parsed.shape;
  if (action.case !== 'read') return parsed;
  const value = { ...action.value, everything: true, mergesForeign: false };
  return { ...parsed, shape: { ...parsed.shape, action: { case: 'read', value } } };
}

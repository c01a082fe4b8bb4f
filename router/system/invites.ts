/** `send_invite=true`: an option of the call that says something of every record it writes (system-api §3.10). */
import { parseJson, stringifyJson } from '#common/json.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import type { ParsedResource } from '../parse/resource.ts';

const RESOURCES = new Set(['user', 'admin']);

/** A call on users with the wish to invite them written into their records. */
export function withInvites({ segments, query }: ApiRequest, parsed: ParsedResource): ParsedResource {
  const { action } = parsed.shape;
  const writes = action.case === 'create' || action.case === 'update';
  if (!writes || !RESOURCES.has(segments[0]?.toLowerCase() ?? '') || !query.flag('send_invite')) return parsed;
  const records = parseJson(parsed.records);
  const invited = Array.isArray(records) ? records.map(withInvite) : withInvite(records);
  return { ...parsed, records: Buffer.from(stringifyJson(invited)) };
}

/** What is no record is refused by whoever reads it for what it is. */
const withInvite = (record: unknown): unknown =>
  typeof record === 'object' && record !== null ? { ...record, send_invite: true } : record;

/** Conditional requests (RFC 9110 §13): is this the version that the client means, or has already? */
import type { FileEntry } from '#common/files/entry.ts';
import { StatusError } from '../encode/status-error.ts';
import type { Request } from '../http/request.ts';

const CONDITIONAL = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const;

/** Must something be known of the file before the request can be answered? */
export const isConditional = (http: Request): boolean => CONDITIONAL.some((name) => http.header(name) !== undefined);

/** As it stands in a header. A storage that knows no version has one by size and time, which proves little. */
export function etagOf({ etag, size, modifiedMs }: FileEntry): string | undefined {
  if (etag !== undefined) return `"${etag.replace(/[^\x21\x23-\x7e]/g, '')}"`;
  return modifiedMs === undefined ? undefined : `W/"${size.toString(36)}-${modifiedMs.toString(36)}"`;
}

export const httpDate = (milliseconds: number): string => new Date(milliseconds).toUTCString();

/**
 * In the order of RFC 9110 §13.2.2.
 * @param entry  undefined: there is nothing
 */
export function judge(http: Request, entry: FileEntry | undefined): 'go on' | 'not modified' | 'failed' {
  const current = entry && etagOf(entry);
  const ifMatch = http.header('if-match');
  if (ifMatch !== undefined) {
    if (!entry || !matches(ifMatch, current, true)) return 'failed';
  } else {
    const since = dateOf(http.header('if-unmodified-since'));
    if (since !== undefined && (!entry || changedSince(entry, since))) return 'failed';
  }
  const isRead = http.method === 'GET' || http.method === 'HEAD';
  const ifNoneMatch = http.header('if-none-match');
  if (ifNoneMatch !== undefined) {
    if (!entry || !matches(ifNoneMatch, current, false)) return 'go on';
    return isRead ? 'not modified' : 'failed';
  }
  const since = dateOf(http.header('if-modified-since'));
  return isRead && since !== undefined && entry?.modifiedMs !== undefined && !changedSince(entry, since)
    ? 'not modified'
    : 'go on';
}

/** Does a range of the version that the client has still fit? Only a strong ETag or an exact time proves it (§13.1.5). */
export function mayRange(http: Request, entry: FileEntry): boolean {
  const ifRange = http.header('if-range')?.trim();
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === etagOf(entry);
  const date = dateOf(ifRange);
  return date !== undefined && entry.modifiedMs !== undefined && wholeSeconds(entry.modifiedMs) === date;
}

export const preconditionFailed = (): StatusError =>
  new StatusError(412, 'contradiction', 'The file is not the version that the request is for.');

/** @param isStrong  a weak one proves too little */
function matches(header: string, current: string | undefined, isStrong: boolean): boolean {
  if (header.trim() === '*') return true;
  if (current === undefined || (isStrong && current.startsWith('W/'))) return false;
  const opaque = (tag: string): string => tag.replace(/^W\//, '');
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (isStrong ? tag === current : opaque(tag) === opaque(current)));
}

/** Milliseconds; undefined: absent, or no date, which then says nothing (§13.1.3). */
function dateOf(text: string | undefined): number | undefined {
  const milliseconds = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** Headers know whole seconds. */
const wholeSeconds = (milliseconds: number): number => milliseconds - (milliseconds % 1000);

const changedSince = ({ modifiedMs }: FileEntry, since: number): boolean =>
  modifiedMs === undefined || wholeSeconds(modifiedMs) > since;

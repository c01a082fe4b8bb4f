/** The path of a request: which service, and what in it (system-api §1.1). */
import { invalid } from '#common/errors.ts';

export type Route =
  | { readonly kind: 'status' }
  | { readonly kind: 'root' }
  | { readonly kind: 'service'; readonly service: string; readonly segments: readonly string[] }
  | { readonly kind: 'none' };

const VERSION = /^v[0-9.]+$/;
const SERVICE = /^[A-Za-z0-9_.-]+$/;

/**
 * @param path  raw, percent-encoded
 * @returns segments decoded; a slash at the end is not one
 * @throws MillraceError invalid for malformed percent-encoding, NUL, backslashes and `..`
 */
export function parseRoute(path: string): Route {
  if (path === '/status') return { kind: 'status' };
  const raw = path.split('/');
  if (raw[1] !== 'api') return { kind: 'none' };
  const start = raw[2] !== undefined && VERSION.test(raw[2]) ? 3 : 2;
  const last = raw.length > start && raw.at(-1) === '' ? raw.length - 1 : raw.length;
  if (last <= start) return { kind: 'root' };
  const segments = raw.slice(start, last).map(decodeSegment);
  const [service, ...rest] = segments as [string, ...string[]];
  if (!SERVICE.test(service)) throw invalid('The name of the service holds characters that no service has.');
  return { kind: 'service', service: service.toLowerCase(), segments: rest };
}

function decodeSegment(segment: string): string {
  let text = segment;
  if (segment.includes('%')) {
    try {
      text = decodeURIComponent(segment);
    } catch {
      throw invalid('The path is not properly percent-encoded UTF-8.');
    }
  }
  if (text === '..' || text.includes('\0') || text.includes('\\') || text.includes('../') || text.includes('/..')) {
    throw invalid('The path holds a segment that is not allowed.');
  }
  return text;
}

/**
 * What role rules are compared with: lower case, without the arguments of a function call. A slash inside of a name
 * stays encoded, so that `_table/a/b` is a record of `a` and never a table of the name `a/b`.
 */
export function componentOf(segments: readonly string[]): string {
  const component = segments
    .map((segment) => (segment.includes('/') ? segment.replaceAll('/', '%2f') : segment))
    .join('/')
    .toLowerCase();
  return CALL.test(component) ? component.replace(/\([^)]*\)/g, '') : component;
}

/** Names of tables and identifiers of records keep their parentheses: there they mean nothing. */
const CALL = /^_(?:func|proc)\//;

/** The component of a table's records. */
export const tableComponent = (table: string): string => componentOf(['_table', table]);

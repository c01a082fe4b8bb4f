/** The answer to PROPFIND (RFC 4918 §9.1), which may be long: one resource after the other, never as a whole. */
import { XMLParser } from 'fast-xml-parser';
import { KIB } from '#common/bounds.ts';
import { unavailable } from '../failures.ts';

export interface Resource {
  /** Decoded, without slashes at the ends. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly size: number;
  readonly modifiedMs: number | undefined;
  readonly contentType: string | undefined;
  readonly etag: string | undefined;
}

/** What is said of one resource: a path and five properties. */
const RESOURCE_LENGTH_MAX = 256 * KIB;

const BEGIN = /<(?:[\w.-]+:)?response[\s>]/i;
const END = /<\/(?:[\w.-]+:)?response\s*>/i;

const parser = new XMLParser({
  removeNSPrefix: true,
  ignoreAttributes: true,
  parseTagValue: false,
  htmlEntities: true,
  isArray: (name) => name === 'propstat',
});

/** @throws MillraceError unavailable for what is no such answer */
export async function* readMultistatus(body: AsyncIterable<Uint8Array>): AsyncGenerator<Resource> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    rest += decoder.decode(piece, { stream: true });
    for (let end = END.exec(rest); end; end = END.exec(rest)) {
      const text = rest.slice(0, end.index + end[0].length);
      rest = rest.slice(text.length);
      const begin = BEGIN.exec(text);
      const resource = begin && readResource(text.slice(begin.index));
      if (resource) yield resource;
    }
    if (rest.length > RESOURCE_LENGTH_MAX) throw notUnderstood();
  }
}

interface Propstat {
  readonly status?: string;
  readonly prop?: Readonly<Record<string, unknown>> | '';
}

function readResource(text: string): Resource | undefined {
  const { href, propstat = [] } =
    (parser.parse(text) as { response?: { href?: string; propstat?: Propstat[] } }).response ?? {};
  const path = typeof href === 'string' ? pathOf(href.trim()) : undefined;
  const prop = propstat.find(({ status = '' }) => /^HTTP\/\S+ 2/.test(status))?.prop;
  if (path === undefined || !prop) return undefined;
  const said = (name: string): string | undefined => {
    const value = prop[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const type = prop['resourcetype'];
  const isFolder = typeof type === 'object' && type !== null && 'collection' in type;
  const time = Date.parse(said('getlastmodified') ?? '');
  return {
    path,
    isFolder,
    size: isFolder ? 0 : Number(said('getcontentlength') ?? 0),
    modifiedMs: Number.isNaN(time) ? undefined : time,
    contentType: isFolder ? undefined : said('getcontenttype'),
    etag: isFolder
      ? undefined
      : said('getetag')
          ?.replace(/^W\//, '')
          .replace(/^"(.*)"$/, '$1'),
  };
}

/** An address as a whole, or its path. */
function pathOf(href: string): string | undefined {
  const path = href.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '').replace(/^\/+|\/+$/g, '');
  try {
    return path.split('/').map(decodeURIComponent).join('/');
  } catch {
    return undefined;
  }
}

export const notUnderstood = () => unavailable('The storage does not understand us: it may speak no WebDAV.');

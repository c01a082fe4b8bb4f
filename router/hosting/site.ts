/** The public files of one service, as its administrator wants them served: which they are, and with which headers. */
import { filePath, isBelow, joinPath, nameOf, parentOf } from '#common/files/path.ts';
import type { App, Service } from '#proto/access/v1/access_pb.ts';
import type { Headers } from '../http/reply.ts';
import { cachingOf } from './caching.ts';
import { isActive } from './media.ts';

const INDEX_FILE = 'index.html';
const PAGE = /\.x?html?$/i;

/** An application that is built from files of its own and calls its own API. */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob: https:",
  "media-src 'self' data: blob: https:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'self'",
  "frame-ancestors 'self'",
].join('; ');

const EVERYWHERE: Headers = [
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'strict-origin-when-cross-origin'],
];
/** Of what a browser runs. */
const ON_PAGES: Headers = [
  ['Content-Security-Policy', POLICY],
  ['X-Frame-Options', 'SAMEORIGIN'],
];
const OF_PAGES = new Set(ON_PAGES.map(([name]) => name.toLowerCase()));

/** What says where an answer ends, what it is, or who may have it, is not for settings. */
const OURS =
  /^(?:content-(?:length|type|encoding|range)|transfer-encoding|connection|keep-alive|upgrade|trailer|te|date|etag|last-modified|vary|location|accept-ranges|set-cookie|x-request-id|access-control-.*)$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A single-page application: its addresses are those in its folder. */
interface Application {
  readonly folder: string;
  readonly page: string;
}

export class Site {
  readonly #paths: readonly string[];
  readonly #indexFile: string;
  /** The innermost first. */
  readonly #applications: readonly Application[];
  readonly #cacheSeconds: number;
  readonly #immutableAssets: boolean;
  /** As they are set; names of those that have a meaning here in lower case. */
  readonly #own: Headers;

  /** @param apps  of all services */
  constructor({ id, publicPaths, hosting }: Pick<Service, 'id' | 'publicPaths' | 'hosting'>, apps: Iterable<App> = []) {
    this.#paths = publicPaths;
    this.#indexFile = nameOf(pathOf(hosting?.indexFile ?? '') || INDEX_FILE);
    const pages = hosting?.findsApplications
      ? [...this.#storedIn(id, apps), ...publicPaths.map((folder) => this.#pageOf(folder, ''))]
      : (hosting?.spaPaths ?? []).map((folder) => this.#pageOf(folder, ''));
    this.#applications = pages
      .flatMap((page) => (page === undefined ? [] : [{ folder: parentOf(page), page }]))
      .sort((a, b) => b.folder.length - a.folder.length);
    this.#cacheSeconds = hosting?.cacheSeconds ?? 0;
    this.#immutableAssets = hosting?.immutableAssets ?? true;
    this.#own = Object.entries(hosting?.headers ?? {}).filter(
      ([name]) => TOKEN.test(name) && !OURS.test(name.toLowerCase()),
    );
  }

  isOpen(path: string): boolean {
    return isPublic(path, this.#paths);
  }

  /** The file that stands for a folder. */
  indexOf(folder: string): string {
    return joinPath(folder, this.#indexFile);
  }

  /** The page of the application that this is an address of; undefined: of none. */
  applicationPage(path: string): string | undefined {
    return this.#applications.find(({ folder }) => path === folder || isBelow(path, folder))?.page;
  }

  /** What the records of applications say. */
  #storedIn(serviceId: number, apps: Iterable<App>): (string | undefined)[] {
    return [...apps]
      .filter(({ isActive, storageServiceId }) => isActive && storageServiceId === serviceId)
      .map(({ storageContainer, path }) => this.#pageOf(storageContainer, path));
  }

  /** @param start  in the folder: the page itself, or the folder of its index file */
  #pageOf(folder: string, start: string): string | undefined {
    const path = pathOf(`${folder}/${start}`);
    return path === undefined || PAGE.test(start) ? path : this.indexOf(path);
  }

  /** What a file is sent with, whatever its content. @param type  undefined: of an answer without one */
  headersOf(path: string, type: string): Headers {
    const pages = isActive(type) ? ON_PAGES : [];
    const caching = cachingOf(path, type, this.#cacheSeconds, this.#immutableAssets);
    const given = new Map(this.#own.map(([name, value]) => [name.toLowerCase(), value]));
    const usual = [...EVERYWHERE, ['Cache-Control', caching] as const, ...pages].map(
      ([name, value]) => [name, given.get(name.toLowerCase()) ?? value] as const,
    );
    const names = new Set(usual.map(([name]) => name.toLowerCase()));
    const more = this.#own.filter(([name]) => !names.has(name.toLowerCase()) && !OF_PAGES.has(name.toLowerCase()));
    return [...usual, ...more].filter(([, value]) => value !== '');
  }
}

/** Of the root only what lies directly in it. */
export function isPublic(path: string, entries: readonly string[]): boolean {
  return entries.some((entry) => {
    const open = bare(entry);
    return open === '' ? path !== '' && parentOf(path) === '' : path === open || isBelow(path, open);
  });
}

const bare = (entry: string): string => entry.split('/').filter(Boolean).join('/');

/** Settings and records are checked by nobody else. @returns undefined: it is no path */
function pathOf(text: string): string | undefined {
  try {
    return filePath(text);
  } catch {
    return undefined;
  }
}

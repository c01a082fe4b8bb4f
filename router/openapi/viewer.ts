/** `GET /docs`: the API documents in a browser. Everything it needs comes from here, and nothing else may be loaded. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { MillraceError, notFound } from '#common/errors.ts';
import type { Headers, Responder } from '../http/reply.ts';
import type { Request } from '../http/request.ts';

const HTML = 'text/html; charset=UTF-8';
const CSS = 'text/css; charset=UTF-8';
const JS = 'text/javascript; charset=UTF-8';

const ROOT = '/docs';
/** Path → file, whether it is ours or of the package, and its media type. */
const FILES: ReadonlyMap<string, readonly [file: string, origin: 'page' | 'package', type: string]> = new Map([
  [ROOT, ['index.html', 'page', HTML]],
  [`${ROOT}/docs.css`, ['docs.css', 'page', CSS]],
  [`${ROOT}/docs.js`, ['docs.js', 'page', JS]],
  [`${ROOT}/swagger-ui.css`, ['swagger-ui.css', 'package', CSS]],
  [`${ROOT}/swagger-ui-bundle.js`, ['swagger-ui-bundle.js', 'package', JS]],
]);

/** Images inside of style sheets are data; all else is a file of ours. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FIXED: Headers = [
  ['Content-Security-Policy', POLICY],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cache-Control', 'no-cache'],
  ['Vary', 'Accept-Encoding'],
];

interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly plain: Uint8Array;
  readonly gzipped: Uint8Array;
}

export class Viewer {
  readonly #assets = new Map<string, Promise<Asset>>();

  serves({ path }: Request): boolean {
    return path === ROOT || path.startsWith(`${ROOT}/`);
  }

  /** @throws MillraceError not_found, unsupported */
  async send(request: Request, reply: Responder, headers: Headers): Promise<void> {
    const { method, path } = request;
    if (method !== 'GET' && method !== 'HEAD')
      throw new MillraceError('unsupported', `${method} is not supported here.`);
    // Which pages of others may read it (CORS) is of no concern to a page.
    const all = [...headers.filter(([name]) => name === 'X-Request-Id'), ...FIXED];
    // Addresses in the page are relative to this one.
    if (path === `${ROOT}/`) return reply.send(308, [...all, ['Location', ROOT]], '');
    const { type, etag, plain, gzipped } = await this.#asset(path);
    const tagged: Headers = [...all, ['ETag', etag]];
    if (names(request.header('if-none-match'), etag)) return reply.send(304, tagged, '');
    const typed: Headers = [...tagged, ['Content-Type', type]];
    if (!/\bgzip\b/.test(request.header('accept-encoding') ?? '')) return reply.send(200, typed, plain);
    reply.send(200, [...typed, ['Content-Encoding', 'gzip']], gzipped);
  }

  /** Read when it is first asked for, and kept. */
  #asset(path: string): Promise<Asset> {
    const file = FILES.get(path);
    if (!file) throw notFound('There is nothing at this address.');
    let asset = this.#assets.get(path);
    if (!asset) {
      asset = read(...file);
      this.#assets.set(path, asset);
      asset.catch(() => this.#assets.delete(path));
    }
    return asset;
  }
}

async function read(file: string, origin: 'page' | 'package', type: string): Promise<Asset> {
  const plain = await readFile(join(origin === 'page' ? pageFolder() : packageFolder(), file));
  const gzipped = await promisify(gzip)(plain);
  const digest = createHash('sha256').update(plain).digest('base64url');
  return { type, etag: `W/"${digest.slice(0, 22)}"`, plain, gzipped };
}

/** In a bundle the page lies beside it. */
const pageFolder = (): string =>
  fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './page/' : './docs-page/', import.meta.url));

const packageFolder = (): string => dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

function names(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((each) => ['*', etag].includes(each.trim()));
}

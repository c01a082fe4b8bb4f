/**
 * Files that anybody may read, without key and session, at addresses of their own beside the API: /{service}/{path}
 * (files-and-scripting-api §1.10), as a host of web applications serves them. Folders are never listed.
 */
import { COMPRESSED_FROM_BYTES } from '#common/bounds.ts';
import { MillraceError } from '#common/errors.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { filePath } from '#common/files/path.ts';
import { REQUESTOR_API } from '#common/verbs.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Limits } from '../admit/limits.ts';
import type { Principal } from '../authenticate/principal.ts';
import { errorHeaders, errorPage } from '../encode/error.ts';
import { isFileService } from '../files/address.ts';
import { duringCall, type FileCall, type FileStore } from '../files/call.ts';
import { asLongAsReplaced, sendFileContent, typeOf } from '../files/download.ts';
import { fileNotFound } from '../files/refusals.ts';
import type { Headers, Responder } from '../http/reply.ts';
import type { Request } from '../http/request.ts';
import { ApiRequest } from '../parse/api-request.ts';
import { parseRoute } from '../parse/route.ts';
import type { ScriptedCall } from '../script/scripted.ts';
import { answerKept, answerParts, asksForParts } from './answer-kept.ts';
import { codedEntry, codingsOf } from './coding.ts';
import { mayCompress, sendCompressed } from './flowing.ts';
import type { HotFiles } from './hot-files.ts';
import { KeptFile } from './kept-file.ts';
import { headersOf, type LargeFile, Library, type Place } from './library.ts';
import { isCompressible } from './media.ts';
import { Site } from './site.ts';

export interface PublicFilesInit {
  readonly state: AccessState;
  readonly limits: Limits;
  readonly store: FileStore;
  readonly hot: HotFiles;
  readonly requestTimeoutMs: number;
  readonly exportTimeoutMs: number;
}

export interface PublicCall {
  readonly request: ApiRequest;
  readonly service: Service;
  readonly principal: Principal;
  /** As it was asked for, with its query. */
  readonly http: Request;
}

const isReading = (method: string): boolean => method === 'GET' || method === 'HEAD';
const SLASH_AT_END = /(?:\/|%2f)$/i;

const notPublic = (): MillraceError =>
  new MillraceError('denied', 'Access denied, please contact your system administrator.');

export class PublicFiles {
  readonly #init: PublicFilesInit;
  readonly #library: Library;
  /** By the service, as long as nothing changes. */
  readonly #sites = new WeakMap<Service, { readonly site: Site; readonly epoch: number }>();

  constructor(init: PublicFilesInit) {
    this.#init = init;
    this.#library = new Library(init.store, init.hot, init.requestTimeoutMs);
  }

  /**
   * The shortest way to an answer: a file that is in memory, is current, and is found by its address as it was sent
   * before.
   * @returns false: that is not so, and nothing was answered
   */
  answerHot(http: Request, reply: Responder, headers: Headers): boolean {
    const { hot, state, limits } = this.#init;
    const file = hot.at(http.path);
    if (!file || !isReading(http.method) || !hot.isFresh(file, http.receivedAt)) return false;
    const { service, isCompressible: varies } = file;
    if (state.services.get(service.id) !== service) return false;
    const wantsParts = asksForParts(http);
    const codings = varies && !wantsParts ? codingsOf(http.header('accept-encoding')) : NO_CODINGS;
    const variant = file.variantFor(codings);
    if (!variant) return false;
    try {
      if (limits.mayApply(NOBODY)) limits.admit(NOBODY, service, file.plain.entry.path.toLowerCase(), 'GET');
      if (wantsParts) answerParts(file, http, reply, headers);
      else answerKept(variant, http, reply, headers);
    } catch (error) {
      refusePublic(reply, error, headers);
    }
    return true;
  }

  /** @returns undefined: the path begins with no file service. @throws MillraceError invalid for a path that is refused */
  find(http: Request): PublicCall | undefined {
    if (!isReading(http.method)) return undefined;
    const service = this.#init.state.servicesByName.get(firstOf(http.path));
    if (!service?.isActive || !isFileService(service)) return undefined;
    // As a call of the API without options: it is always the content that is sent, for looking at it.
    const inner: Request = {
      ...{ id: http.id, method: http.method, path: `/api${http.path}`, query: '', body: http.body },
      header: (name) => http.header(name),
      headers: () => http.headers(),
      upload: undefined,
      remoteAddress: () => http.remoteAddress(),
      receivedAt: http.receivedAt,
    };
    const route = parseRoute(inner.path);
    if (route.kind !== 'service') return undefined;
    const path = filePath(route.segments.join('/'));
    const request = new ApiRequest(inner, route.service, route.segments, {
      verb: 'GET',
      component: path.toLowerCase(),
    });
    return { request, service, principal: NOBODY, http };
  }

  /** @param call  that was found. @throws MillraceError */
  serve(call: ScriptedCall, http: Request): Promise<void> {
    return asLongAsReplaced(() => this.#serve(call, http));
  }

  async #serve(call: ScriptedCall, http: Request): Promise<void> {
    const { service, request, reply, headers } = call;
    const site = this.#siteOf(service);
    const path = filePath(request.segments.join('/'));
    const place: Place = { service, site, context: { service: service.name, requestId: http.id } };
    const target = SLASH_AT_END.test(http.path) ? site.indexOf(path) : path;
    const found = site.isOpen(target) ? await this.#library.find(place, target) : undefined;
    if (found && found !== 'folder') return this.#send(call, place, found, http, target === path);
    if (target === path && (await this.#isFolderWithPage(place, path))) return redirect(http, reply, headers);
    const page = asksForPage(http, path) ? site.applicationPage(path) : undefined;
    const application = page !== undefined && site.isOpen(page) ? await this.#library.find(place, page) : undefined;
    if (!application || application === 'folder') {
      throw site.isOpen(path) || site.isOpen(target) ? fileNotFound(path) : notPublic();
    }
    return this.#send(call, place, application, http, false);
  }

  async #isFolderWithPage(place: Place, path: string): Promise<boolean> {
    const index = place.site.indexOf(path);
    if (!place.site.isOpen(index)) return false;
    const found = await this.#library.find(place, index);
    return found !== undefined && found !== 'folder';
  }

  /** @param isItself  the file is what its address says, and found by it from now on */
  async #send(
    call: ScriptedCall,
    place: Place,
    found: KeptFile | LargeFile,
    http: Request,
    isItself: boolean,
  ): Promise<void> {
    const { reply, headers } = call;
    if (!(found instanceof KeptFile)) {
      return duringCall(call, this.#init.store, this.#init, (fileCall) => this.#sendLarge(fileCall, place, found));
    }
    const isIndex = SLASH_AT_END.test(http.path) && found.plain.entry.path === place.site.indexOf(pathIn(call));
    if (isItself || isIndex) this.#init.hot.addressed(found, http.path);
    if (asksForParts(http)) return answerParts(found, http, reply, headers);
    const codings = codingsOf(http.header('accept-encoding'));
    const variant = await this.#library.variantOf(found, place, codings);
    if (!reply.aborted) answerKept(variant, http, reply, headers);
  }

  async #sendLarge(call: FileCall, place: Place, { entry }: LargeFile): Promise<void> {
    const { http } = call.request;
    const type = typeOf(entry);
    const varies = isCompressible(type) && entry.size >= COMPRESSED_FROM_BYTES;
    const address = (path: string) => ({ path, isFolder: false });
    const shownWith =
      (...more: Headers) =>
      (shown: FileEntry, sent: string | undefined): Headers => [
        ...(sent === undefined ? [] : [['Content-Type', sent.startsWith('multipart/') ? sent : type] as const]),
        ...headersOf(place.site, { ...shown, path: entry.path }, type, varies),
        ...more,
      ];
    const codings = varies && !asksForParts(http) ? codingsOf(http.header('accept-encoding')) : NO_CODINGS;
    for (const coding of codings) {
      const encoding = ['Content-Encoding', coding] as const;
      const neighbour = await this.#library.neighbour(place, entry, coding);
      if (neighbour) {
        return sendFileContent({ ...call, address: address(neighbour.path), shownWith: shownWith(encoding) });
      }
    }
    const [coding] = codings;
    if (coding && mayCompress()) {
      const coded = codedEntry(entry, coding);
      const headersFor = (isWhole: boolean) =>
        shownWith(['Content-Encoding', coding])(coded, isWhole ? type : undefined);
      return sendCompressed(call, entry, coded, coding, headersFor);
    }
    return sendFileContent({ ...call, address: address(entry.path), shownWith: shownWith(['Accept-Ranges', 'bytes']) });
  }

  #siteOf(service: Service): Site {
    const { apps, epoch } = this.#init.state;
    const known = this.#sites.get(service);
    if (known?.epoch === epoch) return known.site;
    const site = new Site(service, apps.values());
    this.#sites.set(service, { site, epoch });
    return site;
  }
}

const NO_CODINGS = [] as const;

/** Errors are pages with the bare message. */
export function refusePublic(reply: Responder, error: unknown, headers: Headers): void {
  const refusal = MillraceError.from(error);
  const { status, html } = errorPage(refusal);
  const own: Headers = [
    ['Content-Type', 'text/html; charset=UTF-8'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  reply.send(status, [...own, ...headers, ...errorHeaders(refusal)], html);
}

/** What is in the page is relative to its folder. */
function redirect({ path, query }: Request, reply: Responder, headers: Headers): void {
  const location = `${path}/${query === '' ? '' : `?${query}`}`;
  reply.send(301, [...headers, ['Location', location], ['Cache-Control', 'no-cache']], '');
}

/** What a browser is sent to, and no script or image that is missing. */
function asksForPage(http: Request, path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return !name.includes('.') && /\btext\/html\b/i.test(http.header('accept') ?? '');
}

const pathIn = ({ request }: ScriptedCall): string => filePath(request.segments.join('/'));

function firstOf(path: string): string {
  const end = path.indexOf('/', 1);
  return path.slice(1, end < 0 ? undefined : end).toLowerCase();
}

const NOBODY: Principal = {
  ...{ user: undefined, app: undefined, role: undefined, isAdmin: false, token: undefined },
  ...{ requestor: REQUESTOR_API, sentApiKey: false, sentToken: false },
};

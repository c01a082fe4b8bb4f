/**
 * Files that anybody may read, without key and session, at addresses of their own beside the API: /{service}/{path}
 * (files-and-scripting-api §1.10). Folders are never listed.
 */
import { MillraceError } from '#common/errors.ts';
import { filePath, isBelow, parentOf } from '#common/files/path.ts';
import { REQUESTOR_API } from '#common/verbs.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Principal } from '../authenticate/principal.ts';
import { errorPage } from '../encode/error.ts';
import type { Headers, Responder } from '../http/reply.ts';
import type { Request } from '../http/request.ts';
import { ApiRequest } from '../parse/api-request.ts';
import { parseRoute } from '../parse/route.ts';
import { isFileService } from './address.ts';

export interface PublicCall {
  readonly request: ApiRequest;
  readonly service: Service;
  readonly principal: Principal;
  /** Whether the administrator has opened this path. */
  readonly isOpen: boolean;
}

const READING = new Set(['GET', 'HEAD']);

export const notPublic = (): MillraceError =>
  new MillraceError('denied', 'Access denied, please contact your system administrator.');

export class PublicFiles {
  readonly #state: AccessState;

  constructor(state: AccessState) {
    this.#state = state;
  }

  /** @returns undefined: the path begins with no file service. @throws MillraceError invalid for a path that is refused */
  find(http: Request): PublicCall | undefined {
    if (!READING.has(http.method)) return undefined;
    const service = this.#state.servicesByName.get(firstOf(http.path));
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
    if (route.kind !== 'service' || route.segments.length === 0) return undefined;
    const path = filePath(route.segments.join('/'));
    return {
      request: new ApiRequest(inner, route.service, route.segments, { verb: 'GET', component: path.toLowerCase() }),
      service,
      principal: NOBODY,
      isOpen: isPublic(path, service.publicPaths),
    };
  }
}

/** Errors are pages with the bare message. */
export function refusePublic(reply: Responder, error: unknown, headers: Headers): void {
  const { status, html } = errorPage(MillraceError.from(error));
  const own: Headers = [
    ['Content-Type', 'text/html; charset=UTF-8'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  reply.send(status, [...own, ...headers], html);
}

/** Of the root only what lies directly in it. */
export function isPublic(path: string, entries: readonly string[]): boolean {
  return entries.some((entry) => {
    const open = entry.split('/').filter(Boolean).join('/');
    return open === '' ? path !== '' && parentOf(path) === '' : path === open || isBelow(path, open);
  });
}

const firstOf = (path: string): string => path.slice(1, path.indexOf('/', 1)).toLowerCase();

const NOBODY: Principal = {
  ...{ user: undefined, app: undefined, role: undefined, isAdmin: false, token: undefined },
  ...{ requestor: REQUESTOR_API, sentApiKey: false, sentToken: false },
};

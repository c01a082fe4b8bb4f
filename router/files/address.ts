/**
 * What a call of a file service speaks of: a file, or a folder where the path ends with a slash
 * (files-and-scripting-api §1.1). What is decided upon is what is touched: both come from the one path.
 */
import { MillraceError } from '#common/errors.ts';
import { componentOfPath, filePath } from '#common/files/path.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import { ApiRequest } from '../parse/api-request.ts';
import { isResumable } from './tus/protocol.ts';

export interface Address {
  /** As #common/files/path.ts makes it; '' is the root. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** What is there, and what can be done with it. */
const ASKING = new Set(['HEAD', 'OPTIONS']);
const SLASH_AT_END = /(?:\/|%2f)$/i;

/** Files are served by a tier of their own. */
export const isFileService = ({ tier }: Service): boolean => tier === 'storage';

/** @throws MillraceError invalid for a path that is refused */
export function addressOf({ http, segments }: ApiRequest): Address {
  const path = filePath(segments.join('/'));
  return { path, isFolder: path === '' || SLASH_AT_END.test(http.path) };
}

/** For events, which tell folders from files: a folder of a file service has an empty segment at its end. */
export function addressedSegments({ http, segments }: ApiRequest, service: Service): readonly string[] {
  const isFolder = isFileService(service) && segments.length > 0 && SLASH_AT_END.test(http.path);
  return isFolder && segments.at(-1) !== '' ? [...segments, ''] : segments;
}

/**
 * The call as it is decided upon: its component is the path that is touched, whatever its spelling; HEAD is a GET whose
 * content nobody wants, OPTIONS less than that, and all that belongs to a resumable upload is a POST.
 *
 * A path that is refused touches nothing: whoever has no rights is told that first.
 */
export function decidedRequest(request: ApiRequest): ApiRequest {
  const { http, service, segments } = request;
  return new ApiRequest(http, service, segments, { verb: verbOf(request), component: componentOf(request) });
}

function verbOf(request: ApiRequest): string {
  if (isResumable(request.http)) return 'POST';
  return ASKING.has(request.verb) ? 'GET' : request.verb;
}

function componentOf(request: ApiRequest): string {
  try {
    return componentOfPath(addressOf(request).path);
  } catch (error) {
    if (error instanceof MillraceError) return request.component;
    throw error;
  }
}

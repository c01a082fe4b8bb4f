/** Which bodies are taken as they arrive: contents of files, however large they are. */
import type { AccessState } from '../access/state.ts';
import type { Request } from '../http/request.ts';
import { isMultipart } from '../parse/multipart.ts';
import { Query } from '../parse/query.ts';
import { effectiveVerb } from '../parse/verb.ts';
import { isFileService } from './address.ts';
import { hasOffsetType, isResumable } from './tus/protocol.ts';

const SERVICE = /^\/api\/(?:v[0-9.]+\/)?([A-Za-z0-9_.-]+)(\/.*)?$/;

/** Lists of files and folders (JSON, XML, CSV) are collected, as other bodies are. */
export function isFileContent(http: Request, state: AccessState): boolean {
  // Most requests are these, and have no body that would be worth a look.
  if (http.method === 'GET' || http.method === 'HEAD') return false;
  const [, name, path = ''] = SERVICE.exec(http.path) ?? [];
  const service = name === undefined ? undefined : state.servicesByName.get(name.toLowerCase());
  if (!service || !isFileService(service)) return false;
  if (isResumable(http)) return hasOffsetType(http);
  const verb = verbOf(http);
  if (verb !== 'POST' && verb !== 'PUT') return false;
  const isFile = !/(?:^|\/|%2f)$/i.test(path);
  return isFile || http.header('x-file-name') !== undefined || isMultipart(http.header('content-type'));
}

/** Without a look into the body, which is not here yet. undefined: refused later on. */
function verbOf(http: Request): string | undefined {
  try {
    const query = Query.parse(http.query);
    return effectiveVerb({
      method: http.method,
      header: (name) => http.header(name),
      query: (name) => query.get(name),
      body: () => undefined,
    });
  } catch {
    return undefined;
  }
}

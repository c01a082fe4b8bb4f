/** A request as a script has changed it, for the stages behind. */
import type { Request } from '../http/request.ts';
import { ApiRequest } from '../parse/api-request.ts';
import type { RequestChanges } from './changes.ts';

/** The same call for the stages behind the scripts: they answer with JSON, which is shown as was asked later on. */
export function scriptedRequest(request: ApiRequest, changes: RequestChanges = {}): ApiRequest {
  const { method = request.verb, query = request.http.query, headers, body } = changes;
  const isSame = Object.keys(changes).length === 0;
  const http = isSame ? request.http : changedHttp(request.http, method, query, { headers, body });
  const { service, segments, component } = request;
  return new ApiRequest(http, service, segments, { verb: method, component, asked: request.asked ?? request });
}

function changedHttp(
  http: Request,
  method: string,
  query: string,
  { headers, body }: { [K in 'headers' | 'body']: RequestChanges[K] | undefined },
): Request {
  const own = new Map([...(headers ?? [])].map(([name, value]) => [name.toLowerCase(), value]));
  // What is taken as it arrives stays what it is.
  const given = http.upload ? undefined : body;
  if (given) own.set('content-type', given.type);
  return {
    id: http.id,
    method,
    path: http.path,
    query,
    header: (name) => own.get(name) ?? http.header(name),
    headers: () => ({ ...http.headers(), ...Object.fromEntries(own) }),
    body: given?.content ?? http.body,
    upload: http.upload,
    remoteAddress: () => http.remoteAddress(),
    receivedAt: http.receivedAt,
  };
}

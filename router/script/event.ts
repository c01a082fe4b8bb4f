/** What a script is told of a call: its request and its answer as messages. */
import { create } from '@bufbuild/protobuf';
import { stringifyJson } from '#common/json.ts';
import {
  type Event,
  EventSchema,
  type Phase,
  type Request as RequestMessage,
  type Response as ResponseMessage,
} from '#proto/script/v1/script_pb.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import type { Answer } from './answer.ts';
import type { EventResource } from './events.ts';

const NOTHING = new Uint8Array();

export function eventOf(
  name: string,
  phase: Phase,
  request: RequestMessage,
  resource: EventResource,
  response: ResponseMessage | undefined,
): Event {
  const event = create(EventSchema, { name, phase, request, resourceJson: Buffer.from(JSON.stringify(resource)) });
  if (response) event.response = response;
  return event;
}

/** Made once for all scripts of a call. Bodies that are taken as they arrive are not shown. */
export function requestMessage(request: ApiRequest): RequestMessage {
  const { http, service, segments } = request;
  const contentType = http.header('content-type') ?? '';
  return {
    $typeName: 'millrace.script.v1.Request',
    method: request.verb,
    uri: http.query === '' ? http.path : `${http.path}?${http.query}`,
    service,
    resource: http.query === '' ? segments.join('/') : `${segments.join('/')}?${http.query}`,
    query: http.query,
    headersJson: Buffer.from(JSON.stringify(http.headers())),
    content: http.body,
    contentType,
    payloadJson: payloadOf(request, contentType),
  };
}

/** JSON is left to whoever looks at it; everything else is decoded here, as far as it can be. */
function payloadOf(request: ApiRequest, contentType: string): Uint8Array {
  if (request.http.body.length === 0 || /^\s*application\/(?:[\w.-]+\+)?json\b/i.test(contentType)) return NOTHING;
  try {
    return Buffer.from(stringifyJson(request.body.value()));
  } catch {
    return Buffer.from('null');
  }
}

export function responseMessage({ status, content, isJson, contentType, headers }: Answer): ResponseMessage {
  return {
    $typeName: 'millrace.script.v1.Response',
    statusCode: status,
    content,
    isJson,
    contentType: contentType ?? '',
    headersJson: Buffer.from(JSON.stringify(Object.fromEntries(headers))),
  };
}

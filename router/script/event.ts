/** What a script is told of a call: its request and its answer as messages, in full or as far as it looks at them. */
import { create } from '@bufbuild/protobuf';
import { stringifyJson } from '#common/json.ts';
import { bitOf, EVENT_MEMBERS, Member } from '#common/scripts/members.ts';
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
import type { KeyWriter } from './key-writer.ts';

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

/** The request of a call, for all of its scripts: each member is made when the first of them wants it. */
export class RequestFacts {
  readonly #request: ApiRequest;
  #headers: Uint8Array | undefined;
  #payload: Uint8Array | undefined;

  constructor(request: ApiRequest) {
    this.#request = request;
  }

  get method(): string {
    return this.#request.verb;
  }

  get uri(): string {
    const { path, query } = this.#request.http;
    return query === '' ? path : `${path}?${query}`;
  }

  get service(): string {
    return this.#request.service;
  }

  get resource(): string {
    const { http, segments } = this.#request;
    return http.query === '' ? segments.join('/') : `${segments.join('/')}?${http.query}`;
  }

  get query(): string {
    return this.#request.http.query;
  }

  get headersJson(): Uint8Array {
    this.#headers ??= Buffer.from(JSON.stringify(this.#request.http.headers()));
    return this.#headers;
  }

  get contentType(): string {
    return this.#request.http.header('content-type') ?? '';
  }

  /** Bodies that are taken as they arrive are not shown. */
  get content(): Uint8Array {
    return this.#request.http.body;
  }

  get payloadJson(): Uint8Array {
    this.#payload ??= payloadOf(this.#request, this.contentType);
    return this.#payload;
  }

  /** @param absent  a mask of members that are left out */
  message(absent = 0): RequestMessage {
    const has = (member: number): boolean => (absent & bitOf(member)) === 0;
    return {
      $typeName: 'millrace.script.v1.Request',
      method: has(Member.METHOD) ? this.method : '',
      uri: has(Member.URI) ? this.uri : '',
      service: has(Member.SERVICE) ? this.service : '',
      resource: has(Member.RESOURCE) ? this.resource : '',
      query: has(Member.QUERY) ? this.query : '',
      headersJson: has(Member.HEADERS) ? this.headersJson : NOTHING,
      content: has(Member.CONTENT) ? this.content : NOTHING,
      contentType: has(Member.CONTENT_TYPE) ? this.contentType : '',
      payloadJson: has(Member.PAYLOAD) ? this.payloadJson : NOTHING,
    };
  }
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

export function responseMessage(answer: Answer, absent = 0): ResponseMessage {
  const { status, content, isJson, contentType } = answer;
  const has = (member: number): boolean => (absent & bitOf(member)) === 0;
  return {
    $typeName: 'millrace.script.v1.Response',
    statusCode: has(Member.ANSWER_STATUS) ? status : 0,
    content: has(Member.ANSWER_CONTENT) ? content : NOTHING,
    isJson,
    contentType: has(Member.ANSWER_TYPE) ? (contentType ?? '') : '',
    headersJson: has(Member.ANSWER_HEADERS) ? headersJson(answer) : NOTHING,
  };
}

const headersJson = ({ headers }: Answer): Buffer => Buffer.from(JSON.stringify(Object.fromEntries(headers)));

/** The event of one script and one call. */
export class ScriptEvent {
  readonly #name: string;
  readonly #phase: Phase;
  readonly #request: RequestFacts;
  readonly #resource: EventResource;
  readonly #answer: Answer | undefined;

  constructor(name: string, phase: Phase, request: RequestFacts, resource: EventResource, answer: Answer | undefined) {
    this.#name = name;
    this.#phase = phase;
    this.#request = request;
    this.#resource = resource;
    this.#answer = answer;
  }

  /** @param absent  a mask of members that are left out */
  message(absent = 0): Event {
    const hasResource = (absent & bitOf(Member.EVENT_RESOURCE)) === 0;
    const event: Event = {
      $typeName: 'millrace.script.v1.Event',
      name: this.#name,
      phase: this.#phase,
      resourceJson: hasResource ? Buffer.from(JSON.stringify(this.#resource)) : NOTHING,
      absent,
    };
    if ((absent & REQUEST_MEMBERS) !== REQUEST_MEMBERS) event.request = this.#request.message(absent);
    if (this.#answer) event.response = responseMessage(this.#answer, absent);
    return event;
  }

  /** Of the answer. */
  get content(): Uint8Array {
    return this.#answer?.content ?? NOTHING;
  }

  /** Writes what is the same for events that are the same in these members. @param members  a mask */
  writeKey(members: number, key: KeyWriter): void {
    const answer = this.#answer;
    key.number(this.#phase * 4 + (answer ? (answer.isJson ? 2 : 1) : 0));
    for (let rest = members & EVENT_MEMBERS; rest !== 0; rest &= rest - 1) {
      this.#writeMember(31 - Math.clz32(rest & -rest), key);
    }
  }

  #writeMember(member: number, key: KeyWriter): void {
    const request = this.#request;
    const answer = this.#answer;
    switch (member) {
      case Member.METHOD:
        return key.text(request.method);
      case Member.URI:
        return key.text(request.uri);
      case Member.SERVICE:
        return key.text(request.service);
      case Member.RESOURCE:
        return key.text(request.resource);
      case Member.QUERY:
        return key.text(request.query);
      case Member.HEADERS:
        return key.bytes(request.headersJson);
      case Member.CONTENT_TYPE:
        return key.text(request.contentType);
      case Member.CONTENT:
        return key.bytes(request.content);
      case Member.PAYLOAD:
        return key.bytes(request.payloadJson);
      case Member.EVENT_RESOURCE:
        return key.text(JSON.stringify(this.#resource));
      case Member.ANSWER_CONTENT:
        return key.bytes(this.content);
      case Member.ANSWER_TYPE:
        return key.text(answer?.contentType ?? '');
      case Member.ANSWER_HEADERS:
        return key.bytes(answer ? headersJson(answer) : NOTHING);
      case Member.ANSWER_STATUS:
        return key.number(answer?.status ?? 0);
    }
  }
}

const REQUEST_MEMBERS = bitOf(Member.EVENT_RESOURCE) - 1;

/** What a script left behind becomes a changed request, or an answer (files-and-scripting-api §3.6, §3.9). */
import { parseJson, stringifyJson } from '#common/json.ts';
import type { Outcome } from '#proto/script/v1/script_pb.ts';
import type { Headers } from '../http/reply.ts';
import type { Answer } from './answer.ts';
import { ScriptError } from './error.ts';

type Json = Readonly<Record<string, unknown>>;

/** Members of a request that a script may change; those that it did not touch are absent. */
export interface RequestChanges {
  readonly method?: string;
  readonly query?: string;
  readonly headers?: ReadonlyMap<string, string>;
  readonly body?: { readonly content: Uint8Array; readonly type: string };
}

const VERBS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
const JSON_TYPE = 'application/json';
const BRACE = 0x7b;
const BRACKET = 0x5b;

/** The event as it is after the script: what it returned stands for the whole. @throws ScriptError for an `error` */
export function resultOf(outcome: Outcome): unknown {
  const { requestJson, returnedJson } = outcome;
  if (returnedJson.length === 0) return { request: jsonOrNothing(requestJson), response: responseIn(outcome) };
  const returned = parseJson(returnedJson);
  if (isObject(returned) && 'error' in returned) {
    const { error } = returned;
    throw new ScriptError(isObject(error) ? String(error['message'] ?? '') : String(error), error);
  }
  return returned;
}

/** `event.response` where it was touched: its content travels by itself. */
export function responseIn({ responseJson, contentJson }: Outcome): unknown {
  const response = jsonOrNothing(responseJson);
  return contentJson.length === 0 ? response : { ...(response as Json | undefined), content: parseJson(contentJson) };
}

/** What `changedAnswer` makes of it, where nothing but the content was changed, to something that is sent as it is. */
export function changedContent(outcome: Outcome, answer: Answer): Answer | undefined {
  const { responseJson, returnedJson, contentJson } = outcome;
  if (responseJson.length > 0 || returnedJson.length > 0) return undefined;
  const [first] = contentJson;
  if (first !== BRACE && first !== BRACKET) return undefined;
  return { ...answer, contentType: JSON_TYPE, content: contentJson, isJson: true };
}

/** @throws MillraceError invalid, script */
export function requestChanges(result: unknown): RequestChanges | undefined {
  const request = isObject(result) ? result['request'] : undefined;
  if (!isObject(request)) return undefined;
  const { method, parameters, headers, payload, content, content_type } = request;
  const body = bodyOf(payload, content, content_type);
  return {
    ...(method !== undefined && { method: verbOf(method) }),
    ...(parameters !== undefined && { query: queryOf(parameters) }),
    ...(isObject(headers) && { headers: headersOf(headers) }),
    ...(body && { body }),
  };
}

/** The answer that a pre_process script gives instead of the service; undefined: the service is asked. */
export function shortcutOf(result: unknown): Answer | undefined {
  const response = isObject(result) ? result['response'] : undefined;
  if (isEmpty(response)) return undefined;
  return isObject(response) && 'content' in response ? answerOf(response, undefined) : bodyAnswer(response, 200);
}

/** The answer as a post_process script leaves it. */
export function changedAnswer(result: unknown, answer: Answer): Answer {
  if (!isObject(result)) return isEmpty(result) ? answer : bodyAnswer(result, 200, answer.headers);
  const { response } = result;
  if (isObject(response) && !isEmpty(response)) return answerOf(response, answer);
  if ('response' in result || 'request' in result) return answer;
  if ('content' in result || 'status_code' in result) return answerOf(result, answer);
  return bodyAnswer(result, 200, answer.headers);
}

/** The answer of a script that is a service. */
export function serviceAnswer(outcome: Outcome): Answer {
  if (outcome.returnedJson.length === 0) {
    const response = responseIn(outcome);
    return isObject(response) ? answerOf(response, undefined) : bodyAnswer(response ?? null, 200);
  }
  const result = resultOf(outcome);
  if (!isObject(result)) return bodyAnswer(result, 200);
  const { response } = result;
  if ('response' in result) return isObject(response) ? answerOf(response, undefined) : bodyAnswer(response, 200);
  return 'content' in result ? answerOf(result, undefined) : bodyAnswer(result, 200);
}

/** undefined, null, false, 0, "", [] and {} (files-and-scripting-api §3.6). */
export function isEmpty(value: unknown): boolean {
  if (!value) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

/** @param before  members that the script left out stay as they were */
function answerOf(response: Json, before: Answer | undefined): Answer {
  const { status_code, content, content_type, headers } = response;
  const status = status_code === undefined || status_code === null ? (before?.status ?? 200) : statusOf(status_code);
  const own = isObject(headers) ? [...headersOf(headers)] : [];
  const names = new Set(own.map(([name]) => name.toLowerCase()));
  const kept = before?.headers.filter(([name]) => !names.has(name.toLowerCase())) ?? [];
  const merged: Headers = [...kept, ...own.filter(([name]) => !FRAMING.has(name.toLowerCase()))];
  if (content === undefined && before) return { ...before, status, headers: merged };
  const type = typeof content_type === 'string' && content_type !== '' ? content_type : undefined;
  return bodyAnswer(content ?? null, status, merged, type);
}

/** Of the connection, and of whoever writes it. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection', 'content-type', 'content-encoding']);

/** Text of a type of its own is sent as it is; everything else is shown in the format that the client takes. */
function bodyAnswer(value: unknown, status: number, headers: Headers = [], type?: string): Answer {
  if (typeof value === 'string') {
    const contentType = type ?? 'text/plain; charset=UTF-8';
    return { status, headers, contentType, content: Buffer.from(value), isJson: false };
  }
  const content = value === null || value === undefined ? new Uint8Array() : Buffer.from(stringifyJson(value));
  const isJson = content.length > 0 && (type === undefined || type.startsWith(JSON_TYPE));
  return { status, headers, contentType: type ?? JSON_TYPE, content, isJson };
}

function statusOf(value: unknown): number {
  const status = Number(value);
  if (Number.isInteger(status) && status >= 200 && status <= 599) return status;
  throw new ScriptError(`The script gave ${JSON.stringify(value)} as status_code: it must be from 200 to 599.`);
}

function verbOf(value: unknown): string {
  const verb = String(value).toUpperCase();
  if (VERBS.has(verb)) return verb;
  throw new ScriptError(
    `The script gave ${JSON.stringify(value)} as method: it must be one of ${[...VERBS].join(', ')}.`,
  );
}

function queryOf(parameters: unknown): string {
  if (!isObject(parameters)) return '';
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === null || value === undefined
      ? []
      : [[name, typeof value === 'object' ? stringifyJson(value) : String(value)]],
  );
  return new URLSearchParams(pairs as [string, string][]).toString();
}

/** Characters that would begin a header of its own are no part of a value. @throws MillraceError invalid */
function headersOf(headers: Json): Map<string, string> {
  const entries = Object.entries(headers).filter(([, value]) => value !== null && value !== undefined);
  return new Map(
    entries.map(([name, value]) => {
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
        throw new ScriptError(`The script gave '${name}' as the name of a header.`);
      return [name, Array.isArray(value) ? value.join(', ') : String(value)];
    }),
  );
}

/** A changed payload wins over a changed content. */
function bodyOf(payload: unknown, content: unknown, contentType: unknown): RequestChanges['body'] {
  if (payload !== undefined) return { content: Buffer.from(stringifyJson(payload)), type: JSON_TYPE };
  if (content === undefined || content === null) return undefined;
  const type = typeof contentType === 'string' && contentType !== '' ? contentType : JSON_TYPE;
  return { content: Buffer.from(String(content)), type };
}

const jsonOrNothing = (json: Uint8Array): unknown => (json.length > 0 ? parseJson(json) : undefined);

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

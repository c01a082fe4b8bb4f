/** Calls that a script makes: of the API as its caller, and of other hosts where the administrator allows it. */
import type { Deadline } from '#common/deadline.ts';
import { type ErrorCode, MillraceError } from '#common/errors.ts';
import { fetchOutside } from '#common/outbound/fetch.ts';
import type { OutboundPolicy } from '#common/outbound/policy.ts';

export interface ApiCall {
  readonly verb: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}

export interface ScriptApi {
  call(call: ApiCall, run: { grant: Uint8Array; requestId: string; deadline: Deadline }): Promise<ApiAnswer>;
}

export interface CallScope {
  readonly api: ScriptApi;
  readonly outbound: OutboundPolicy;
  readonly grant: Uint8Array;
  readonly requestId: string;
  readonly deadline: Deadline;
  /** Of one answer. */
  readonly answerBytesMax: number;
}

const VERBS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const ABSOLUTE = /^https?:\/\//i;
const IS_JSON = /^[^;]*[/+]json\b/i;

/**
 * Makes the call that the prelude describes, and says what came of it as the prelude reads it: the length of a JSON
 * head, `;`, the head, the body. An error of the API is an answer; `failure` in the head is what shall be thrown.
 */
export async function makeCall(kind: string, text: string, scope: CallScope): Promise<string> {
  try {
    const call = readCall(text);
    const isOutside = kind === 'fetch' || ABSOLUTE.test(call.path);
    const answer = isOutside ? await callOutside(call, scope) : await callApi(call, scope);
    if (answer.body.length > scope.answerBytesMax) {
      return refuse(`The answer to a call is larger than ${scope.answerBytesMax} bytes.`);
    }
    const { status, headers, contentType } = answer;
    const isJson = contentType !== undefined && IS_JSON.test(contentType);
    const url = 'url' in answer ? answer.url : undefined;
    return write({ status, headers, contentType: contentType ?? null, isJson, url }, asText(answer.body));
  } catch (error) {
    return refuse(error instanceof MillraceError ? error.message : 'The call could not be made.');
  }
}

const asText = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

function write(head: object, body: string): string {
  const json = JSON.stringify(head);
  return `${json.length};${json}${body}`;
}

const refuse = (failure: string): string => write({ failure }, '');

interface Described {
  readonly verb: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** What comes out of an isolate is a stranger's: every member is looked at. */
function readCall(text: string): Described {
  const said = JSON.parse(text) as Record<string, unknown>;
  const { verb, path, body, headers } = said;
  if (typeof verb !== 'string' || !VERBS.has(verb)) throw new MillraceError('invalid', `There is no verb '${verb}'.`);
  if (typeof path !== 'string' || path === '') throw new MillraceError('invalid', 'A call needs a path.');
  const checked: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries((headers ?? {}) as object)) {
    if (!HEADER_NAME.test(name) || typeof value !== 'string' || !HEADER_VALUE.test(value)) {
      throw new MillraceError('invalid', `The header '${name}' cannot be sent.`);
    }
    checked[name] = value;
  }
  return { verb, path, headers: checked, body: Buffer.from(typeof body === 'string' ? body : '') };
}

async function callApi(call: Described, scope: CallScope): Promise<ApiAnswer> {
  const path = call.path.replace(/^\/+/, '');
  const at = path.indexOf('?');
  const { grant, requestId, deadline } = scope;
  const inside = {
    verb: call.verb,
    path: at < 0 ? path : path.slice(0, at),
    query: at < 0 ? '' : path.slice(at + 1),
    headers: call.headers,
    body: call.body,
  };
  try {
    return await scope.api.call(inside, { grant, requestId, deadline });
  } catch (error) {
    return asAnswer(MillraceError.from(error));
  }
}

async function callOutside(call: Described, scope: CallScope): Promise<ApiAnswer & { url: string }> {
  return fetchOutside({ ...call, url: call.path }, scope.outbound, scope.deadline);
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid: 400,
  denied: 403,
  not_found: 404,
  limited: 429,
  unavailable: 503,
  overloaded: 503,
  deadline: 504,
};

/** The API could not be reached: the script sees what any client would. */
function asAnswer(error: MillraceError): ApiAnswer {
  const status = STATUS[error.code] ?? 500;
  const body = Buffer.from(JSON.stringify({ error: { code: status, message: error.message, context: null } }));
  return { status, headers: {}, contentType: 'application/json', body };
}

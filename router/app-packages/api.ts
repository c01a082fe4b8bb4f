/** The API as an import or export of an application uses it: as its caller, so that nothing is done that he may not do. */
import { APP_PACKAGE_BYTES_MAX } from '#common/bounds.ts';
import type { MillraceError } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import type { Principal } from '../authenticate/principal.ts';
import { StatusError } from '../encode/status-error.ts';
import { answerOf, type Handle, innerRequest } from '../http/inner-call.ts';

export type JsonObject = Record<string, unknown>;

export class Api {
  readonly #handle: Handle;
  readonly #principal: Principal;
  readonly #requestId: string;

  constructor(handle: Handle, principal: Principal, requestId: string) {
    this.#handle = handle;
    this.#principal = principal;
    this.#requestId = requestId;
  }

  /**
   * @param path  below /api/v2/, encoded, with its query
   * @param body  bytes as they are, anything else as JSON
   * @throws MillraceError with the status and the message of an answer that refuses it
   */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const [where = '', query = ''] = path.split(/\?(.*)/s);
    const isBytes = body instanceof Uint8Array;
    const http = innerRequest({
      ...{ method, path: `/api/v2/${where}`, query, requestId: this.#requestId },
      ...(body !== undefined && { body: isBytes ? body : Buffer.from(stringifyJson(body)) }),
      headers: { ...(body !== undefined && !isBytes && { 'content-type': 'application/json' }), ...headers },
    });
    const answer = await answerOf(
      http,
      this.#principal,
      this.#handle,
      APP_PACKAGE_BYTES_MAX,
      'The answer is too large.',
    );
    const value = jsonIn(answer.body);
    if (answer.status >= 400) throw refusalOf(answer.status, value);
    return value;
  }

  /** Makes one record and gives all of it. @throws MillraceError */
  async create(path: string, record: JsonObject): Promise<JsonObject> {
    const { resource } = (await this.send('POST', `${path}?fields=*`, { resource: [record] })) as {
      resource: [JsonObject];
    };
    return resource[0];
  }
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return parseJson(body);
  } catch {
    return undefined; // no JSON was asked for
  }
}

interface Said {
  readonly error?: { readonly message?: string; readonly context?: { readonly resource?: readonly Said['error'][] } };
}

/** What is said of the one record of a batch is what there is to say. */
function refusalOf(status: number, value: unknown): MillraceError {
  const { error } = (value ?? {}) as Said;
  const inner = error?.context?.resource?.find((each) => each?.message !== undefined);
  const message = inner?.message ?? error?.message ?? `Answered with ${status}.`;
  return new StatusError(status, status < 500 ? 'invalid' : 'unavailable', unescaped(message));
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

/** It is escaped again on its way out. */
const unescaped = (text: string): string => text.replace(/&(?:amp|lt|gt|quot);/g, (entity) => ENTITIES[entity]!);

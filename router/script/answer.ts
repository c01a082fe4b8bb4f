/** An answer that scripts may look at and change before it leaves. */
import { headersOf, sendJson } from '../encode/answer.ts';
import { askedPresentation } from '../encode/presentation.ts';
import type { Recorded } from '../http/recorded-reply.ts';
import type { Headers, Responder } from '../http/reply.ts';
import type { ApiRequest } from '../parse/api-request.ts';

export interface Answer {
  readonly status: number;
  /** All but the content type. */
  readonly headers: Headers;
  readonly contentType: string | undefined;
  readonly content: Uint8Array;
  /** The content is JSON, to be shown in the format that the client takes. */
  readonly isJson: boolean;
}

/** Made anew where an answer is shown. */
const SHOWN = new Set(['content-type', 'x-content-type-options', 'cache-control', 'content-disposition']);

export const typeIn = (headers: Headers): string | undefined =>
  headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];

const isJsonType = (type: string | undefined): boolean => type?.startsWith('application/json') === true;

export const isJson = (headers: Headers): boolean => isJsonType(typeIn(headers));

export function answerOf({ status, headers, body }: Recorded): Answer {
  const contentType = typeIn(headers);
  const others = headers.filter(([name]) => !SHOWN.has(name.toLowerCase()));
  return { status, headers: others, contentType, content: body, isJson: isJsonType(contentType) };
}

export const withHeaders = (answer: Answer, headers: Headers): Answer => ({
  ...answer,
  headers: [...headers, ...answer.headers],
});

/** In the format that was asked for. */
export function sendAnswer(reply: Responder, answer: Answer, request: ApiRequest): void {
  const { status, headers, contentType, content, isJson: isJsonAnswer } = answer;
  if (reply.aborted) return;
  if (isJsonAnswer) return sendJson(reply, status, content, askedPresentation(request, headers, true));
  const shown = { format: undefined, disposition: undefined, wrap: false, headers };
  reply.send(status, headersOf(shown, ['Content-Type', contentType ?? 'application/octet-stream']), content);
}

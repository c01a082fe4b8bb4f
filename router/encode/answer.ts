/** A connector's result, or a value of our own, as the answer of the API: status, headers, body. */
import type { MillraceError } from '#common/errors.ts';
import { parseJson, stringifyJson } from '#common/json.ts';
import type { Forwarded } from '../forward/forward.ts';
import type { Headers, Responder } from '../http/reply.ts';
import { UnknownVerb } from '../parse/verb.ts';
import { toCsv } from './csv.ts';
import { envelope } from './envelope.ts';
import { errorHeaders, errorReply } from './error.ts';
import { type Format, pickFormat } from './format.ts';
import { toLines } from './lines.ts';
import { toXml } from './xml.ts';

/** How an answer is to be shown, decided before it is there. */
export interface Presentation {
  /** undefined: nothing that the client takes can be made. */
  readonly format: Format | undefined;
  readonly disposition: string | undefined;
  readonly wrap: boolean;
  /** CORS and whatever else goes on every answer of this request. */
  readonly headers: Headers;
}

const JSON_TYPE = ['Content-Type', 'application/json'] as const;
const NO_SNIFF = ['X-Content-Type-Options', 'nosniff'] as const;
const ESTIMATED = ['Preference-Applied', 'count=estimated'] as const;
const NO_CACHE = ['Cache-Control', 'no-cache, private'] as const;

export const TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  csv: 'text/csv; charset=UTF-8',
  xml: 'application/xml',
  text: 'text/plain; charset=UTF-8',
  ndjson: 'application/x-ndjson',
};

/** Sends what a connector answered. Large answers are passed on piece by piece as the client takes them. */
export async function sendForwarded(
  reply: Responder,
  { result, chunks }: Forwarded,
  status: number,
  shown: Presentation,
  transform?: (json: Uint8Array) => Uint8Array,
): Promise<void> {
  const more = [
    ...(result.dropped.length > 0 ? [droppedHeader(result.dropped)] : []),
    ...(result.estimated ? [ESTIMATED] : []),
  ];
  const presentation = more.length > 0 ? { ...shown, headers: [...shown.headers, ...more] } : shown;
  const meta = {
    wrap: presentation.wrap,
    count: result.count === undefined ? undefined : Number(result.count),
    next: result.next === undefined ? undefined : Number(result.next),
    nextAfter: result.nextAfter,
    schemaJson: result.schemaJson.length > 0 ? result.schemaJson : undefined,
  };
  if (chunks && presentation.format === 'json' && !transform) {
    await streamJson(reply, chunks, envelope(MARK, meta), status, presentation);
    return;
  }
  const json = chunks ? await gather(chunks) : result.json;
  sendJson(reply, status, envelope(transform ? transform(json) : json, meta), presentation);
}

/** Sends JSON that is ready, in the format that the client takes. */
export function sendJson(reply: Responder, status: number, json: Uint8Array | string, shown: Presentation): void {
  const { format } = shown;
  if (format === 'json') {
    reply.send(status, headersOf(shown, JSON_TYPE), json);
    return;
  }
  if (format === undefined) {
    const content = typeof json === 'string' ? json : Buffer.from(json).toString('utf8');
    const text = `Content in response can not be resolved to acceptable content type. Original content: ${content}`;
    reply.send(400, headersOf(shown, ['Content-Type', TYPES.text]), text);
    return;
  }
  reply.send(status, headersOf(shown, ['Content-Type', TYPES[format]]), convert(json, format));
}

/** @param filename  of ours: it is not escaped */
export function sendFile(reply: Responder, bytes: Uint8Array, type: string, filename: string, headers: Headers): void {
  const disposition = `attachment; filename="${filename}"`;
  reply.send(200, headersOf({ format: undefined, disposition, wrap: false, headers }, ['Content-Type', type]), bytes);
}

export function sendValue(reply: Responder, status: number, value: unknown, shown: Presentation): void {
  sendJson(reply, status, stringifyJson(value), shown);
}

/** Errors come in the format that was asked for, and as JSON where none can be made of what the client takes. */
export function sendError(
  reply: Responder,
  error: MillraceError,
  verb: string,
  accept: string | undefined,
  headers: Headers,
): void {
  if (error instanceof UnknownVerb) {
    const json = stringifyJson({ error: { code: 405, context: null, message: error.message, status_code: 405 } });
    const allow = ['Allow', error.allowed.join(', ')] as const;
    return sendJson(reply, 405, json, {
      format: 'json',
      disposition: undefined,
      wrap: true,
      headers: [...headers, allow],
    });
  }
  const { status, json } = errorReply(error, verb);
  const format = pickFormat(accept, undefined, undefined, '').format ?? 'json';
  sendJson(reply, status, json, {
    ...{ format, disposition: undefined, wrap: true },
    headers: [...headers, ...errorHeaders(error)],
  });
}

export function headersOf({ headers, disposition }: Presentation, type: readonly [string, string]): Headers {
  const base: Headers = [type, NO_SNIFF, NO_CACHE, ...headers];
  return disposition ? [...base, ['Content-Disposition', disposition]] : base;
}

function convert(json: Uint8Array | string, format: Exclude<Format, 'json'>): string {
  const text = typeof json === 'string' ? json : Buffer.from(json).toString('utf8');
  if (format === 'text') return text;
  const value = parseJson(typeof json === 'string' ? Buffer.from(json) : json);
  if (format === 'ndjson') return toLines(value);
  return format === 'csv' ? toCsv(value) : toXml(value);
}

/** RFC 9110 §5.5 allows no more than visible ASCII in a header: other characters of a name are escaped. */
function droppedHeader(names: readonly string[]): readonly [string, string] {
  const shown = names.slice(0, 20).map((name) => encodeURIComponent(name.slice(0, 100)));
  return ['Warning', `299 - "Not written: ${shown.join(', ')}"`];
}

/** Stands for the JSON while the envelope is made around it. */
const MARK = Buffer.from('\u0000');

async function streamJson(
  reply: Responder,
  chunks: AsyncGenerator<Uint8Array>,
  around: Uint8Array,
  status: number,
  shown: Presentation,
): Promise<void> {
  const at = around.indexOf(0);
  const body = reply.stream(status, headersOf(shown, JSON_TYPE));
  try {
    if (at > 0) await body.write(around.subarray(0, at));
    for await (const chunk of chunks) await body.write(chunk);
    if (at + 1 < around.length) await body.write(around.subarray(at + 1));
    body.end();
  } catch {
    // The status is out already: only a cut connection tells that this was not all.
    body.fail();
  }
}

async function gather(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/**
 * Events on their way into an isolate and outcomes on their way out: one string each, its lengths in front. Copying one
 * string costs a fifth of copying its parts, and nothing but a string ever leaves an isolate.
 */
import { create } from '@bufbuild/protobuf';
import { asBuffer } from '#common/json.ts';
import { bitOf, Member } from '#common/scripts/members.ts';
import {
  type Event,
  type LogLine,
  LogLine_Level,
  LogLineSchema,
  type Outcome,
  OutcomeSchema,
  Phase,
} from '#proto/script/v1/script_pb.ts';

const text = (bytes: Uint8Array): string => (bytes.length === 0 ? '' : asBuffer(bytes).toString('utf8'));

/** What a script finds where nothing has answered yet. */
const NO_ANSWER = '0';
const ANSWER = '1';
const EMPTY_ANSWER = '2';

/** In the order that prelude/event.js knows. */
export function packEvent(event: Event): string {
  const { request, response } = event;
  const content = request ? text(request.content) : '';
  const payload = request ? text(request.payloadJson) : '';
  const headers = request ? text(request.headersJson) : '';
  const resource = text(event.resourceJson);
  const answer = response ? text(response.content) : '';
  const answerHeaders = response ? text(response.headersJson) : '';
  const status = response && response.statusCode !== 0 ? String(response.statusCode) : '200';
  const isEmpty = answer === '' && (event.absent & bitOf(Member.ANSWER_CONTENT)) === 0;
  const isJson = response?.isJson === true && !isEmpty ? '1' : '0';
  const has =
    event.phase === Phase.PRE_PROCESS
      ? NO_ANSWER
      : response === undefined
        ? event.phase === Phase.SERVICE
          ? EMPTY_ANSWER
          : NO_ANSWER
        : isEmpty
          ? EMPTY_ANSWER
          : ANSWER;
  const method = request?.method ?? '';
  const uri = request?.uri ?? '';
  const service = request?.service ?? '';
  const path = request?.resource ?? '';
  const query = request?.query ?? '';
  const type = request?.contentType ?? '';
  const answerType = response?.contentType ?? '';
  const absent = event.absent === 0 ? '' : String(event.absent);
  return (
    `${method.length},${uri.length},${service.length},${path.length},${query.length},${headers.length},${type.length},` +
    `${content.length},${payload.length},${resource.length},${answer.length},${answerType.length},` +
    `${answerHeaders.length},${status.length},${isJson.length},${has.length},${absent.length};` +
    method +
    uri +
    service +
    path +
    query +
    headers +
    type +
    content +
    payload +
    resource +
    answer +
    answerType +
    answerHeaders +
    status +
    isJson +
    has +
    absent
  );
}

/** Several texts as one: their lengths, and all of them. */
export const packTexts = (texts: readonly string[]): string =>
  `${texts.map(({ length }) => length).join(',')};${texts.join('')}`;

/** At most so many digits and commas are in front. */
const LENGTHS_MAX = 2_000;

/** @returns some of the first, at least one; undefined for what no prelude has written. @param most  how many there may be */
export function unpackTexts(packed: unknown, most: number): string[] | undefined {
  if (typeof packed !== 'string') return undefined;
  const [head] = /^\d+(?:,\d+)*;/.exec(packed.slice(0, LENGTHS_MAX)) ?? [];
  if (head === undefined) return undefined;
  const texts: string[] = [];
  let at = head.length;
  for (const length of head.slice(0, -1).split(',')) {
    texts.push(packed.slice(at, at + Number(length)));
    at += Number(length);
  }
  return texts.length <= most && at === packed.length ? texts : undefined;
}

/** What an isolate said at the end of a run; nothing in it is trusted. */
export type Packed =
  | {
      readonly kind: 'outcome';
      readonly outcome: Outcome;
      readonly bytes: number;
      /** Members that were looked at (#common/scripts/members.ts). */
      readonly reads: number;
      readonly logs: string;
    }
  | {
      readonly kind: 'thrown';
      readonly message: string;
      readonly stack: string;
      readonly members: string;
      readonly logs: string;
    }
  /** It looked at a member that was left out. */
  | { readonly kind: 'lacking' }
  | { readonly kind: 'left' }
  | { readonly kind: 'too large' };

const HEAD = /^([OT])([01])(\d+),(\d+),(\d+),(\d+),(\d+),(\d+);/;
const HEAD_LENGTH_MAX = 80;

/** @returns undefined for what no prelude has written */
export function unpackOutcome(packed: unknown): Packed | undefined {
  if (typeof packed !== 'string') return undefined;
  if (packed === 'L') return { kind: 'left' };
  if (packed === 'X') return { kind: 'too large' };
  if (packed === 'A') return { kind: 'lacking' };
  const head = HEAD.exec(packed.slice(0, HEAD_LENGTH_MAX));
  if (!head) return undefined;
  let at = head[0].length;
  const parts: string[] = [];
  for (let length = 4; length < head.length; length++) {
    const end = at + Number(head[length]);
    parts.push(packed.slice(at, end));
    at = end;
  }
  if (at !== packed.length) return undefined;
  const [a, b, c, content, logs] = parts as [string, string, string, string, string];
  if (head[1] === 'T') return { kind: 'thrown', message: a, stack: b, members: c, logs };
  const outcome = create(OutcomeSchema, { stopPropagation: head[2] === '1' });
  if (a !== '') outcome.requestJson = Buffer.from(a);
  if (b !== '') outcome.responseJson = Buffer.from(b);
  if (c !== '') outcome.returnedJson = Buffer.from(c);
  if (content !== '') outcome.contentJson = Buffer.from(content);
  const { requestJson, responseJson, returnedJson, contentJson } = outcome;
  const bytes = requestJson.length + responseJson.length + returnedJson.length + contentJson.length;
  return { kind: 'outcome', outcome, bytes, reads: Number(head[3]) | 0, logs };
}

const LEVELS: ReadonlySet<unknown> = new Set(Object.values(LogLine_Level));

/** Lines as the prelude writes them, `[[level, text], …]`; what is none is left out. */
export function readLogs(json: string): LogLine[] {
  if (json === '') return [];
  let lines: unknown;
  try {
    lines = JSON.parse(json);
  } catch {
    return [];
  }
  if (!Array.isArray(lines)) return [];
  return lines.flatMap((line: unknown) => {
    if (!Array.isArray(line) || typeof line[1] !== 'string') return [];
    const level = LEVELS.has(line[0]) ? (line[0] as LogLine_Level) : LogLine_Level.INFO;
    return [create(LogLineSchema, { level, text: line[1] })];
  });
}

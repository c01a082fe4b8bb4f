/** A MillraceError as the API answers it: status, JSON body, and when to come back. */
import type { BatchFailure, ItemOutcome, MillraceError } from '#common/errors.ts';
import { asBuffer, stringifyJson } from '#common/json.ts';
import { LimitsExceeded } from '../admit/exceeded.ts';
import type { Headers } from '../http/reply.ts';
import { HTTP_STATUS } from '../http/status.ts';
import { ScriptError } from '../script/error.ts';
import { StatusError } from './status-error.ts';

export interface ErrorReply {
  readonly status: number;
  /** `{"error":{"code","context","message","status_code"}}` */
  readonly json: string;
  /** Whole seconds for Retry-After, where the caller came too often or we are too busy. */
  readonly retryAfterSeconds: number | undefined;
}

/** The application code of a failed batch; every other error has its status. */
const BATCH_CODE = 1000;
const RETRY_AFTER_DEFAULT_SECONDS = 1;

const PARTICIPLES: ReadonlyMap<string, string> = new Map([
  ['GET', 'retrieved'],
  ['POST', 'created'],
  ['DELETE', 'deleted'],
]);

/**
 * @param error its context may say `retry_after_seconds`
 * @param verb  what was asked, in upper case after tunnelling: a batch error says what could not be done
 * @see system-api.md §2.1, §2.3
 */
export function errorReply(error: MillraceError, verb: string): ErrorReply {
  return {
    status: statusOf(error),
    json: `{"error":${errorObject(error, verb)}}`,
    retryAfterSeconds: retryAfterSeconds(error),
  };
}

/** What belongs to an error beside its body: when to come back, and whatever its status says more. */
export function errorHeaders(error: MillraceError): Headers {
  const seconds = retryAfterSeconds(error);
  const retry = seconds === undefined ? [] : [['Retry-After', String(seconds)] as const];
  const limits = error instanceof LimitsExceeded ? error.headers() : [];
  return [...retry, ...limits, ...(error instanceof StatusError ? error.headers : [])];
}

/** The same error for people: its status, and its message as it may stand in a page. */
export const errorPage = (error: MillraceError): { readonly status: number; readonly html: string } => ({
  status: statusOf(error),
  html: escapeHtml(error.message),
});

const statusOf = (error: MillraceError): number =>
  error instanceof StatusError ? error.status : HTTP_STATUS[error.batch ? 'invalid' : error.code];

function errorObject(error: MillraceError, verb: string): string {
  const status = statusOf(error);
  const code = error.batch ? BATCH_CODE : codeOf(error, status);
  const context = error.batch ? batchContext(error.batch, verb) : stringifyJson(factsOf(error));
  const message = error.batch ? batchMessage(error.batch, verb) : error.message;
  return `{"code":${code},"context":${context},"message":${JSON.stringify(escapeHtml(message))},"status_code":${status}}`;
}

/** Scripts may give a code of their own; every other error has its status. */
const codeOf = (error: MillraceError, status: number): number =>
  (error instanceof ScriptError ? error.applicationCode : undefined) ?? status;

/** Of limits a list: so clients know it. */
const factsOf = (error: MillraceError): unknown => (error instanceof LimitsExceeded ? error.facts : error.context);

/** The indexes of the records that failed, and what became of each. Records are sent as the bytes they came as. */
function batchContext({ outcomes }: BatchFailure, verb: string): string {
  const failed = outcomes.flatMap((outcome, index) => ('error' in outcome ? [index] : []));
  const results = outcomes.map((outcome) => outcomeJson(outcome, verb));
  return `{"error":[${failed.join(',')}],"resource":[${results.join(',')}]}`;
}

function outcomeJson(outcome: ItemOutcome, verb: string): string {
  return 'error' in outcome ? errorObject(outcome.error, verb) : asBuffer(outcome.json).toString('utf8');
}

function batchMessage({ rolledBack }: BatchFailure, verb: string): string {
  const what = PARTICIPLES.get(verb) ?? 'updated';
  const undone = rolledBack ? ' All changes rolled back.' : '';
  return `Batch Error: Not all requested records could be ${what}.${undone}`;
}

/** Where the caller came too often, or we are too busy. */
function retryAfterSeconds(error: MillraceError): number | undefined {
  const { code, context } = error;
  if (error instanceof LimitsExceeded) return undefined; // among its own headers
  if (code !== 'limited' && code !== 'overloaded') return undefined;
  const seconds = context?.['retry_after_seconds'];
  return typeof seconds === 'number' && seconds > 0 ? Math.ceil(seconds) : RETRY_AFTER_DEFAULT_SECONDS;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** As the original does, which leaves single quotes alone. */
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);

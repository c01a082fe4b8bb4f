/** What a service answers, held for the scripts behind the call; or let pass where they cannot look at it. */
import { SCRIPT_ANSWER_BYTES_MAX } from '#common/bounds.ts';
import { invalid } from '#common/errors.ts';
import { asBuffer } from '#common/json.ts';
import { type Recorded, RecordedReply } from '../http/recorded-reply.ts';
import type { BodyStream, Headers, Responder } from '../http/reply.ts';
import { isJson, typeIn } from './answer.ts';
import { isUndone, ScriptError } from './error.ts';
import type { Listener } from './listeners.ts';

const TOO_LARGE = 'The answer is too large for the scripts that want to look at it.';
const LONG_LIST =
  'The list is too long for the scripts that may change it: ask for pages of it, by the options limit and offset.';

/**
 * Contents of files pass by the scripts. So do lists without an end where scripts can but look; for those that may change
 * them they are held.
 */
export class WatchedReply extends RecordedReply {
  readonly #reply: Responder;
  readonly #listeners: readonly Listener[];
  isList = false;
  passed = false;

  /** @param listeners  behind the call */
  constructor(reply: Responder, listeners: readonly Listener[]) {
    super(SCRIPT_ANSWER_BYTES_MAX, TOO_LARGE);
    this.#reply = reply;
    this.#listeners = listeners;
  }

  get holdsLists(): boolean {
    return this.#listeners.some(({ script }) => script.allowEventModification);
  }

  override get aborted(): boolean {
    return this.#reply.aborted;
  }

  override onAborted(listener: () => void): void {
    this.#reply.onAborted(listener);
  }

  /** A list that is held has come as lines, and is JSON to scripts. */
  override get answer(): Recorded {
    const { status, headers, body } = super.answer;
    if (!this.isList) return { status, headers, body };
    const others = headers.filter(([name]) => name.toLowerCase() !== 'content-type');
    const records = asBuffer(body).toString('utf8').trimEnd().replaceAll('\n', ',');
    const content = Buffer.from(`{"resource":[${records}]}`);
    return { status, headers: [...others, ['Content-Type', 'application/json']], body: content };
  }

  override send(status: number, headers: Headers, body: Uint8Array | string): void {
    this.isList = false;
    super.send(status, headers, body);
  }

  override stream(status: number, headers: Headers, contentLength?: number): BodyStream {
    this.isList = contentLength === undefined && isLines(headers);
    // A size that is known beforehand is that of a file, even one of JSON.
    const isHeld = this.isList ? this.holdsLists : contentLength === undefined && isJson(headers);
    if (isHeld) return super.stream(status, headers, contentLength);
    this.passed = true;
    return this.#reply.stream(status, headers, contentLength);
  }
}

const isLines = (headers: Headers): boolean => /^(?:application\/x-ndjson|text\/csv)\b/.test(typeIn(headers) ?? '');

/** @returns it has come to its end, and its answer is whole */
export async function perform(
  work: () => Promise<void>,
  recorded: WatchedReply,
  refuse: (reply: Responder, error: unknown) => void,
): Promise<boolean> {
  try {
    await work();
  } catch (error) {
    if (recorded.overflow === undefined) {
      if (recorded.passed || isUndone(error)) throw error;
      refuse(recorded, error);
      return false;
    }
  }
  const { overflow, isList } = recorded;
  if (overflow === undefined) return true;
  refuse(recorded, isList ? invalid(LONG_LIST, { bytes_max: SCRIPT_ANSWER_BYTES_MAX }) : new ScriptError(overflow));
  return false;
}

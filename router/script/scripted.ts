/**
 * A call with scripts around it (files-and-scripting-api §3.2): those before it, the call, those behind it. What they may
 * change is theirs to change only where the script's record says so; what they throw counts always.
 */
import { SCRIPT_ANSWER_BYTES_MAX } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { Logger } from '#common/observe/log.ts';
import type { EventScript, Service } from '#proto/access/v1/access_pb.ts';
import { type Outcome, Phase, type Request, type Script } from '#proto/script/v1/script_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { headersOf, sendJson } from '../encode/answer.ts';
import { askedPresentation } from '../encode/presentation.ts';
import { type Recorded, RecordedReply } from '../http/recorded-reply.ts';
import type { BodyStream, Headers, Responder } from '../http/reply.ts';
import type { Fate } from '../idempotency.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import type { Answer } from './answer.ts';
import { scriptedRequest } from './changed-request.ts';
import { changedAnswer, requestChanges, resultOf, serviceAnswer, shortcutOf } from './changes.ts';
import { ScriptError } from './error.ts';
import { eventOf, requestMessage, responseMessage } from './event.ts';
import type { Listener, Listening } from './listeners.ts';
import type { RunCall, ScriptRunner } from './runner.ts';

export interface ScriptedCall {
  readonly request: ApiRequest;
  readonly service: Service;
  readonly principal: Principal;
  readonly reply: Responder;
  /** On every answer of the request. */
  readonly headers: Headers;
  /** Answers an error. */
  readonly refuse: (reply: Responder, error: unknown) => void;
}

/** What the service does. @param changed  undefined: no script has changed the request. @throws MillraceError */
type Work = (changed: ApiRequest | undefined, reply: Responder) => Promise<void>;

/** Nothing was begun, or cannot be: no script has to see it. */
const UNDONE = new Set(['overloaded', 'limited', 'unavailable', 'deadline', 'cancelled']);
const isUndone = (error: unknown): boolean => UNDONE.has(MillraceError.from(error).code);
/** A write that was answered must not look like one that may simply be sent again. */
const notBehind = (error: unknown): ScriptError =>
  new ScriptError(`The call is done, but a script behind it could not be run: ${MillraceError.from(error).message}`);
/** Made anew where an answer is shown. */
const SHOWN = new Set(['content-type', 'x-content-type-options', 'cache-control', 'content-disposition']);
/** What a script that is a service finds in `event.response`. */
const UNANSWERED: Answer = {
  ...{ status: 200, headers: [], contentType: undefined, isJson: true },
  content: Buffer.from('null'),
};

/** What is told of an answer that has passed by. */
const PASSED: Answer = { status: 200, headers: [], contentType: undefined, isJson: false, content: new Uint8Array() };

/** Of a script service that runs later. */
const ACCEPTED: Answer = {
  ...{ status: 202, headers: [], contentType: 'application/json', isJson: true },
  content: Buffer.from('{"success":true}'),
};

export class ScriptedCalls {
  readonly #runner: ScriptRunner;
  readonly #queue: JobQueue;
  readonly #timeoutMs: number;
  readonly #log: Logger;

  constructor(runner: ScriptRunner, queue: JobQueue, timeoutMs: number, log: Logger) {
    this.#runner = runner;
    this.#queue = queue;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
  }

  /**
   * Answers a call that scripts listen to.
   * @returns what the service has made of it, whatever the scripts have made of that
   * @throws MillraceError where nothing was done
   */
  async around(call: ScriptedCall, { pre, post, queued }: Listening, work: Work): Promise<Fate> {
    const { request, reply } = call;
    const run = this.#runCall(call);
    const recorded = new WatchedReply(reply);
    const before = await this.#before(call, pre, run);
    const isAsked = 'changed' in before;
    const asked = (isAsked ? before.changed : undefined) ?? request;
    if (isAsked) await perform(() => work(before.changed, recorded), recorded, call.refuse);
    else if ('error' in before) call.refuse(recorded, before.error);
    if (recorded.passed) {
      await this.#enqueue(call, queued, asked, PASSED);
      return undefined;
    }
    const first = 'answer' in before ? withHeaders(before.answer, call.headers) : answerOf(recorded.answer);
    // A content may take as long as it likes to come; the scripts behind it have their time all the same.
    const runBehind = request.http.upload ? this.#runCall(call, Date.now()) : run;
    const answer = await this.#behind(call, post, asked, first, runBehind, isAsked && asked.verb !== 'GET');
    await this.#enqueue(call, queued, asked, answer);
    sendAnswer(reply, answer, request);
    if (!isAsked) return 'undone';
    return first.status < 500 ? 'done' : undefined;
  }

  /** Kept before the caller has his answer; where they cannot be, the call is done all the same. */
  async #enqueue(
    { principal }: ScriptedCall,
    listeners: readonly Listener[],
    asked: ApiRequest,
    answer: Answer,
  ): Promise<void> {
    if (listeners.length === 0) return;
    const message = requestMessage(asked);
    for (const { script, resource } of listeners) {
      const event = eventOf(script.name, Phase.QUEUED, message, resource, responseMessage(answer));
      try {
        await this.#queue.run('event', scriptIn(script), event, principal);
      } catch (error) {
        this.#log.error({ err: error, event: script.name }, 'a queued script could not be kept for later');
      }
    }
  }

  /** Answers a call of a service that is a script. @throws MillraceError */
  async serve(call: ScriptedCall, script: Script): Promise<void> {
    const { request, reply, headers } = call;
    const resource = request.segments.join('/');
    const message = requestMessage(request);
    const response = responseMessage(UNANSWERED);
    const event = eventOf(script.name, Phase.SERVICE, message, resource, response);
    if (script.queued) {
      await this.#queue.run('service', script, event, call.principal);
      return sendAnswer(reply, withHeaders(ACCEPTED, headers), request);
    }
    const outcome = await this.#runner.run(script, event, this.#runCall(call));
    sendAnswer(reply, withHeaders(serviceAnswer(outcome), headers), request);
  }

  /** The request as scripts have changed it, or the answer without the service. @throws MillraceError where no script could run */
  async #before(
    { request }: ScriptedCall,
    listeners: readonly Listener[],
    run: RunCall,
  ): Promise<{ changed: ApiRequest | undefined } | { answer: Answer } | { error: unknown }> {
    let changed: ApiRequest | undefined;
    let message = listeners.length > 0 ? requestMessage(request) : undefined;
    for (const listener of listeners) {
      try {
        const outcome = await this.#run(listener, message as Request, undefined, run);
        if (!outcome) continue;
        const result = resultOf(outcome);
        if (!listener.script.allowEventModification) continue;
        const answer = shortcutOf(result);
        if (answer) return { answer };
        const changes = requestChanges(result);
        if (!changes || Object.keys(changes).length === 0) continue;
        changed = scriptedRequest(changed ?? request, changes);
        message = requestMessage(changed);
      } catch (error) {
        if (isUndone(error)) throw error;
        return { error };
      }
    }
    return { changed };
  }

  async #behind(
    call: ScriptedCall,
    listeners: readonly Listener[],
    asked: ApiRequest,
    first: Answer,
    run: RunCall,
    isWrite: boolean,
  ): Promise<Answer> {
    if (listeners.length === 0) return first;
    const message = requestMessage(asked);
    let answer = first;
    for (const listener of listeners) {
      try {
        const outcome = await this.#run(listener, message, answer, run);
        if (!outcome) continue;
        const result = resultOf(outcome);
        if (listener.script.allowEventModification) answer = changedAnswer(result, answer);
      } catch (error) {
        const refused = new RecordedReply(SCRIPT_ANSWER_BYTES_MAX, '');
        call.refuse(refused, isWrite && isUndone(error) ? notBehind(error) : error);
        answer = answerOf(refused.answer);
      }
    }
    return answer;
  }

  /** undefined: nobody could run it, and calls may go on without it. */
  async #run(
    { script, phase, resource }: Listener,
    message: Request,
    answer: Answer | undefined,
    run: RunCall,
  ): Promise<Outcome | undefined> {
    const event = eventOf(script.name, phase, message, resource, answer && responseMessage(answer));
    try {
      return await this.#runner.run(scriptIn(script), event, run);
    } catch (error) {
      if (script.optional && MillraceError.from(error).code === 'overloaded') return undefined;
      throw error;
    }
  }

  #runCall({ request: { http }, principal, reply }: ScriptedCall, from = http.receivedAt): RunCall {
    const deadline = new Deadline(from + this.#timeoutMs);
    reply.onAborted(() => deadline.abort(callerGone()));
    return { principal, requestId: http.id, deadline };
  }
}

function scriptIn({ name, script }: EventScript): Script {
  if (!script) throw new MillraceError('internal', `The script of ${name} is not known.`);
  return script;
}

async function perform(
  work: () => Promise<void>,
  recorded: WatchedReply,
  refuse: ScriptedCall['refuse'],
): Promise<void> {
  try {
    await work();
    if (recorded.overflow) refuse(recorded, new ScriptError(recorded.overflow));
  } catch (error) {
    if (recorded.passed || isUndone(error)) throw error;
    refuse(recorded, error);
  }
}

/** Lists without an end and contents of files are not held back: they pass by the scripts. */
class WatchedReply extends RecordedReply {
  readonly #reply: Responder;
  passed = false;

  constructor(reply: Responder) {
    super(SCRIPT_ANSWER_BYTES_MAX, 'The answer is too large for the scripts that want to look at it.');
    this.#reply = reply;
  }

  override get aborted(): boolean {
    return this.#reply.aborted;
  }

  override onAborted(listener: () => void): void {
    this.#reply.onAborted(listener);
  }

  override stream(status: number, headers: Headers, contentLength?: number): BodyStream {
    // A size that is known beforehand is that of a file, even one of JSON.
    if (contentLength === undefined && isJson(headers)) return super.stream(status, headers, contentLength);
    this.passed = true;
    return this.#reply.stream(status, headers, contentLength);
  }
}

const typeIn = (headers: Headers): string | undefined =>
  headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];

const isJson = (headers: Headers): boolean => typeIn(headers)?.startsWith('application/json') === true;

function answerOf({ status, headers, body }: Recorded): Answer {
  const contentType = typeIn(headers);
  const others = headers.filter(([name]) => !SHOWN.has(name.toLowerCase()));
  return { status, headers: others, contentType, content: body, isJson: isJson(headers) };
}

const withHeaders = (answer: Answer, headers: Headers): Answer => ({
  ...answer,
  headers: [...headers, ...answer.headers],
});

function sendAnswer(reply: Responder, answer: Answer, request: ApiRequest): void {
  const { status, headers, contentType, content, isJson: isJsonAnswer } = answer;
  if (reply.aborted) return;
  if (isJsonAnswer) return sendJson(reply, status, content, askedPresentation(request, headers, true));
  const shown = { format: undefined, disposition: undefined, wrap: false, headers };
  reply.send(status, headersOf(shown, ['Content-Type', contentType ?? 'application/octet-stream']), content);
}

/**
 * A call with scripts around it (files-and-scripting-api §3.2): those before it, the call, those behind it. What they may
 * change is theirs to change only where the script's record says so; what they throw counts always.
 */
import { SCRIPT_ANSWER_BYTES_MAX } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { asBuffer } from '#common/json.ts';
import type { Logger } from '#common/observe/log.ts';
import type { EventScript, Service } from '#proto/access/v1/access_pb.ts';
import { type Outcome, Phase, type Script } from '#proto/script/v1/script_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { headersOf, sendJson } from '../encode/answer.ts';
import { askedPresentation } from '../encode/presentation.ts';
import { isFileService } from '../files/address.ts';
import { type Recorded, RecordedReply } from '../http/recorded-reply.ts';
import type { BodyStream, Headers, Responder } from '../http/reply.ts';
import type { Fate } from '../idempotency.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import type { Answer } from './answer.ts';
import { scriptedRequest } from './changed-request.ts';
import { changedAnswer, changedContent, requestChanges, resultOf, serviceAnswer, shortcutOf } from './changes.ts';
import { ScriptError } from './error.ts';
import { RequestFacts, ScriptEvent } from './event.ts';
import { asImport, type HeldImports } from './held-import.ts';
import type { KeptScriptAnswers } from './kept-answers.ts';
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

export interface ScriptedParts {
  readonly runner: ScriptRunner;
  readonly queue: JobQueue;
  readonly imports: HeldImports;
  readonly kept: KeptScriptAnswers;
  /** Of a call, with all of its scripts. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

export class ScriptedCalls {
  readonly #runner: ScriptRunner;
  readonly #queue: JobQueue;
  readonly #imports: HeldImports;
  readonly #kept: KeptScriptAnswers;
  readonly #timeoutMs: number;
  readonly #log: Logger;

  constructor({ runner, queue, imports, kept, timeoutMs, log }: ScriptedParts) {
    this.#runner = runner;
    this.#queue = queue;
    this.#imports = imports;
    this.#kept = kept;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
  }

  /**
   * Answers a call that scripts listen to.
   * @returns what the service has made of it, whatever the scripts have made of that
   * @throws MillraceError where nothing was done
   */
  async around(call: ScriptedCall, listening: Listening, work: Work): Promise<Fate> {
    const { upload } = call.request.http;
    // A file that is uploaded is no record that a script could see.
    if (!upload || listening.pre.length === 0 || isFileService(call.service))
      return this.#around(call, listening, work);
    const { request, release } = await this.#imports.hold(call.request, upload);
    try {
      return await this.#around({ ...call, request }, listening, (changed, reply) =>
        work(asImport(changed ?? scriptedRequest(request)), reply),
      );
    } finally {
      release();
    }
  }

  async #around(call: ScriptedCall, { pre, post, queued }: Listening, work: Work): Promise<Fate> {
    const { request, reply } = call;
    const run = this.#runCall(call);
    const recorded = new WatchedReply(
      reply,
      post.some(({ script }) => script.allowEventModification),
    );
    const before = await this.#before(call, pre, run);
    const isAsked = 'changed' in before;
    const asked = (isAsked ? before.changed : undefined) ?? request;
    const isDone = isAsked && (await perform(() => work(before.changed, recorded), recorded, call.refuse));
    if ('error' in before) call.refuse(recorded, before.error);
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
    return first.status < 500 || (isDone && call.service.script) ? 'done' : undefined;
  }

  /** Kept before the caller has his answer; where they cannot be, the call is done all the same. */
  async #enqueue(
    { principal }: ScriptedCall,
    listeners: readonly Listener[],
    asked: ApiRequest,
    answer: Answer,
  ): Promise<void> {
    if (listeners.length === 0) return;
    const facts = new RequestFacts(asked);
    for (const { script, resource } of listeners) {
      const event = new ScriptEvent(script.name, Phase.QUEUED, facts, resource, answer);
      try {
        await this.#queue.run('event', scriptIn(script), event.message(), principal);
      } catch (error) {
        this.#log.error({ err: error, event: script.name }, 'a queued script could not be kept for later');
      }
    }
  }

  /**
   * Answers a call of a service that is a script. What it throws is its answer: what it has done until then is done.
   * @throws MillraceError where nobody knows how it ended, or it could not be run
   */
  async serve(call: ScriptedCall, script: Script): Promise<void> {
    const { request, reply, headers } = call;
    const resource = request.segments.join('/');
    const event = new ScriptEvent(script.name, Phase.SERVICE, new RequestFacts(request), resource, UNANSWERED);
    if (script.queued) {
      await this.#queue.run('service', script, event.message(), call.principal);
      return sendAnswer(reply, withHeaders(ACCEPTED, headers), request);
    }
    try {
      const answer = await this.#kept.answer(script, request, call.principal, async () => {
        const run = this.#runCall(call);
        return serviceAnswer(
          this.#runner.remembered(script, event, run) ?? (await this.#runner.run(script, event, run)),
        );
      });
      sendAnswer(reply, withHeaders(answer, headers), request);
    } catch (error) {
      if (MillraceError.from(error).code !== 'script') throw error;
      call.refuse(reply, error);
    }
  }

  /** The request as scripts have changed it, or the answer without the service. @throws MillraceError where no script could run */
  async #before(
    { request }: ScriptedCall,
    listeners: readonly Listener[],
    run: RunCall,
  ): Promise<{ changed: ApiRequest | undefined } | { answer: Answer } | { error: unknown }> {
    let changed: ApiRequest | undefined;
    let facts = new RequestFacts(request);
    for (const listener of listeners) {
      try {
        const event = eventFor(listener, facts, undefined);
        const outcome = this.#remembered(listener, event, run) ?? (await this.#run(listener, event, run));
        if (!outcome) continue;
        const result = resultOf(outcome);
        if (!listener.script.allowEventModification) continue;
        const answer = shortcutOf(result);
        if (answer) return { answer };
        const changes = requestChanges(result);
        if (!changes || Object.keys(changes).length === 0) continue;
        changed = scriptedRequest(changed ?? request, changes);
        facts = new RequestFacts(changed);
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
    const facts = new RequestFacts(asked);
    let answer = first;
    for (const listener of listeners) {
      try {
        const event = eventFor(listener, facts, answer);
        const outcome = this.#remembered(listener, event, run) ?? (await this.#run(listener, event, run));
        if (!outcome) continue;
        const { allowEventModification } = listener.script;
        const changed = changedContent(outcome, answer) ?? changedAnswer(resultOf(outcome), answer);
        if (allowEventModification) answer = changed;
      } catch (error) {
        const refused = new RecordedReply(SCRIPT_ANSWER_BYTES_MAX, '');
        call.refuse(refused, isWrite && isUndone(error) ? notBehind(error) : error);
        answer = answerOf(refused.answer);
      }
    }
    return answer;
  }

  #remembered({ script }: Listener, event: ScriptEvent, run: RunCall): Outcome | undefined {
    return script.script && this.#runner.remembered(script.script, event, run);
  }

  /** undefined: nobody could run it, and calls may go on without it. */
  async #run({ script }: Listener, event: ScriptEvent, run: RunCall): Promise<Outcome | undefined> {
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

const eventFor = (
  { script, phase, resource }: Listener,
  facts: RequestFacts,
  answer: Answer | undefined,
): ScriptEvent => new ScriptEvent(script.name, phase, facts, resource, answer);

function scriptIn({ name, script }: EventScript): Script {
  if (!script) throw new MillraceError('internal', `The script of ${name} is not known.`);
  return script;
}

/** @returns it has come to its end, and its answer is whole */
async function perform(
  work: () => Promise<void>,
  recorded: WatchedReply,
  refuse: ScriptedCall['refuse'],
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

const TOO_LARGE = 'The answer is too large for the scripts that want to look at it.';
const LONG_LIST =
  'The list is too long for the scripts that may change it: ask for pages of it, by the options limit and offset.';

/**
 * Contents of files pass by the scripts. So do lists without an end where scripts can but look; for those that may change
 * them they are held.
 */
class WatchedReply extends RecordedReply {
  readonly #reply: Responder;
  readonly holdsLists: boolean;
  isList = false;
  passed = false;

  constructor(reply: Responder, holdsLists: boolean) {
    super(SCRIPT_ANSWER_BYTES_MAX, TOO_LARGE);
    this.#reply = reply;
    this.holdsLists = holdsLists;
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

const typeIn = (headers: Headers): string | undefined =>
  headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];

const isJson = (headers: Headers): boolean => typeIn(headers)?.startsWith('application/json') === true;

const isLines = (headers: Headers): boolean => /^(?:application\/x-ndjson|text\/csv)\b/.test(typeIn(headers) ?? '');

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

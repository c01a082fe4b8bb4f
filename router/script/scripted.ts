/**
 * A call with scripts around it (files-and-scripting-api §3.2): those before it, the call, those behind it. What they may
 * change is theirs to change only where the script's record says so; what they throw counts always.
 */
import { SCRIPT_ANSWER_BYTES_MAX } from '#common/bounds.ts';
import { callerGone, Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { Logger } from '#common/observe/log.ts';
import type { EventScript, Service } from '#proto/access/v1/access_pb.ts';
import { type Outcome, Phase, type Script } from '#proto/script/v1/script_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { isFileService } from '../files/address.ts';
import { RecordedReply } from '../http/recorded-reply.ts';
import type { Headers, Responder } from '../http/reply.ts';
import type { Upload } from '../http/upload.ts';
import type { Fate } from '../idempotency.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { ApiRequest } from '../parse/api-request.ts';
import { type Answer, answerOf, sendAnswer, withHeaders } from './answer.ts';
import { scriptedRequest } from './changed-request.ts';
import { changedAnswer, changedContent, requestChanges, resultOf, serviceAnswer, shortcutOf } from './changes.ts';
import { isUndone, ScriptError } from './error.ts';
import { RequestFacts, ScriptEvent } from './event.ts';
import { asImport, type HeldImports } from './held-import.ts';
import type { KeptScriptAnswers } from './kept-answers.ts';
import type { Listener, Listening } from './listeners.ts';
import type { RunCall, ScriptRunner } from './runner.ts';
import { perform, WatchedReply } from './watched-reply.ts';

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

/** A write that was answered must not look like one that may simply be sent again. */
const notBehind = (error: unknown): ScriptError =>
  new ScriptError(`The call is done, but a script behind it could not be run: ${MillraceError.from(error).message}`);
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
  around(call: ScriptedCall, listening: Listening, work: Work): Promise<Fate> {
    const { upload } = call.request.http;
    // A file that is uploaded is no record that a script could see.
    const isHeld = upload && listening.pre.length > 0 && !isFileService(call.service);
    return isHeld ? this.#aroundImport(call, listening, upload, work) : this.#around(call, listening, work);
  }

  async #aroundImport(call: ScriptedCall, listening: Listening, upload: Upload, work: Work): Promise<Fate> {
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
    const recorded = new WatchedReply(reply, post);
    const told = this.#before(call, pre, run, 0, { changed: undefined, facts: new RequestFacts(request) });
    const before = told instanceof Promise ? await told : told;
    const isAsked = 'changed' in before;
    const asked = (isAsked ? before.changed : undefined) ?? request;
    const facts = isAsked ? before.facts : new RequestFacts(request);
    const isDone = isAsked && (await perform(() => work(before.changed, recorded), recorded, call.refuse));
    if ('error' in before) call.refuse(recorded, before.error);
    if (recorded.passed) {
      if (queued.length > 0) await this.#enqueue(call, queued, asked, PASSED);
      return undefined;
    }
    const first = 'answer' in before ? withHeaders(before.answer, call.headers) : answerOf(recorded.answer);
    // A content may take as long as it likes to come; the scripts behind it have their time all the same.
    const runBehind = request.http.upload ? this.#runCall(call, Date.now()) : run;
    const isWrite = isAsked && asked.verb !== 'GET';
    const shown = this.#behind({ call, run: runBehind, isWrite }, post, 0, facts, first);
    const answer = shown instanceof Promise ? await shown : shown;
    if (queued.length > 0) await this.#enqueue(call, queued, asked, answer);
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
        const known = this.#runner.remembered(script, event, call.principal);
        return serviceAnswer(known ?? (await this.#runner.run(script, event, this.#runCall(call)())));
      });
      sendAnswer(reply, withHeaders(answer, headers), request);
    } catch (error) {
      if (MillraceError.from(error).code !== 'script') throw error;
      call.refuse(reply, error);
    }
  }

  /**
   * What the scripts before a call make of it, from one of them on: at once, as long as that is remembered.
   * @throws MillraceError where no script could run
   */
  #before(
    call: ScriptedCall,
    listeners: readonly Listener[],
    run: LazyRun,
    from: number,
    so: Asked,
  ): MaybeLater<Before> {
    for (let at = from; at < listeners.length; at++) {
      const listener = listeners[at] as Listener;
      const event = eventFor(listener, so.facts, undefined);
      const known = this.#remembered(listener, event, call.principal);
      if (!known) {
        return this.#run(listener, event, run()).then(
          (outcome) => this.#took(call, listener, outcome, so) ?? this.#before(call, listeners, run, at + 1, so),
          thrownBefore,
        );
      }
      const end = this.#took(call, listener, known, so);
      if (end) return end;
    }
    return so;
  }

  /** @returns what ends it; else the call goes on, as it is in `so` now */
  #took({ request }: ScriptedCall, listener: Listener, outcome: Outcome | undefined, so: Asked): Before | undefined {
    if (!outcome) return undefined;
    try {
      const result = resultOf(outcome);
      if (!listener.script.allowEventModification) return undefined;
      const answer = shortcutOf(result);
      if (answer) return { answer };
      const changes = requestChanges(result);
      if (!changes || Object.keys(changes).length === 0) return undefined;
      so.changed = scriptedRequest(so.changed ?? request, changes);
      so.facts = new RequestFacts(so.changed);
      return undefined;
    } catch (error) {
      return thrownBefore(error);
    }
  }

  /** What the scripts behind a call make of its answer, from one of them on: at once, as long as that is remembered. */
  #behind(
    so: Behind,
    listeners: readonly Listener[],
    from: number,
    facts: RequestFacts,
    first: Answer,
  ): MaybeLater<Answer> {
    let answer = first;
    for (let at = from; at < listeners.length; at++) {
      const listener = listeners[at] as Listener;
      const event = eventFor(listener, facts, answer);
      const known = this.#remembered(listener, event, so.call.principal);
      if (!known) {
        const before = answer;
        return this.#run(listener, event, so.run())
          .then(
            (outcome) => shownBehind(so, listener, outcome, before),
            (error) => refusedBehind(so, error),
          )
          .then((next) => this.#behind(so, listeners, at + 1, facts, next));
      }
      answer = shownBehind(so, listener, known, answer);
    }
    return answer;
  }

  #remembered({ script }: Listener, event: ScriptEvent, principal: Principal): Outcome | undefined {
    return script.script && this.#runner.remembered(script.script, event, principal);
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

  /** Whoever needs no run pays for none. */
  #runCall({ request: { http }, principal, reply }: ScriptedCall, from = http.receivedAt): LazyRun {
    let made: RunCall | undefined;
    return () => {
      if (made) return made;
      const deadline = new Deadline(from + this.#timeoutMs);
      reply.onAborted(() => deadline.abort(callerGone()));
      made = { principal, requestId: http.id, deadline };
      return made;
    };
  }
}

type LazyRun = () => RunCall;

type MaybeLater<T> = T | Promise<T>;

/** A call that the scripts before it have let pass so far. */
interface Asked {
  changed: ApiRequest | undefined;
  facts: RequestFacts;
}

/** The request as scripts have changed it, or the answer without the service. */
type Before = Asked | { readonly answer: Answer } | { readonly error: unknown };

interface Behind {
  readonly call: ScriptedCall;
  readonly run: LazyRun;
  readonly isWrite: boolean;
}

/** @throws MillraceError where no script could run */
function thrownBefore(error: unknown): Before {
  if (isUndone(error)) throw error;
  return { error };
}

function shownBehind(so: Behind, { script }: Listener, outcome: Outcome | undefined, answer: Answer): Answer {
  if (!outcome) return answer;
  try {
    const changed = changedContent(outcome, answer) ?? changedAnswer(resultOf(outcome), answer);
    return script.allowEventModification ? changed : answer;
  } catch (error) {
    return refusedBehind(so, error);
  }
}

function refusedBehind({ call, isWrite }: Behind, error: unknown): Answer {
  const refused = new RecordedReply(SCRIPT_ANSWER_BYTES_MAX, '');
  call.refuse(refused, isWrite && isUndone(error) ? notBehind(error) : error);
  return answerOf(refused.answer);
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

/**
 * The whole request path on one screen: parse → authenticate → decide → forward → encode. A stage may read what
 * earlier stages made and never reaches back.
 */

import { callerGone, Deadline } from '#common/deadline.ts';
import { MillraceError, notFound } from '#common/errors.ts';
import type { Logger } from '#common/observe/log.ts';
import { wantedTables } from '#common/table-rules.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Result } from '#proto/data/v1/data_pb.ts';
import type { AccessState } from './access/state.ts';
import type { Limits } from './admit/limits.ts';
import { AppPackages } from './app-packages/calls.ts';
import { PackageFiles } from './app-packages/package-files.ts';
import { type Authenticators, authenticate } from './authenticate/authenticate.ts';
import { type Credentials, readCredentials } from './authenticate/credentials.ts';
import type { Principal } from './authenticate/principal.ts';
import { requireAccess } from './decide/access.ts';
import { admittedPieces } from './decide/admitted-pieces.ts';
import type { Cors } from './decide/cors.ts';
import type { Grant } from './decide/grant.ts';
import { type Presentation, sendError, sendFile, sendForwarded, sendValue } from './encode/answer.ts';
import { askedPresentation, presentationOf } from './encode/presentation.ts';
import { sendLines } from './encode/stream.ts';
import { linesFormat, withEverything } from './endless.ts';
import { addressedSegments, decidedRequest, isFileService } from './files/address.ts';
import type { FileStore } from './files/call.ts';
import type { FileCalls } from './files/calls.ts';
import { ForeignRecords } from './foreign/merge.ts';
import type { Forwarder } from './forward/forward.ts';
import { toOperation } from './forward/operation.ts';
import { type Ruled, RuledCalls } from './forward/ruled.ts';
import { type PublicCall, type PublicFiles, refusePublic } from './hosting/public-files.ts';
import type { Handle } from './http/inner-call.ts';
import { LoggedReply } from './http/logged-reply.ts';
import type { Headers, Responder } from './http/reply.ts';
import type { Request } from './http/request.ts';
import type { Upload } from './http/upload.ts';
import type { Fate, Idempotency } from './idempotency.ts';
import type { Listings } from './listings.ts';
import type { Documents } from './openapi/documents.ts';
import type { Viewer } from './openapi/viewer.ts';
import { ApiRequest } from './parse/api-request.ts';
import { recordPieces } from './parse/import/body-stream.ts';
import { type ParsedResource, parseDatabase, parseSystem } from './parse/resource.ts';
import { parseRoute } from './parse/route.ts';
import { Refusals } from './refusals.ts';
import type { ReadyCall, RememberedCalls } from './remembered.ts';
import { scriptedRequest } from './script/changed-request.ts';
import type { Listeners, Listening } from './script/listeners.ts';
import type { ScriptedCall, ScriptedCalls } from './script/scripted.ts';
import type { ScriptTrials } from './script/trial.ts';
import type { SystemCalls } from './system/calls.ts';
import { withInvites } from './system/invites.ts';
import type { LimitCache } from './system/limit-cache.ts';
import { rootListing } from './system/root.ts';
import { transformOf } from './transform.ts';

export interface Stages {
  readonly state: AccessState;
  readonly authenticators: Authenticators;
  readonly cors: Cors;
  readonly systemCalls: SystemCalls;
  readonly files: FileCalls;
  readonly publicFiles: PublicFiles;
  /** The storage tier. */
  readonly store: FileStore;
  readonly listings: Listings;
  readonly documents: Documents;
  readonly viewer: Viewer;
  readonly forwarder: Forwarder;
  readonly remembered: RememberedCalls;
  readonly idempotency: Idempotency;
  readonly limits: Limits;
  readonly limitCache: LimitCache;
  readonly listeners: Listeners;
  readonly scripted: ScriptedCalls;
  readonly trials: ScriptTrials;
  readonly status: (host: string | undefined) => Record<string, unknown>;
  readonly requestTimeoutMs: number;
  /** For lists that come without an end. */
  readonly exportTimeoutMs: number;
  readonly log: Logger;
}

/** One call on a service, decided. */
interface Call extends Ruled {
  readonly request: ApiRequest;
  readonly parsed: ParsedResource;
  readonly granted: Grant;
}

/** What was asked, as far as it is known when something fails. */
interface Asked {
  verb: string;
  principal: Principal | undefined;
}

const MINIMAL = ['Preference-Applied', 'return=minimal'] as const;
const STRICT = ['Preference-Applied', 'handling=strict'] as const;

/** The sessions' own calls: a dead token must not keep anyone from signing in, nor an expired one from its refresh. */
const SIGN_IN = new Set(['user/session', 'system/admin/session']);

export class Pipeline {
  readonly #stages: Stages;
  readonly #ruled: RuledCalls;
  readonly #foreign: ForeignRecords;
  readonly #refusals: Refusals;
  readonly #appPackages: AppPackages;
  readonly #packageFiles: PackageFiles;

  constructor(stages: Stages) {
    this.#stages = stages;
    this.#ruled = new RuledCalls(stages.state);
    this.#refusals = new Refusals(stages.log);
    const handle: Handle = (http, reply, caller) => this.handle(http, reply, caller);
    this.#appPackages = new AppPackages(stages, handle);
    this.#packageFiles = new PackageFiles(stages, handle);
    this.#foreign = new ForeignRecords(stages.state, stages.forwarder, this.#ruled);
  }

  /** Answers one request, whatever happens. @param caller  who asks, where that is known; else its credentials say it */
  handle(http: Request, plain: Responder, caller?: Principal): void {
    const { log } = this.#stages;
    const reply = log.isLevelEnabled('info') ? new LoggedReply(plain, http, log) : plain;
    const headers: Headers = [
      ['X-Request-Id', http.id],
      ...this.#stages.cors.headers(http.path, http.header('origin')),
    ];
    if (this.#stages.publicFiles.answerHot(http, reply, headers)) return;
    const asked: Asked = { verb: http.method, principal: undefined };
    const ready = http.upload || caller ? undefined : this.#stages.remembered.find(http);
    const answered = ready
      ? this.#remembered(ready, http, reply, headers, asked)
      : this.#serve(http, reply, headers, asked, caller);
    answered.catch((thrown: unknown) => {
      this.#refuse(http, reply, headers, asked, thrown);
    });
  }

  async #serve(http: Request, reply: Responder, headers: Headers, asked: Asked, caller?: Principal): Promise<void> {
    if (http.method === 'OPTIONS') {
      const method = http.header('access-control-request-method');
      if (method !== undefined) return this.#preflight(http, reply, headers, method);
    }
    const route = parseRoute(http.path);
    if (route.kind === 'none') {
      const { viewer } = this.#stages;
      if (viewer.serves(http)) return viewer.send(http, reply, headers);
      const found = this.#stages.publicFiles.find(http);
      if (found) return this.#publicFile(found, reply, headers);
      throw notFound('There is nothing at this address.');
    }
    const request = new ApiRequest(
      http,
      route.kind === 'service' ? route.service : '',
      route.kind === 'service' ? route.segments : [],
    );
    asked.verb = request.verb;
    if (route.kind === 'status') {
      const status = this.#stages.status(http.header('host'));
      return sendValue(reply, status['ready'] ? 200 : 503, status, presentationOf(request, headers, true));
    }
    const answer = caller ?? this.#stages.files.signedUrls.bearer(request) ?? this.#authenticate(request);
    const principal = answer instanceof Promise ? await answer : answer;
    asked.principal = principal;
    if (route.kind === 'root') return this.#root(request, reply, headers, principal);
    await this.#serviceCall(request, reply, headers, principal);
  }

  /** Without the API's ways of saying what is wrong: whoever reads it sits before a browser. */
  async #publicFile(
    { request, service, principal, http }: PublicCall,
    reply: Responder,
    headers: Headers,
  ): Promise<void> {
    const { publicFiles, limits, log } = this.#stages;
    try {
      limits.admit(principal, service, request.component, request.verb);
      await publicFiles.serve(this.#callOf(request, reply, headers, service, principal), http);
    } catch (error) {
      const { code, cause } = MillraceError.from(error);
      if (code === 'internal')
        log.error({ err: cause ?? error, requestId: request.http.id }, 'a public file could not be sent');
      if (!reply.aborted) refusePublic(reply, error, headers);
    }
  }

  #authenticate(request: ApiRequest): Principal | Promise<Principal> {
    const { http, query } = request;
    const path = `${request.service}/${request.component}`;
    const source = {
      header: (name: string) => http.header(name),
      query: (name: string) => query.get(name),
      body: (name: string) => request.bodyText(name),
    };
    let credentials: Credentials = readCredentials(source, path);
    const { token } = credentials;
    const signIn = SIGN_IN.has(path) && (request.verb === 'POST' || request.verb === 'PUT');
    if (signIn) credentials = { ...credentials, token: undefined, basic: undefined };
    const principal = authenticate(this.#stages.authenticators, credentials, () => http.remoteAddress());
    if (!signIn || principal instanceof Promise) return principal;
    return { ...principal, token };
  }

  async #serviceCall(asked: ApiRequest, reply: Responder, headers: Headers, principal: Principal): Promise<void> {
    const { state, documents, systemCalls } = this.#stages;
    const service = state.servicesByName.get(asked.service);
    const request = service && isFileService(service) ? decidedRequest(asked) : asked;
    requireAccess(principal, service, request.service, request.component, request.verb);
    if (!service) throw notFound(`Could not find a service for ${request.service}.`);
    if (!service.isActive) throw new MillraceError('denied', `Service ${service.name} is deactivated.`);

    this.#stages.limits.admit(principal, service, request.component, request.verb);
    const { idempotency, listeners, scripted } = this.#stages;
    const call = this.#callOf(request, reply, headers, service, principal);
    const listening = listeners.of(service, addressedSegments(request, service), request.verb);
    const answer = async (answered: Responder): Promise<Fate> => {
      const answering = { ...call, reply: answered };
      if (listening) {
        return scripted.around(answering, listening, (changed, watched) =>
          this.#scriptedWork(answering, changed, watched),
        );
      }
      await this.#work(answering);
      // Whatever its script has answered, and were it that it threw.
      return service.script ? 'done' : undefined;
    };
    const isRecords =
      !documents.serves(request, service) &&
      !systemCalls.serves(request, service.type) &&
      !systemCalls.packages.serves(request, service);
    if (isRecords && idempotency.applies(request)) {
      return idempotency.once(request, principal, reply, headers, answer, call.refuse);
    }
    await answer(reply);
  }

  #callOf(
    request: ApiRequest,
    reply: Responder,
    headers: Headers,
    service: Service,
    principal: Principal,
  ): ScriptedCall {
    const refuse = (refused: Responder, error: unknown): void =>
      this.#refuse(request.http, refused, headers, { verb: request.verb, principal }, error);
    return { request, service, principal, reply, headers, refuse };
  }

  #scriptedWork(call: ScriptedCall, changed: ApiRequest | undefined, watched: Responder): Promise<void> {
    const { request, service, principal } = call;
    const wanted = changed ?? scriptedRequest(request);
    // Another verb than the one that was decided upon is decided again.
    if (changed) requireAccess(principal, service, request.service, wanted.component, wanted.verb);
    return this.#work({ ...call, request: wanted, reply: watched });
  }

  /** What the service does, whatever stands around it. */
  async #work(call: ScriptedCall): Promise<void> {
    const { request, reply, headers, service, principal } = call;
    const { documents, files, systemCalls, scripted, trials } = this.#stages;
    if (trials.serves(request, service)) {
      const shown = presentationOf(request, headers, true);
      return sendValue(reply, 200, await trials.answer(request, service, principal), shown);
    }
    if (documents.serves(request, service)) {
      return documents.send({ request, service, principal }, reply, presentationOf(request, headers, true));
    }
    if (documents.servesComponents(request, service)) {
      const resource = await documents.components({ request, service, principal });
      return sendValue(reply, 200, { resource }, presentationOf(request, headers, true));
    }
    if (isFileService(service)) return files.serve(call);
    if (this.#appPackages.serves(request, service)) return this.#appPackages.answer(call);
    if (systemCalls.packages.serves(request, service)) return this.#package(request, reply, headers, principal);
    const own = isOwn(service) ? await systemCalls.answer(request, service.type, principal) : undefined;
    if (own) return this.#sendOwn(request, reply, headers, own);
    if (systemCalls.emails.serves(service)) {
      return this.#sendOwn(request, reply, headers, await systemCalls.emails.call(request, service, principal));
    }
    if (!service.script) return this.#data(request, reply, headers, service, principal);
    return scripted.serve(call, service.script);
  }

  #sendOwn(request: ApiRequest, reply: Responder, headers: Headers, result: Result): Promise<void> {
    return sendForwarded(reply, { result, chunks: undefined }, 200, presentationOf(request, headers, true));
  }

  async #package(request: ApiRequest, reply: Responder, headers: Headers, principal: Principal): Promise<void> {
    const answer = await this.#stages.systemCalls.packages.call(request, principal, this.#packageFiles);
    const shown = presentationOf(request, headers, true);
    if (answer.kind === 'archive') return sendFile(reply, answer.bytes, 'application/zip', answer.filename, headers);
    return sendForwarded(reply, { result: answer.result, chunks: undefined }, answer.status, shown);
  }

  /** Records and schemas: what a connector, or the system service as one, has to answer. */
  async #data(
    request: ApiRequest,
    reply: Responder,
    headers: Headers,
    service: Service,
    principal: Principal,
  ): Promise<void> {
    const { listings, forwarder, remembered, requestTimeoutMs } = this.#stages;
    const read = isOwn(service) ? withInvites(request, parseSystem(request)) : parseDatabase(request);
    const standing = service.type === 'system' ? this.#stages.limitCache.standingOf(read) : undefined;
    const parsed = { ...read, ...standing?.parsed };
    const asked = { requestId: request.http.id, verb: request.verb, parsed, service, principal };
    const granted = this.#ruled.grant(asked);
    const deadline = new Deadline(request.http.receivedAt + requestTimeoutMs);
    reply.onAborted(() => deadline.abort(callerGone()));
    const strict = parsed.shape.strict ? [STRICT] : [];
    const shown = presentationOf(request, [...headers, ...strict], parsed.single);
    if (parsed.listing !== undefined) {
      const entries = await listings.entries(request, parsed, service, principal, deadline);
      return sendValue(reply, 200, shown.wrap ? { resource: entries } : entries, shown);
    }
    if (remembers(request) && (!request.asked || request.asked.http === request.http))
      remembered.learn(request.http, request.component, service, parsed);
    const call: Call = { ...asked, request, parsed, granted };
    if (request.http.upload) return this.#import(call, request.http.upload, shown, reply);
    const lines = linesFormat(request, parsed, request.asked ? askedPresentation(request.asked, [], false) : shown);
    if (lines) {
      const endless = { ...call, parsed: withEverything(parsed) };
      const passed = request.asked ? askedPresentation(request.asked, shown.headers, false) : shown;
      return this.#stream({ ...endless, granted: this.#ruled.grant(endless) }, lines, passed, reply);
    }
    const own = await this.#ruled.send(call, granted, (operation) =>
      forwarder.send(service.tier, operation, deadline, parsed.repeatable),
    );
    const forwarded = own.result.foreign.length > 0 ? await this.#foreign.merge(own, call, deadline) : own;
    const isMade = isOwn(service) && request.verb === 'POST' && own.result.created;
    const created = isMade && request.segments[0] !== 'limit';
    const transform = standing?.show ?? transformOf(request, parsed, service, principal);
    await sendForwarded(reply, forwarded, created ? 201 : 200, shown, transform);
  }

  /** A list without an end: passed on as it is found, for as long as the client takes it. */
  async #stream(call: Call, format: 'ndjson' | 'csv', shown: Presentation, reply: Responder): Promise<void> {
    const { forwarder, exportTimeoutMs } = this.#stages;
    const deadline = new Deadline(call.request.http.receivedAt + exportTimeoutMs);
    reply.onAborted(() => deadline.abort(callerGone()));
    await this.#ruled.send(call, call.granted, (operation) =>
      sendLines(reply, forwarder.stream(call.service.tier, operation, deadline), format, shown),
    );
  }

  /** Records without an end in sight: passed on as they arrive, as fast as the connector writes them. */
  async #import(call: Call, upload: Upload, shown: Presentation, reply: Responder): Promise<void> {
    const { forwarder, exportTimeoutMs } = this.#stages;
    const { request, parsed, granted, service, principal } = call;
    const deadline = new Deadline(request.http.receivedAt + exportTimeoutMs);
    reply.onAborted(() => deadline.abort(callerGone()));
    const operation = toOperation(request.http.id, parsed, granted, principal);
    const pieces = recordPieces(request.http, upload);
    const admitted = granted.admits ? admittedPieces(pieces, granted.admits) : pieces;
    const forwarded = await forwarder.import(service.tier, operation, admitted, deadline);
    const headers = [...shown.headers, MINIMAL];
    await sendForwarded(reply, forwarded, 200, { ...shown, headers });
  }

  #remembered(ready: ReadyCall, http: Request, reply: Responder, headers: Headers, asked: Asked): Promise<void> {
    const { listeners } = this.#stages;
    const name = ready.service.name.toLowerCase();
    const heard = listeners.serves(name)
      ? ready.heardBy(() => listeners.ofPath(ready.service, http.path, http.method))
      : undefined;
    if (heard) {
      const request = new ApiRequest(http, name, heard.segments);
      return this.#rememberedScripted(ready, request, reply, headers, heard.listening);
    }
    return this.#answer(ready, reply, headers, () => this.#serve(http, reply, headers, asked));
  }

  async #rememberedScripted(
    ready: ReadyCall,
    request: ApiRequest,
    reply: Responder,
    headers: Headers,
    listening: Listening,
  ): Promise<void> {
    const call = this.#callOf(request, reply, headers, ready.service, ready.principal);
    await this.#stages.scripted.around(call, listening, (changed, watched) =>
      changed
        ? this.#scriptedWork(call, changed, watched)
        : this.#answer(ready, watched, headers, () => this.#scriptedWork(call, undefined, watched)),
    );
  }

  /** A remembered call: the way back is the same as for one that was read in full. */
  #answer(ready: ReadyCall, reply: Responder, headers: Headers, inFull: () => Promise<void>): Promise<void> {
    const shown = { format: 'json', disposition: undefined, wrap: !ready.parsed.single, headers } as const;
    return ready.send(reply).then(
      (forwarded) => (forwarded.result.foreign.length > 0 ? inFull() : sendForwarded(reply, forwarded, 200, shown)),
      (thrown: unknown) => {
        if (!wantedTables(thrown)) throw thrown;
        return inFull();
      },
    );
  }

  #root(request: ApiRequest, reply: Responder, headers: Headers, principal: Principal): void {
    if (request.verb !== 'GET') throw new MillraceError('unsupported', `${request.verb} is not supported here.`);
    const value = rootListing(this.#stages.state, principal, request.query);
    sendValue(reply, 200, value, presentationOf(request, headers, true));
  }

  #preflight(http: Request, reply: Responder, headers: Headers, method: string): void {
    const requested = http.header('access-control-request-headers');
    const answer = this.#stages.cors.preflight(http.path, http.header('origin'), method, requested);
    const id = headers.filter(([name]) => name === 'X-Request-Id');
    reply.send(answer.status, [...id, ...answer.headers], '');
  }

  #refuse(http: Request, reply: Responder, headers: Headers, { verb, principal }: Asked, thrown: unknown): void {
    const error = MillraceError.from(thrown);
    this.#refusals.note(http, verb, error, principal);
    if (error.code === 'internal') {
      this.#stages.log.error({ err: error.cause ?? error, requestId: http.id, path: http.path }, 'request failed');
    }
    if (reply.aborted) return;
    sendError(reply, error, verb, http.header('accept'), headers);
  }
}

/** Of the system service: its records are answered as its own programs know them. */
const isOwn = ({ type }: Service): boolean => type === 'system' || type === 'user';

/** Options that change how an answer is shown are left to the full reading. */
function remembers({ query }: ApiRequest): boolean {
  return !['as_list', 'file', 'accept', 'wrap'].some((name) => query.has(name));
}

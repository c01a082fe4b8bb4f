/**
 * Calls that were understood and decided before: the same path and options by the same role are answered without
 * reading, deciding and encoding them anew. Whatever decisions depend on empties this memory when it changes.
 */
import { LRUCache } from 'lru-cache';
import { callerGone, Deadline } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import type { Service } from '#proto/access/v1/access_pb.ts';
import type { Filter, Shape } from '#proto/data/v1/data_pb.ts';
import type { AccessState } from './access/state.ts';
import type { Limits } from './admit/limits.ts';
import { type Authenticators, authenticate } from './authenticate/authenticate.ts';
import type { Principal } from './authenticate/principal.ts';
import { mayUse } from './decide/access.ts';
import { grant } from './decide/grant.ts';
import { mayHoldLookups } from './decide/record-lookups.ts';
import type { CompiledRole } from './decide/role.ts';
import type { Forwarded, Forwarder } from './forward/forward.ts';
import { toOperation } from './forward/operation.ts';
import type { Responder } from './http/reply.ts';
import type { Request } from './http/request.ts';
import { type KnownCall, knownCall } from './parse/known-call.ts';
import { textValue } from './parse/options.ts';
import type { ParsedResource } from './parse/resource.ts';
import { type Heard, heardOfAnother } from './script/listeners.ts';

const CALLS_MAX = 5000;
/** What is kept of a call grows with its key: a long filter is a large tree. */
const KEY_CHARACTERS_MAX = 1024 * 1024;
const NOTHING = new Uint8Array();

interface Remembered {
  readonly service: Service;
  readonly parsed: ParsedResource;
  /** For role rules; of a call by identifier, the table's. */
  readonly component: string;
  readonly byId: boolean;
  /** What each role made of it; undefined: to be decided anew each time. */
  readonly shapes: Map<CompiledRole | undefined, Shape | undefined>;
  /** Which scripts listen to calls like this one; undefined: nobody has asked; null: none. */
  heard: Heard | null | undefined;
}

/** A call that can be sent at once. */
export interface ReadyCall {
  readonly parsed: ParsedResource;
  readonly service: Service;
  readonly principal: Principal;
  /** Which scripts listen to it: found out once for all calls that differ in nothing but their values. */
  heardBy(findOut: () => Heard | undefined): Heard | undefined;
  /** Sends it. @param reply  whoever waits for it */
  send(reply: Responder): Promise<Forwarded>;
}

export class RememberedCalls {
  readonly #state: AccessState;
  readonly #authenticators: Authenticators;
  readonly #forwarder: Forwarder;
  readonly #limits: Limits;
  readonly #requestTimeoutMs: number;
  readonly #calls = new LRUCache<string, Remembered>({
    max: CALLS_MAX,
    maxSize: KEY_CHARACTERS_MAX,
    sizeCalculation: (_, key) => key.length,
  });
  #epoch = -1;

  constructor(authenticators: Authenticators, forwarder: Forwarder, limits: Limits, requestTimeoutMs: number) {
    this.#state = authenticators.state;
    this.#authenticators = authenticators;
    this.#forwarder = forwarder;
    this.#limits = limits;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  /** A call that is known and admitted; undefined: read it in full, which also finds the words for a refusal. */
  find(http: Request): ReadyCall | undefined {
    if (this.#epoch !== this.#state.epoch) {
      this.#calls.clear();
      this.#epoch = this.#state.epoch;
      return undefined;
    }
    if (this.#calls.size === 0 || !plainAnswer(http)) return undefined;
    try {
      const call = knownCall(http);
      const known = call && this.#find(call);
      const principal = known && this.#principal(http);
      const shape = principal && this.#shape(known, http.method, principal);
      if (!call || !known || !principal || !shape || mayHoldLookups(call.records)) return undefined;
      // One too many is refused by the full reading, where it is not counted again.
      this.#limits.admit(principal, known.service, pathOf(known, call), http.method);
      return this.#ready(call, known, shape, principal, http);
    } catch (error) {
      if (error instanceof MillraceError) return undefined;
      throw error;
    }
  }

  /** Remembers a call that was read in full and is about to be sent. */
  learn(http: Request, component: string, service: Service, parsed: ParsedResource): void {
    if (parsed.table === undefined || this.#epoch !== this.#state.epoch || !plainAnswer(http)) return;
    const call = knownCall(http);
    if (!call || !isTakenApart(call, parsed)) return;
    const byId = parsed.keys.length > 0;
    if (byId && (parsed.keys.length > 1 || !call.keyedBy || !parsed.single)) return;
    const key = byId && call.keyedBy ? call.keyedBy.key : call.key;
    const remembered: Remembered = {
      service,
      // What differs from one call to the next is not kept: records may be large.
      parsed: { ...parsed, keys: [], parameters: [], records: NOTHING },
      component: byId ? component.slice(0, component.lastIndexOf('/')) : component,
      byId,
      shapes: new Map(),
      heard: undefined,
    };
    this.#calls.set(key, remembered);
  }

  #find(call: KnownCall): Remembered | undefined {
    const exact = this.#calls.get(call.key);
    if (exact) return exact;
    return call.keyedBy && this.#calls.get(call.keyedBy.key);
  }

  #principal(http: Request): Principal | undefined {
    const authorization = http.header('authorization');
    const bearer = authorization?.startsWith('Bearer ') ? authorization.slice(7) : undefined;
    if (authorization !== undefined && bearer === undefined) return undefined;
    const token = bearer ?? (http.header('x-dreamfactory-session-token') || undefined);
    const apiKey = http.header('x-dreamfactory-api-key') || undefined;
    const principal = authenticate(this.#authenticators, { apiKey, token, basic: undefined }, () => '');
    if (!(principal instanceof Promise)) return principal;
    // The full reading asks again and answers what this one would be refused with.
    principal.catch(() => undefined);
    return undefined;
  }

  #shape(known: Remembered, method: string, principal: Principal): Shape | undefined {
    const { role } = principal;
    if (!role && !principal.isAdmin) return undefined;
    if (known.shapes.has(role)) return known.shapes.get(role);
    const shape = this.#decide(known, method, principal);
    known.shapes.set(role, shape);
    return shape;
  }

  /** The shape that this role may send, where that depends on nothing but the role. */
  #decide(known: Remembered, method: string, principal: Principal): Shape | undefined {
    const { service, parsed, component, byId } = known;
    const { role } = principal;
    if (byId && role?.hasRulesBelow(service.id, component)) return undefined;
    // Any identifier stands for all of them.
    if (!mayUse(principal, service, byId ? `${component}/0` : component, method)) return undefined;
    const granted = grant(parsed, method, service, principal, this.#state);
    if (granted.variant !== '' || (leadsElsewhere(parsed) && !granted.shape.unruled)) return undefined;
    return { ...granted.shape };
  }

  #ready(call: KnownCall, known: Remembered, shape: Shape, principal: Principal, http: Request): ReadyCall {
    const { parsed, service, byId } = known;
    const send = (reply: Responder): Promise<Forwarded> => {
      const deadline = new Deadline(http.receivedAt + this.#requestTimeoutMs);
      reply.onAborted(() => deadline.abort(callerGone()));
      const travelling = {
        keys: byId && call.keyedBy ? [textValue(call.keyedBy.id)] : [],
        records: call.records,
      };
      const operation = toOperation(http.id, travelling, { shape, parameters: call.parameters }, principal);
      return this.#forwarder.send(service.tier, operation, deadline, parsed.repeatable);
    };
    const heardBy = (findOut: () => Heard | undefined): Heard | undefined => {
      if (known.heard === undefined) known.heard = findOut() ?? null;
      if (known.heard === null) return undefined;
      return byId && call.keyedBy ? heardOfAnother(known.heard, call.keyedBy.id) : known.heard;
    };
    return { parsed, service, principal, heardBy, send };
  }
}

/** Below the service, lower case. */
const pathOf = ({ component, byId }: Remembered, { keyedBy }: KnownCall): string =>
  byId && keyedBy ? `${component}/${keyedBy.id.toLowerCase()}` : component;

/** All values are those of the one filter: others (of the filter of a relation, of one that is ignored) would be lost. */
function isTakenApart(call: KnownCall, { shape: { action }, parameters }: ParsedResource): boolean {
  const filter = 'filter' in (action.value ?? {}) ? (action.value as { filter?: Filter }).filter : undefined;
  return call.parameters.length === parameters.length && (call.filter === undefined) === (filter === undefined);
}

/** Records of other tables are asked for: their rules have to travel as well. */
function leadsElsewhere({ shape: { action } }: ParsedResource): boolean {
  return action.case === 'read' && action.value.related.length > 0;
}

/** The usual: JSON, wrapped as usual, no preferences. */
function plainAnswer(http: Request): boolean {
  const accept = http.header('accept');
  const usual = accept === undefined || accept === '*/*' || accept === 'application/json';
  return (
    usual &&
    http.header('wrap') === undefined &&
    http.header('prefer') === undefined &&
    http.header('idempotency-key') === undefined
  );
}

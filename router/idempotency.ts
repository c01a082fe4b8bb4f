/**
 * Writes that carry an Idempotency-Key are done once. The first claims the key at the system service; its answer is
 * kept there before the client gets it, and given to whoever sends the same again, to whichever router.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { IDEMPOTENCY_KEY_LENGTH_MAX, KEPT_ANSWER_BYTES_MAX, KEPT_ANSWER_MS } from '#common/bounds.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import type { Channel } from '#common/grpc/channel.ts';
import type { Logger } from '#common/observe/log.ts';
import {
  ClaimRequestSchema,
  KeepRequestSchema,
  type KeptAnswer,
  type KeptAnswers,
  ReleaseRequestSchema,
  ClaimReply_State as State,
} from '#proto/system/v1/system_pb.ts';
import type { Principal } from './authenticate/principal.ts';
import { type Recorded, RecordedReply } from './http/recorded-reply.ts';
import type { Headers, Responder } from './http/reply.ts';
import type { ApiRequest } from './parse/api-request.ts';

/** How often somebody who waits for the first one asks again. */
const POLL_MS = 50;
const CALL_TIMEOUT_MS = 5000;
/** Beyond the time of a request: from its end to the word that its answer is kept. */
const LEASE_MARGIN_MS = 5000;

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
/** Of file services: what is made may be named by one of them. */
const NAMES = ['x-folder-name', 'x-file-name', 'upload-metadata'];
/** Of each request alone: another one gets its own. */
const PASSING = /^(?:x-request-id|access-control-.*|vary)$/i;

/** Says how to refuse a request; the words go to whoever is given. */
export type Refuse = (reply: Responder, error: unknown) => void;

/** Of a write that was answered with an error: it was not begun, or it was done. undefined: nobody can tell. */
export type Fate = 'undone' | 'done' | undefined;

export class Idempotency {
  readonly #kept: Channel<typeof KeptAnswers>;
  readonly #requestTimeoutMs: number;
  readonly #log: Logger;

  constructor(kept: Channel<typeof KeptAnswers>, requestTimeoutMs: number, log: Logger) {
    this.#kept = kept;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#log = log;
  }

  /** Does this request ask to be done once? @throws MillraceError invalid for a key that is none */
  applies({ http, verb }: ApiRequest): boolean {
    const key = http.header('idempotency-key');
    if (key === undefined || !WRITES.has(verb)) return false;
    if (http.upload) {
      const field = 'Idempotency-Key';
      throw invalid(`A body that is taken as it arrives is not remembered: leave the header ${field} out.`, { field });
    }
    if (key !== '' && key.length <= IDEMPOTENCY_KEY_LENGTH_MAX && /^[\x21-\x7e]+$/.test(key)) return true;
    const length = `1 to ${IDEMPOTENCY_KEY_LENGTH_MAX}`;
    throw invalid(`The header Idempotency-Key must have ${length} visible ASCII characters.`, {
      field: 'Idempotency-Key',
    });
  }

  /**
   * @param work  does the write, and tells what became of it; what it throws is refused by `refuse`
   * @throws MillraceError contradiction for a key that stands for another request, conflict where the outcome of the
   *   first one is not known, unavailable when the system service cannot be reached: nothing was done then
   */
  async once(
    request: ApiRequest,
    principal: Principal,
    reply: Responder,
    headers: Headers,
    work: (reply: Responder) => Promise<Fate>,
    refuse: Refuse,
  ): Promise<void> {
    const key = keyDigest(request, principal);
    const answer = await this.#claim(key, requestDigest(request));
    if (answer) return replay(answer, reply, headers);
    const recorded = new RecordedReply(KEPT_ANSWER_BYTES_MAX, 'The answer is too large to be kept.');
    let fate: Fate;
    try {
      fate = await work(recorded);
    } catch (error) {
      if (isUndone(error)) {
        await this.#release(key);
        throw error;
      }
      refuse(recorded, error);
    }
    const given = keptAnswer(recorded.answer);
    const isSettled = given.status < 500;
    if (fate === 'undone' && !isSettled) await this.#release(key);
    if (fate === 'done' || isSettled) {
      const kept = { ...given, headers: given.headers.filter(({ name }) => !PASSING.test(name)) };
      await this.#quietly('keep', () =>
        this.#kept.call('keep', create(KeepRequestSchema, { key, answer: kept }), CALL_TIMEOUT_MS),
      );
    }
    reply.send(
      given.status,
      given.headers.map(({ name, value }) => [name, value] as const),
      given.body,
    );
  }

  /** @returns the answer to the first one; undefined: this is the first one */
  async #claim(key: Uint8Array, request: Uint8Array): Promise<KeptAnswer | undefined> {
    const until = Date.now() + this.#requestTimeoutMs;
    const leaseMs = this.#requestTimeoutMs + LEASE_MARGIN_MS;
    const claim = create(ClaimRequestSchema, { key, request, leaseMs, keepMs: KEPT_ANSWER_MS });
    for (;;) {
      const { state, answer } = await this.#kept.call('claim', claim, CALL_TIMEOUT_MS);
      switch (state) {
        case State.CLAIMED:
          return undefined;
        case State.ANSWERED:
          if (answer) return answer;
          throw new MillraceError('internal', 'A kept answer is not there.');
        case State.OTHER_REQUEST:
          throw new MillraceError('contradiction', 'This Idempotency-Key was sent with another request before.');
        case State.RUNNING:
          if (Date.now() >= until) throw conflict('The first request with this Idempotency-Key is still under way.');
          await delay(POLL_MS);
          break;
        default:
          throw conflict(
            'How the first request with this Idempotency-Key ended is not known. Look before another key.',
          );
      }
    }
  }

  #release(key: Uint8Array): Promise<void> {
    const request = create(ReleaseRequestSchema, { key });
    return this.#quietly('release', () => this.#kept.call('release', request, CALL_TIMEOUT_MS));
  }

  /** The write itself is done, or was not begun: what it came to must not depend on this. */
  async #quietly(what: string, call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#log.warn({ err: error }, `could not ${what} the answer to a write with an Idempotency-Key`);
    }
  }
}

const NOTHING = new Uint8Array();

const conflict = (message: string): MillraceError => new MillraceError('conflict', message);

/** Nothing was begun: the same key may be used again. What was lost has a cause, and may have done the write. */
function isUndone(thrown: unknown): boolean {
  const { code, cause } = MillraceError.from(thrown);
  return code === 'limited' || ((code === 'overloaded' || code === 'unavailable') && cause === undefined);
}

function keyDigest({ http, service }: ApiRequest, { user, app }: Principal): Uint8Array {
  return digest([service, user?.id ?? 0, app?.id ?? 0, http.header('idempotency-key')], NOTHING);
}

function requestDigest({ http, verb }: ApiRequest): Uint8Array {
  const names = NAMES.flatMap((name) => http.header(name) ?? []);
  return digest([verb, http.path, http.query, http.header('content-type') ?? '', ...names], http.body);
}

function digest(facts: readonly unknown[], body: Uint8Array): Uint8Array {
  return createHash('sha256').update(JSON.stringify(facts)).update(body).digest();
}

function replay({ status, headers, body }: KeptAnswer, reply: Responder, own: Headers): void {
  const kept = headers.map(({ name, value }) => [name, value] as const);
  reply.send(status, [...kept, ...own, ['Idempotent-Replayed', 'true']], body);
}

const keptAnswer = ({ status, headers, body }: Recorded): KeptAnswer => ({
  $typeName: 'millrace.system.v1.KeptAnswer',
  status,
  headers: headers.map(([name, value]) => ({ $typeName: 'millrace.system.v1.KeptHeader', name, value })),
  body,
});

/** The whole request path without sockets: a forwarder that keeps what would have travelled, and answers at once. */
import { create, fromBinary } from '@bufbuild/protobuf';
import { SILENT } from '#common/testing/exchange.ts';
import { type Operation, ResultSchema, type Shape, ShapeSchema } from '#proto/data/v1/data_pb.ts';
import type { AccessState } from '../access/state.ts';
import type { Authenticators } from '../authenticate/authenticate.ts';
import type { BasicVerifier } from '../authenticate/basic.ts';
import { TokenVerifier } from '../authenticate/token.ts';
import { Cors } from '../decide/cors.ts';
import type { Forwarded, Forwarder } from '../forward/forward.ts';
import { Listings } from '../listings.ts';
import type { ParsedResource } from '../parse/resource.ts';
import { Pipeline, type Stages } from '../pipeline.ts';
import { RememberedCalls } from '../remembered.ts';
import { type Answer, KeepingReply, requestOf, type Sent } from './request.ts';

export interface Travelled {
  readonly tier: string;
  readonly repeatable: boolean;
  readonly operation: Operation;
  readonly shape: Shape;
}

export interface Outcome extends Answer {
  readonly travelled: readonly Travelled[];
  /** What was remembered of it, where it went the short way. */
  readonly remembered: ParsedResource | undefined;
}

export class BehindDoor {
  readonly #pipeline: Pipeline;
  #travelled: Travelled[] = [];
  #remembered: ParsedResource | undefined;

  /** @param json  what every connector answers */
  constructor(state: AccessState, { remembers = true, json = '[]' } = {}) {
    const forwarder = {
      send: async (tier: string, operation: Operation, _deadline: unknown, repeatable: boolean): Promise<Forwarded> => {
        if (operation.form.case !== 'encodedShape') throw new Error('routers send encoded shapes');
        const shape = fromBinary(ShapeSchema, operation.form.value);
        this.#travelled.push({ tier, repeatable, operation, shape });
        return { result: create(ResultSchema, { json: Buffer.from(json) }), chunks: undefined };
      },
    } as unknown as Forwarder;
    const authenticators: Authenticators = {
      state,
      tokens: new TokenVerifier(state),
      basic: {} as BasicVerifier,
    };
    const memory = new RememberedCalls(authenticators, forwarder, 10_000);
    const noting = {
      send: (...call: Parameters<RememberedCalls['send']>) => {
        const ready = remembers ? memory.send(...call) : undefined;
        this.#remembered = ready?.parsed;
        return ready;
      },
      learn: (...call: Parameters<RememberedCalls['learn']>) => memory.learn(...call),
    } as unknown as RememberedCalls;
    this.#pipeline = new Pipeline({
      state,
      authenticators,
      remembered: noting,
      cors: new Cors(state),
      systemCalls: { answer: async () => undefined, emails: { serves: () => false } },
      listings: new Listings(forwarder),
      forwarder,
      idempotency: { applies: () => false },
      status: () => ({ ready: true }),
      requestTimeoutMs: 10_000,
      exportTimeoutMs: 10_000,
      log: SILENT,
    } as unknown as Stages);
  }

  async send(sent: Sent): Promise<Outcome> {
    this.#travelled = [];
    const reply = new KeepingReply();
    this.#pipeline.handle(requestOf(sent), reply);
    const answer = await reply.answer;
    return { ...answer, travelled: this.#travelled, remembered: this.#remembered };
  }
}

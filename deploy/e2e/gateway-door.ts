/** The client of the suites at the other door: what goes to REST elsewhere goes through the gateway here. */
import { create } from '@bufbuild/protobuf';
import { Deadline } from '#common/deadline.ts';
import { type GatewayAnswer, type GatewayCall, GatewayClient } from '#common/gateway/client.ts';
import { Channel } from '#common/grpc/channel.ts';
import { type Chunk, Gateway, RequestSchema, type Response } from '#proto/gateway/v1/gateway_pb.ts';
import { type Answer, type Body, Client, type Headers } from './client.ts';

export const WAYS = ['call', 'exchange', 'stream'] as const;
export type Way = (typeof WAYS)[number];

const TIMEOUT_MS = 30_000;

/** One router's gateway. */
export class Door {
  readonly #channel: Channel<typeof Gateway>;
  readonly #client: GatewayClient;

  constructor(address: string) {
    this.#channel = new Channel(Gateway, { address, token: undefined, peer: 'gateway' });
    this.#client = new GatewayClient({ addresses: [address] });
  }

  /** With the same credentials as a client of REST. */
  client(way: Way, like: Client): Client {
    return new GatewayCaller(this, way, like.headers);
  }

  async call(way: Way, call: GatewayCall): Promise<Answer> {
    if (way === 'exchange') return answerOf(await this.#client.call(call, Deadline.after(TIMEOUT_MS)));
    const request = create(RequestSchema, { ...call, body: Buffer.from(call.body ?? '') });
    if (way === 'call') return answerOf(await this.#channel.call('call', request, TIMEOUT_MS));
    let head: Response | undefined;
    const parts: Uint8Array[] = [];
    for await (const chunk of this.#channel.watch('stream', request) as AsyncIterable<Chunk>) {
      head ??= chunk.head;
      parts.push(chunk.body);
    }
    if (!head) throw new Error('A stream without a head.');
    return answerOf(head, parts);
  }

  close(): void {
    this.#client.close();
    this.#channel.close();
  }
}

class GatewayCaller extends Client {
  readonly #door: Door;
  readonly #way: Way;

  constructor(door: Door, way: Way, headers: Headers) {
    super('', headers);
    this.#door = door;
    this.#way = way;
  }

  override as(headers: Headers): Client {
    return new GatewayCaller(this.#door, this.#way, headers);
  }

  override send(method: string, path: string, body?: Body, headers: Headers = {}): Promise<Answer> {
    const target = path.replace(/[^\x21-\x7e]|["<>]/g, encodeURIComponent);
    const question = target.indexOf('?');
    const isBytes = typeof body === 'string' || body instanceof Uint8Array;
    return this.#door.call(this.#way, {
      verb: method,
      path: question < 0 ? target : target.slice(0, question),
      query: question < 0 ? '' : target.slice(question + 1),
      headers: { ...this.headers, ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: isBytes ? (body as string) : JSON.stringify(body) }),
    });
  }
}

function answerOf({ status, headers, body }: GatewayAnswer, more: readonly Uint8Array[] = []): Answer {
  const lower = headers.map(({ name, value }) => [name.toLowerCase(), value] as const);
  return { status, headers: Object.fromEntries(lower), text: Buffer.concat([body, ...more]).toString('utf8') };
}

/** Calls of the API for our own programs: over one stream to each router, together with whatever else is asked. */
import {
  type Batch,
  type BatchReply,
  BatchSchema,
  Gateway,
  type Request,
  RequestSchema,
  type Response,
} from '#proto/gateway/v1/gateway_pb.ts';
import { OPERATION_BYTES_MAX } from '../bounds.ts';
import { type Deadline, deadlinePassed } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { BatchedCalls } from '../exchange/calls.ts';
import { Channel, type ChannelTls } from '../grpc/channel.ts';
import { Replicas } from '../replicas.ts';
import { GATEWAY_CODECS } from './codec.ts';
import { saysLeave } from './leave.ts';

/** What REST says with a request line, headers and a body. */
export interface GatewayCall {
  /** GET where none is given. */
  readonly verb?: string;
  /** {service}/{resource}, percent-encoded. */
  readonly path: string;
  /** As behind the question mark. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly grant?: Uint8Array;
}

export interface GatewayAnswer {
  /** As of HTTP; also of an error. */
  readonly status: number;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: Uint8Array;
}

export interface GatewayClientSettings {
  /** One or more routers: host:port or unix:/path. */
  readonly addresses: readonly string[];
  /** Of the cluster, where the addresses are internal ones. */
  readonly token?: string | undefined;
  readonly tls?: ChannelTls | undefined;
}

const PEER = 'gateway';
const NOTHING = new Uint8Array();

/** Reconnects by itself; a router that is gone is left out for a while. */
export class GatewayClient {
  readonly #routers: Replicas<RouterLine>;

  constructor({ addresses, token, tls }: GatewayClientSettings) {
    this.#routers = new Replicas(addresses.map((address) => new RouterLine(address, token, tls)));
  }

  get inFlight(): number {
    return this.#routers.inFlight;
  }

  /**
   * A call that was never begun, and a GET whose line was lost, are tried once more.
   * @throws MillraceError unavailable when no router can be reached, overloaded when too many calls are in flight,
   *   limited for a body that is too large to travel, deadline, cancelled. Whatever a router says is an answer
   */
  call(call: GatewayCall, deadline: Deadline): Promise<GatewayAnswer> {
    const body = typeof call.body === 'string' ? Buffer.from(call.body) : (call.body ?? NOTHING);
    if (body.length > OPERATION_BYTES_MAX) {
      return Promise.reject(new MillraceError('limited', 'The body of one request is too large.'));
    }
    return this.#send(call, body, deadline, true);
  }

  close(): void {
    this.#routers.close();
  }

  #send(call: GatewayCall, body: Uint8Array, deadline: Deadline, mayRepeat: boolean): Promise<GatewayAnswer> {
    const router = this.#routers.pick();
    if (!router) return Promise.reject(new MillraceError('unavailable', 'No router is configured.'));
    return router.send(requestOf(call, body), deadline).then(
      (answer) => {
        this.#routers.succeeded(router);
        // The router may have ended it in the same moment: whoever waits hears one thing, whichever was first.
        if (answer.status === 503 && deadline.remainingMs() === 0) throw deadlinePassed();
        return answer;
      },
      (error: unknown) => {
        if (!isLost(error)) throw error;
        this.#routers.failed(router);
        const isGet = !call.verb || call.verb === 'GET';
        if (!mayRepeat || deadline.reason || (!isGet && error.cause !== NOT_BEGUN)) throw error;
        return this.#send(call, body, deadline, false);
      },
    );
  }
}

function requestOf(
  { verb = '', path, query = '', headers = {}, grant = NOTHING }: GatewayCall,
  body: Uint8Array,
): Request {
  return { $typeName: RequestSchema.typeName, id: 0, verb, path, query, headers, body, timeoutMs: 0, grant };
}

/** Cause of the error for a call that a stopping router has refused. */
const NOT_BEGUN = new Error('The router is stopping.');

class RouterLine {
  readonly #channel: Channel<typeof Gateway>;
  readonly #calls: BatchedCalls<Request, Response, GatewayAnswer, Batch, BatchReply>;

  constructor(address: string, token: string | undefined, tls: ChannelTls | undefined) {
    this.#channel = new Channel(Gateway, { address, token, tls, peer: PEER, codecs: GATEWAY_CODECS });
    this.#calls = new BatchedCalls({
      peer: PEER,
      open: () => this.#channel.duplex('exchange'),
      batchOf: (requests, cancels) => ({ $typeName: BatchSchema.typeName, requests, cancels }),
      answersOf: ({ responses }) => responses,
      bytesOf: ({ body }) => body.length,
      settle: (response, resolve, reject) => {
        if (saysLeave(response)) reject(this.#calls.unreachable(NOT_BEGUN));
        else resolve(response);
      },
    });
  }

  get inFlight(): number {
    return this.#calls.inFlight;
  }

  send(request: Request, deadline: Deadline): Promise<GatewayAnswer> {
    return this.#calls.send(request, deadline);
  }

  close(): void {
    this.#calls.close();
    this.#channel.close();
  }
}

/** Only a lost line has a cause. */
function isLost(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code === 'unavailable' && error.cause !== undefined;
}

/** How one tier calls another. */
import type { DescService, MessageShape } from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  FLOW_CONTROL_WINDOW_BYTES,
  GRPC_MESSAGE_BYTES_MAX,
  KEEPALIVE_INTERVAL_MS,
  KEEPALIVE_TIMEOUT_MS,
} from '../bounds.ts';
import type { Deadline } from '../deadline.ts';
import { withToken } from './auth.ts';
import { type Codecs, methodDefinition } from './service.ts';
import { fromServiceError } from './status.ts';

type Methods<S extends DescService> = S['method'];
type Input<S extends DescService, M extends keyof Methods<S>> = MessageShape<Methods<S>[M]['input']>;
type Output<S extends DescService, M extends keyof Methods<S>> = MessageShape<Methods<S>[M]['output']>;

export interface ChannelSettings {
  /** host:port or unix:/path */
  readonly address: string;
  readonly token: string | undefined;
  /** Name of the tier at the other end, for messages. */
  readonly peer: string;
  readonly codecs?: Codecs;
  /** undefined: in the clear. */
  readonly tls?: ChannelTls | undefined;
  /** What may be under way to us on one stream. */
  readonly windowBytes?: number;
}

/** PEM texts. */
export interface ChannelTls {
  /** Who may have signed the other side's certificate; undefined: those that Node.js trusts. */
  readonly authorities?: Buffer | undefined;
  /** What the other side is shown, where it asks. */
  readonly certificate?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** Reconnects soon: a tier that comes back should be used within a second. */
const OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': GRPC_MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': GRPC_MESSAGE_BYTES_MAX,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.enable_retries': 0,
  // A machine that vanished says no goodbye: without this its streams would seem alive for a quarter of an hour.
  'grpc.keepalive_time_ms': KEEPALIVE_INTERVAL_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  // Each channel its own connections, so that closing one never ends another's.
  'grpc.use_local_subchannel_pool': 1,
};

export class Channel<S extends DescService> {
  readonly #desc: S;
  readonly #client: Client;
  readonly #settings: ChannelSettings;

  constructor(desc: S, settings: ChannelSettings) {
    this.#desc = desc;
    this.#settings = settings;
    this.#client = new Client(settings.address, credentialsOf(settings.tls), {
      ...OPTIONS,
      // The default of 64 kB makes every page of a list wait for permission to go on.
      'grpc-node.flow_control_window': settings.windowBytes ?? FLOW_CONTROL_WINDOW_BYTES,
    });
  }

  /** A unary call. @throws MillraceError in our terms */
  call<M extends keyof Methods<S> & string>(method: M, request: Input<S, M>, timeoutMs: number): Promise<Output<S, M>> {
    const definition = this.#definition(method);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        definition.path,
        definition.requestSerialize,
        definition.responseDeserialize,
        request,
        withToken(this.#settings.token),
        { deadline: Date.now() + timeoutMs },
        (error: ServiceError | null, value?: object) => {
          if (error) reject(fromServiceError(error, this.#settings.peer));
          else resolve(value as Output<S, M>);
        },
      );
    });
  }

  /** A unary call that ends with its deadline. @throws MillraceError the deadline's reason, or in our terms */
  cancellable<M extends keyof Methods<S> & string>(
    method: M,
    request: Input<S, M>,
    deadline: Deadline,
  ): Promise<Output<S, M>> {
    deadline.throwIfAborted();
    const definition = this.#definition(method);
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        definition.path,
        definition.requestSerialize,
        definition.responseDeserialize,
        request,
        withToken(this.#settings.token),
        (error: ServiceError | null, value?: object) => {
          forget();
          if (error) reject(deadline.reason ?? fromServiceError(error, this.#settings.peer));
          else resolve(value as Output<S, M>);
        },
      );
      const forget = deadline.onAbort(() => call.cancel());
    });
  }

  /** A server stream without a deadline: the caller cancels it. */
  watch<M extends keyof Methods<S> & string>(method: M, request: Input<S, M>): ClientReadableStream<Output<S, M>> {
    const definition = this.#definition(method);
    return this.#client.makeServerStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      request,
      withToken(this.#settings.token),
    ) as ClientReadableStream<Output<S, M>>;
  }

  /** A client stream without a deadline: the caller cancels it. */
  upload<M extends keyof Methods<S> & string>(
    method: M,
    answered: (error: ServiceError | null, value?: Output<S, M>) => void,
  ): ClientWritableStream<Input<S, M>> {
    const definition = this.#definition(method);
    return this.#client.makeClientStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      withToken(this.#settings.token),
      answered as (error: ServiceError | null, value?: object) => void,
    ) as ClientWritableStream<Input<S, M>>;
  }

  duplex<M extends keyof Methods<S> & string>(method: M): ClientDuplexStream<Input<S, M>, Output<S, M>> {
    const definition = this.#definition(method);
    return this.#client.makeBidiStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      withToken(this.#settings.token),
    ) as unknown as ClientDuplexStream<Input<S, M>, Output<S, M>>;
  }

  close(): void {
    this.#client.close();
  }

  #definition(name: string) {
    const method = this.#desc.method[name];
    if (!method) throw new Error(`${this.#desc.typeName} has no method ${name}`);
    return methodDefinition(method, this.#settings.codecs);
  }
}

function credentialsOf(tls: ChannelTls | undefined): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  return credentials.createSsl(tls.authorities ?? null, tls.key ?? null, tls.certificate ?? null);
}

/** millrace.gateway.v1: the same calls as at the HTTP door, through the same pipeline, without HTTP. */
import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { OPERATION_BYTES_MAX } from '#common/bounds.ts';
import { callerGone, Deadline, deadlinePassed } from '#common/deadline.ts';
import { MillraceError } from '#common/errors.ts';
import { BatchedAnswers, type Desk } from '#common/exchange/answers.ts';
import { GATEWAY_CODECS } from '#common/gateway/codec.ts';
import { LEAVE } from '#common/gateway/leave.ts';
import type { ServedService } from '#common/grpc/service.ts';
import { toServiceError } from '#common/grpc/status.ts';
import {
  type Batch,
  type BatchReply,
  BatchReplySchema,
  type Chunk,
  Gateway,
  type Request as Message,
  type Response,
} from '#proto/gateway/v1/gateway_pb.ts';
import type { Principal } from '../authenticate/principal.ts';
import { BodyBudget } from '../http/body.ts';
import { refusalBody, refusalHeaders } from '../http/refusal.ts';
import type { Responder } from '../http/reply.ts';
import type { Request } from '../http/request.ts';
import { errorResponse, GatheredReply, StreamedReply } from './reply.ts';
import { type Peer, peerOf, requestOf } from './request.ts';

export interface GatewayOptions {
  /** Answers one request, whatever happens. @param caller  whom a grant stands for; undefined: credentials say it */
  readonly handle: (request: Request, reply: Responder, caller: Principal | undefined) => void;
  /** Whom a grant stands for. @throws MillraceError; undefined: there are no grants, and each is refused */
  readonly grants?: (grant: Uint8Array) => Principal;
  /** One request body. */
  readonly bodyBytesMax: number;
  /** Which bodies are handed over as they arrive at an HTTP door; here they have arrived already. */
  readonly streams: (request: Request, contentLength: number | undefined) => boolean;
  /** All answers that are being gathered at one moment. */
  readonly bufferedBytesMax: number;
  /** Told what `handle` threw; the caller is told nothing. */
  readonly onError: (error: unknown) => void;
}

export interface GatewayService extends ServedService {
  /** Ends the streams when what is in flight has been answered: they would hold a graceful stop for ever. */
  drain(): void;
}

/** Node's timers count no further, some 24 days; what is longer would end at once. */
const TIMER_MAX_MS = 0x7fffffff;

const STOPPING = new MillraceError('unavailable', 'The router is stopping.');

export function gatewayService(options: GatewayOptions): GatewayService {
  const streams = new Set<{ end(): void }>();
  const budget = new BodyBudget(options.bufferedBytesMax);
  const bodyBytesMax = Math.min(options.bodyBytesMax, OPERATION_BYTES_MAX);
  let draining = false;

  const begin = (message: Message, peer: Peer, deadline: Deadline, reply: Responder): void => {
    try {
      const caller = message.grant.length > 0 ? callerOf(message.grant, options) : undefined;
      const request = requestOf(message, peer, bodyBytesMax, options.streams);
      if ('message' in request) reply.send(request.status, refusalHeaders(request), refusalBody(request));
      else options.handle(request, reply, caller);
    } catch (error) {
      if (!(error instanceof MillraceError)) options.onError(error);
      deadline.abort(MillraceError.from(error));
    }
  };

  const deskOf = (peer: Peer): Desk<Message, Response, Batch, BatchReply> => ({
    callsOf: ({ requests }) => requests,
    cancelsOf: ({ cancels }) => cancels,
    deadlineOf,
    begin: (message, deadline, answer) => {
      begin(message, peer, deadline, new GatheredReply(message, deadline, budget, answer));
    },
    refusal: ({ id, verb }, error) => {
      const response = errorResponse(id, verb || 'GET', error);
      return error === STOPPING ? { ...response, headers: [...response.headers, LEAVE] } : response;
    },
    stopping: () => STOPPING,
    batchOf: (responses) => ({ $typeName: BatchReplySchema.typeName, responses }),
    bytesOf: ({ body }) => body.length,
  });

  return {
    desc: Gateway,
    codecs: GATEWAY_CODECS,
    drain: () => {
      draining = true;
      for (const stream of streams) stream.end();
    },
    implementation: {
      call: (call: ServerUnaryCall<Message, Response>, callback: sendUnaryData<Response>): void => {
        const { deadline, done } = timed(call);
        const answer = (response: Response): void => {
          done();
          callback(null, response);
        };
        const reply = new GatheredReply(call.request, deadline, budget, answer);
        begin(call.request, peerOf(call.metadata, call.getPeer()), deadline, reply);
      },
      exchange: (call: ServerDuplexStream<Batch, BatchReply>): void => {
        // A stream that comes now would hold the stop as well: its other side should go elsewhere.
        if (draining) return void call.emit('error', toServiceError(STOPPING));
        const stream = new BatchedAnswers(call, deskOf(peerOf(call.metadata, call.getPeer())));
        streams.add(stream);
        call.on('close', () => streams.delete(stream));
      },
      stream: (call: ServerWritableStream<Message, Chunk>): void => {
        const { deadline, done } = timed(call);
        begin(call.request, peerOf(call.metadata, call.getPeer()), deadline, new StreamedReply(call, deadline, done));
      },
    },
  };
}

function callerOf(grant: Uint8Array, { grants }: GatewayOptions): Principal {
  if (!grants) throw new MillraceError('unauthenticated', 'The grant is not known here.');
  return grants(grant);
}

/** The pipeline has bounds of its own for those who say nothing. */
const deadlineOf = ({ timeoutMs }: Message): Deadline =>
  timeoutMs > 0 ? Deadline.after(timeoutMs) : new Deadline(Number.POSITIVE_INFINITY);

/** For a call of its own, which no sweep looks after. The deadline of gRPC itself comes as a cancel. */
function timed(call: ServerUnaryCall<Message, Response> | ServerWritableStream<Message, Chunk>): {
  deadline: Deadline;
  done: () => void;
} {
  const deadline = deadlineOf(call.request);
  const { timeoutMs } = call.request;
  const late = (): void => deadline.abort(deadlinePassed());
  const timer = timeoutMs > 0 ? setTimeout(late, Math.min(timeoutMs, TIMER_MAX_MS)) : undefined;
  let isOver = false;
  // It is also what follows the end of each call.
  call.on('cancelled', () => {
    if (!isOver) deadline.abort(callerGone());
  });
  const done = (): void => {
    isOver = true;
    clearTimeout(timer);
  };
  return { deadline, done };
}

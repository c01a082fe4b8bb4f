/** The tier's end of millrace.files.v1: calls come in with their streams, operations do them, failures go back. */
import { create } from '@bufbuild/protobuf';
import type { ServerReadableStream, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { FILE_TIMEOUT_MS } from '#common/bounds.ts';
import { callerGone } from '#common/deadline.ts';
import { invalid, MillraceError } from '#common/errors.ts';
import { FILE_CODECS } from '#common/files/codec.ts';
import type { ContentLine } from '#common/files/content-line.ts';
import { failureOf } from '#common/files/failure.ts';
import { PathRules } from '#common/files/rules.ts';
import { PieceWriter } from '#common/files/streams.ts';
import type { ServedService } from '#common/grpc/service.ts';
import { timedDeadline } from '#common/in-time.ts';
import type { Logger } from '#common/observe/log.ts';
import {
  type ChangeReply,
  ChangeReplySchema,
  type ChangeRequest,
  type Content,
  ContentSchema,
  type Context,
  type Entries,
  EntriesSchema,
  type EntryReply,
  EntryReplySchema,
  type Failure,
  type FetchReply,
  FetchReplySchema,
  type FetchRequest,
  FileStore,
  type FindLineReply,
  FindLineReplySchema,
  type ListRequest,
  type PackRequest,
  type ReadRequest,
  type StatRequest,
  UnpackReplySchema,
  type Upload,
  type UploadHead,
  type UploadRequest,
  type UploadState,
  UploadStateSchema,
} from '#proto/files/v1/files_pb.ts';
import { type Call, POST_BIT } from './call.ts';
import type { FileSettings } from './config.ts';
import type { StorageConnector } from './connector.ts';
import { change } from './operations/change.ts';
import { fetch } from './operations/fetch.ts';
import { list } from './operations/list.ts';
import { pack } from './operations/pack.ts';
import { read } from './operations/read.ts';
import { stat } from './operations/stat.ts';
import { unpack } from './operations/unpack.ts';
import { ownPieces, write } from './operations/write.ts';
import { receive } from './receive.ts';
import { Uploads } from './uploads/uploads.ts';

/** A request; that of Fetch has its context in the head of what shall be written. */
type Asking = { readonly context?: Context | undefined; readonly head?: UploadHead | undefined };
type Cancellable = { on(event: 'cancelled', listener: () => void): unknown };

/** @param line  for large contents; undefined: they come like all others */
export function fileStore(
  connector: StorageConnector,
  settings: FileSettings,
  log: Logger,
  line?: ContentLine,
): ServedService {
  const uploads = new Uploads(settings.uploadLifetimeMs);

  /** Does one call with its service, until its time is over or the caller is gone. */
  async function during<T>(
    name: string,
    grpcCall: Cancellable,
    context: Context | undefined,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const { deadline, done } = timedDeadline(context?.timeoutMs || FILE_TIMEOUT_MS);
    grpcCall.on('cancelled', () => deadline.abort(callerGone()));
    let release = (): void => {};
    try {
      if (!context?.service) throw invalid('A call about files must name its service.', { field: 'service' });
      const { storage, done: leave } = await connector.take(context.service);
      release = leave;
      const { source, backend } = storage;
      const rules = new PathRules(context.rules);
      return await work({ source, family: backend.family, rules, writeBit: context.writeBit || POST_BIT, deadline });
    } catch (thrown) {
      const error = deadline.reason ?? MillraceError.from(thrown);
      tell(log, error, { requestId: context?.requestId, service: context?.service, call: name });
      throw error;
    } finally {
      done();
      release();
      deadline.abort(callerGone()); // whatever is still at it, such as a body that nobody took
    }
  }

  function unary<Q extends Asking, R>(
    name: string,
    work: (call: Call, request: Q) => Promise<R>,
    failed: (failure: Failure) => R,
  ) {
    return (grpcCall: ServerUnaryCall<Q, R>, callback: sendUnaryData<R>): void => {
      const { request } = grpcCall;
      during(name, grpcCall, contextOf(request), (call) => work(call, request)).then(
        (reply) => callback(null, reply),
        (error: unknown) => callback(null, failed(failureOf(error))),
      );
    };
  }

  function streamed<Q extends Asking, R>(
    name: string,
    work: (call: Call, request: Q) => AsyncIterable<R>,
    failed: (failure: Failure) => R,
  ) {
    return async (grpcCall: ServerWritableStream<Q, R>): Promise<void> => {
      const { request } = grpcCall;
      const writer = new PieceWriter<R>(grpcCall);
      grpcCall.on('cancelled', () => writer.over());
      try {
        await during(name, grpcCall, contextOf(request), async (call) => {
          call.deadline.onAbort(() => writer.over());
          for await (const message of work(call, request)) {
            await writer.write(message);
            call.deadline.throwIfAborted();
          }
        });
      } catch (error) {
        grpcCall.write(failed(failureOf(error)));
      }
      grpcCall.end();
    };
  }

  function uploaded<R>(
    name: string,
    work: (call: Call, head: UploadHead, body: AsyncIterable<Uint8Array>) => Promise<R>,
    failed: (failure: Failure) => R,
  ) {
    return (grpcCall: ServerReadableStream<Upload, R>, callback: sendUnaryData<R>): void => {
      const { deadline, done } = timedDeadline(FILE_TIMEOUT_MS);
      grpcCall.on('cancelled', () => deadline.abort(callerGone()));
      const bytesOf = (ticket: string): AsyncIterable<Uint8Array> => {
        if (!line) throw invalid('Nothing comes by a line here.', { field: 'line_ticket' });
        return line.take(ticket, deadline);
      };
      receive(grpcCall, (head, body) => during(name, grpcCall, head.context, (call) => work(call, head, body)), bytesOf)
        .finally(done)
        .then(
          (reply) => callback(null, reply),
          (error: unknown) => callback(null, failed(failureOf(error))),
        );
    };
  }

  return {
    desc: FileStore,
    codecs: FILE_CODECS,
    implementation: {
      stat: unary<StatRequest, EntryReply>('stat', stat, (failure) => create(EntryReplySchema, { failure })),
      list: streamed<ListRequest, Entries>('list', list, (failure) => create(EntriesSchema, { failure })),
      read: streamed<ReadRequest, Content>(
        'read',
        (call, request) => read(call, request, line),
        (failure) => create(ContentSchema, { failure }),
      ),
      pack: streamed<PackRequest, Content>('pack', pack, (failure) => create(ContentSchema, { failure })),
      write: uploaded('write', write, (failure) => create(EntryReplySchema, { failure })),
      unpack: uploaded(
        'unpack',
        (call, head, body) => unpack(call, head, ownPieces(head, body), settings.unpackBytesMax),
        (failure) => create(UnpackReplySchema, { failure }),
      ),
      fetch: unary<FetchRequest, FetchReply>('fetch', (call, request) => fetch(call, request, settings), fetchFailed),
      beginUpload: unary<UploadHead, UploadState>(
        'beginUpload',
        (call, head) => uploads.begin(call, head),
        uploadFailed,
      ),
      appendUpload: uploaded(
        'appendUpload',
        (call, head, body) => uploads.append(call, head, ownPieces(head, body)),
        uploadFailed,
      ),
      getUpload: unary<UploadRequest, UploadState>(
        'getUpload',
        (call, { upload }) => uploads.get(call, upload),
        uploadFailed,
      ),
      endUpload: unary<UploadRequest, UploadState>(
        'endUpload',
        (call, { upload }) => uploads.end(call, upload),
        uploadFailed,
      ),
      change: unary<ChangeRequest, ChangeReply>('change', change, (failure) => create(ChangeReplySchema, { failure })),
      findLine: (_call: unknown, callback: sendUnaryData<FindLineReply>): void =>
        callback(null, create(FindLineReplySchema, { address: line?.address ?? '' })),
    },
  };
}

const fetchFailed = (failure: Failure): FetchReply =>
  create(FetchReplySchema, { outcome: { case: 'written', value: create(EntryReplySchema, { failure }) } });

const uploadFailed = (failure: Failure): UploadState => create(UploadStateSchema, { failure });

const contextOf = ({ context, head }: Asking): Context | undefined => context ?? head?.context;

/** What a client is told nothing about is told here, and what only an administrator can mend. */
function tell(log: Logger, error: MillraceError, facts: Record<string, unknown>): void {
  if (error.code === 'internal') log.error({ ...facts, err: error.cause ?? error }, 'call failed');
  else if (error.code === 'unavailable') log.warn({ ...facts, err: error.cause, reason: error.message }, 'call failed');
  else if (log.isLevelEnabled('debug')) log.debug({ ...facts, code: error.code }, 'call refused');
}

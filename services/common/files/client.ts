/** The storage tier, as others call it: one or more replicas, of which each call goes to the less loaded. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import {
  ChangeRequestSchema,
  type ChangeSchema,
  type Content,
  type ContextSchema,
  type Entries,
  type EntryReply,
  FetchRequestSchema,
  FileStore,
  type Line,
  ListRequestSchema,
  PackRequestSchema,
  ReadRequestSchema,
  StatRequestSchema,
  type UnpackReply,
  UploadHeadSchema,
  type UploadPartSchema,
  UploadRequestSchema,
  type UploadState,
} from '#proto/files/v1/files_pb.ts';
import { FILE_LINE_FROM_BYTES, FILE_WINDOW_BYTES } from '../bounds.ts';
import type { Deadline } from '../deadline.ts';
import { MillraceError } from '../errors.ts';
import { Channel, type ChannelSettings } from '../grpc/channel.ts';
import { fromServiceError } from '../grpc/status.ts';
import { Replicas } from '../replicas.ts';
import {
  type ChangeAnswer,
  type ContentAnswer,
  type Failing,
  head,
  type ListAnswer,
  mapped,
  needed,
  type StatAnswer,
  succeeded,
  type UnpackAnswer,
  type UploadAnswer,
  unknownAnswer,
  unpacked,
  uploadOf,
  type WriteAnswer,
  written,
} from './answers.ts';
import { FILE_CODECS } from './codec.ts';
import { entryFromMessage } from './entry.ts';
import { errorOfFailure } from './failure.ts';
import { LineBody } from './line-body.ts';
import { LineFinder } from './line-finder.ts';
import { readLittleAhead } from './streams.ts';
import { UploadCall } from './upload-call.ts';

/** Who asks, of which service. The time that is left is the deadline's. */
export type FileContext = Omit<MessageInitShape<typeof ContextSchema>, 'timeoutMs' | '$typeName'>;
type Init<T extends Parameters<typeof create>[0]> = Omit<MessageInitShape<T>, 'context' | '$typeName'>;
export type ListOptions = Init<typeof ListRequestSchema>;
export type ReadRequestOptions = Init<typeof ReadRequestSchema>;
export type UploadOptions = Init<typeof UploadHeadSchema>;
export type ChangeInit = MessageInitShape<typeof ChangeSchema>;

interface Store {
  readonly line: LineFinder;
  readonly channel: Channel<typeof FileStore>;
  inFlight: number;
  close(): void;
}

/** Messages of any stream that may say how it failed. */
type StreamMethod = 'list' | 'read' | 'pack';

/** Every method throws MillraceError only: what the storage tier says, the deadline's reason, or `unavailable`. */
export class FileStoreClient {
  readonly #stores: Replicas<Store>;
  readonly #peer: string;

  /** @param settings  of each replica */
  constructor(settings: readonly Omit<ChannelSettings, 'codecs' | 'windowBytes'>[]) {
    this.#peer = settings[0]?.peer ?? 'storage';
    this.#stores = new Replicas(
      settings.map((one) => {
        const channel = new Channel(FileStore, { ...one, codecs: FILE_CODECS, windowBytes: FILE_WINDOW_BYTES });
        return { channel, line: new LineFinder(channel), inFlight: 0, close: () => channel.close() };
      }),
    );
  }

  get inFlight(): number {
    return this.#stores.inFlight;
  }

  /** @param digests  sums to be made of a file's content: `sha-256`, `sha-512`, `md5` */
  async stat(context: FileContext, path: string, digests: readonly string[], deadline: Deadline): Promise<StatAnswer> {
    const request = () => create(StatRequestSchema, { context: timed(context, deadline), path, digests: [...digests] });
    const reply = await this.#again(deadline, ({ channel }) => channel.cancellable('stat', request(), deadline));
    const { entry, family, digests: sums } = succeeded(reply);
    return { entry: entry && entryFromMessage(entry), family, digests: sums };
  }

  /** @throws MillraceError not_found where there is no such folder */
  list(context: FileContext, options: ListOptions, deadline: Deadline): Promise<ListAnswer> {
    return this.#again(deadline, async (store) => {
      const request = create(ListRequestSchema, { ...options, context: timed(context, deadline) });
      const messages = this.#messages<Entries>(store, 'list', request, deadline);
      const { folder, family, entries } = await head(messages);
      const groupOf = ({ entries: group }: Pick<Entries, 'entries'>) =>
        group.length > 0 ? group.map(entryFromMessage) : undefined;
      const groups = mapped(messages, groupOf({ entries }), groupOf);
      return { folder: entryFromMessage(needed(folder)), family, entries: groups };
    });
  }

  /** @throws MillraceError not_found, contradiction */
  read(context: FileContext, options: ReadRequestOptions, deadline: Deadline): Promise<ContentAnswer> {
    return this.#content(
      'read',
      () => create(ReadRequestSchema, { ...options, context: timed(context, deadline) }),
      deadline,
    );
  }

  /** A folder as a zip; the entry is that of the folder. */
  pack(context: FileContext, path: string, deadline: Deadline): Promise<ContentAnswer> {
    return this.#content(
      'pack',
      () => create(PackRequestSchema, { path, context: timed(context, deadline) }),
      deadline,
    );
  }

  /**
   * A file, as fast as the storage takes it. Where the body throws, nothing is written, and its error is thrown.
   * @throws MillraceError also before all of the body was taken
   */
  async write(
    context: FileContext,
    options: UploadOptions,
    body: AsyncIterable<Uint8Array>,
    deadline: Deadline,
  ): Promise<WriteAnswer> {
    return written(await this.#upload<EntryReply>('write', context, options, body, deadline));
  }

  /** A zip into a folder. */
  async unpack(
    context: FileContext,
    options: UploadOptions,
    body: AsyncIterable<Uint8Array>,
    deadline: Deadline,
  ): Promise<UnpackAnswer> {
    return unpacked(await this.#upload<UnpackReply>('unpack', context, options, body, deadline));
  }

  async change(context: FileContext, changes: readonly ChangeInit[], deadline: Deadline): Promise<ChangeAnswer> {
    const request = create(ChangeRequestSchema, { context: timed(context, deadline), changes: [...changes] });
    const reply = await this.#once(({ channel }) => channel.cancellable('change', request, deadline));
    const { changed, family } = succeeded(reply);
    const outcomes = changed.map(({ entry, failure }) =>
      failure ? { error: errorOfFailure(failure) } : { entry: entry && entryFromMessage(entry) },
    );
    return { family, outcomes };
  }

  /** A file, or a zip, from an address outside. */
  async fetch(
    context: FileContext,
    options: UploadOptions,
    source: { readonly url: string; readonly unpack: boolean; readonly intoFolder?: boolean },
    deadline: Deadline,
  ): Promise<{ readonly written: WriteAnswer } | { readonly unpacked: UnpackAnswer }> {
    const upload = create(UploadHeadSchema, { ...options, context: timed(context, deadline) });
    const request = create(FetchRequestSchema, { head: upload, ...source });
    const { outcome } = await this.#once(({ channel }) => channel.cancellable('fetch', request, deadline));
    if (outcome.case === 'written') return { written: written(succeeded(outcome.value)) };
    if (outcome.case === 'unpacked') return { unpacked: unpacked(outcome.value) };
    throw unknownAnswer();
  }

  /**
   * An upload that can be taken up again where it broke off.
   * @param options  what shall be written; `size` is its length, where that is known
   */
  async beginUpload(context: FileContext, options: UploadOptions, deadline: Deadline): Promise<UploadAnswer> {
    const head = create(UploadHeadSchema, { ...options, context: timed(context, deadline) });
    return uploadOf(await this.#once(({ channel }) => channel.cancellable('beginUpload', head, deadline)));
  }

  /**
   * More of one. What the body gave before it threw is kept; of what was under way when the deadline was aborted, or the
   * line lost, as much as had come.
   * @throws MillraceError conflict: another offset is next, which `context.offset` has where it is known
   */
  async appendUpload(
    context: FileContext,
    part: MessageInitShape<typeof UploadPartSchema>,
    digests: Readonly<Record<string, string>>,
    body: AsyncIterable<Uint8Array>,
    deadline: Deadline,
  ): Promise<UploadAnswer> {
    const options = { part, digests: { ...digests } };
    return uploadOf(await this.#upload<UploadState>('appendUpload', context, options, body, deadline));
  }

  /** How far it is. */
  async getUpload(context: FileContext, upload: string, deadline: Deadline): Promise<UploadAnswer> {
    const request = () => create(UploadRequestSchema, { upload, context: timed(context, deadline) });
    return uploadOf(
      await this.#again(deadline, ({ channel }) => channel.cancellable('getUpload', request(), deadline)),
    );
  }

  /** What came of it is forgotten. */
  async endUpload(context: FileContext, upload: string, deadline: Deadline): Promise<UploadAnswer> {
    const request = create(UploadRequestSchema, { upload, context: timed(context, deadline) });
    return uploadOf(await this.#once(({ channel }) => channel.cancellable('endUpload', request, deadline)));
  }

  close(): void {
    this.#stores.close();
  }

  #content(
    method: 'read' | 'pack',
    request: () => Parameters<Channel<typeof FileStore>['watch']>[1],
    deadline: Deadline,
  ): Promise<ContentAnswer> {
    return this.#again(deadline, async (store) => {
      const messages = this.#messages<Content>(store, method, request(), deadline);
      const { entry, family, bytes, line } = await head(messages);
      if (line)
        return {
          entry: entryFromMessage(needed(entry)),
          family,
          body: lineBody(line, messages, deadline),
          isShared: true,
        };
      const body = mapped(messages, bytes.length > 0 ? bytes : undefined, (message) =>
        message.bytes.length > 0 ? message.bytes : undefined,
      );
      return { entry: entryFromMessage(needed(entry)), family, body, isShared: false };
    });
  }

  async #upload<R extends Failing>(
    method: 'write' | 'unpack' | 'appendUpload',
    context: FileContext,
    options: UploadOptions,
    body: AsyncIterable<Uint8Array>,
    deadline: Deadline,
  ): Promise<R> {
    deadline.throwIfAborted();
    return this.#once(async (store) => {
      const { channel } = store;
      const line = isLarge(options) ? await store.line.open() : undefined;
      const lineTicket = line?.ticket ?? '';
      const upload = create(UploadHeadSchema, { ...options, lineTicket, context: timed(context, deadline) });
      const call = new UploadCall<R>((answered) => channel.upload(method, answered as never), this.#peer);
      const forget = deadline.onAbort(() => call.cancel());
      try {
        return succeeded(await call.send(upload, body, method === 'appendUpload', line?.socket));
      } catch (error) {
        throw deadline.reason ?? error;
      } finally {
        forget();
        line?.socket.destroy();
        call.cancel();
      }
    });
  }

  /** A failure is thrown; leaving early ends the call. */
  async *#messages<T extends Failing>(
    store: Store,
    method: StreamMethod,
    request: Parameters<Channel<typeof FileStore>['watch']>[1],
    deadline: Deadline,
  ): AsyncGenerator<T> {
    deadline.throwIfAborted();
    store.inFlight++;
    const call = readLittleAhead(store.channel.watch(method, request as never));
    const forget = deadline.onAbort(() => call.cancel());
    try {
      for await (const message of call as AsyncIterable<unknown>) yield succeeded(message as T);
    } catch (error) {
      if (deadline.reason) throw deadline.reason;
      throw error instanceof MillraceError ? error : fromServiceError(error as ServiceError, this.#peer);
    } finally {
      forget();
      call.cancel();
      store.inFlight--;
    }
  }

  /** Of what may not be done twice. */
  async #once<T>(work: (store: Store) => Promise<T>): Promise<T> {
    const store = this.#stores.pick();
    if (!store) throw new MillraceError('unavailable', `The ${this.#peer} service is not configured.`);
    store.inFlight++;
    try {
      const answer = await work(store);
      this.#stores.succeeded(store);
      return answer;
    } catch (error) {
      if (isLineLost(error)) this.#stores.failed(store);
      throw error;
    } finally {
      store.inFlight--;
    }
  }

  /** Where a line was lost before anything came, another replica is asked. */
  async #again<T>(deadline: Deadline, work: (store: Store) => Promise<T>): Promise<T> {
    for (let left = this.#stores.size - 1; ; left--) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (left <= 0 || !isLineLost(error) || deadline.reason) throw error;
      }
    }
  }
}

/** As far as that is known: of what has no size much may come. */
const isLarge = ({ size }: UploadOptions): boolean => size === undefined || Number(size) >= FILE_LINE_FROM_BYTES;

function lineBody({ address, ticket, length }: Line, messages: AsyncGenerator<Content>, deadline: Deadline): LineBody {
  const failed = async (): Promise<void> => {
    for await (const _ of messages);
  };
  return new LineBody(
    { address, ticket, length: Number(length) },
    { failed, leave: () => messages.return(undefined) },
    deadline,
  );
}

/** What the other side says has no cause. */
const isLineLost = (error: unknown): boolean =>
  error instanceof MillraceError && error.code === 'unavailable' && error.cause !== undefined;

const TIMEOUT_MAX_MS = 0xffffffff;

function timed(context: FileContext, deadline: Deadline) {
  return { ...context, timeoutMs: Math.min(TIMEOUT_MAX_MS, Math.max(1, Math.round(deadline.remainingMs()))) };
}

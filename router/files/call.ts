/** One call of a file service, as the files of this folder see it. */
import { callerGone, type Deadline, deadlinePassed } from '#common/deadline.ts';
import type { MillraceError } from '#common/errors.ts';
import type { ChangeInit, FileContext, FileStoreClient } from '#common/files/client.ts';
import type { FileEntry } from '#common/files/entry.ts';
import { timedDeadline } from '#common/in-time.ts';
import type { Family } from '#proto/files/v1/files_pb.ts';
import type { Headers } from '../http/reply.ts';
import type { ScriptedCall } from '../script/scripted.ts';
import { type Address, addressOf } from './address.ts';
import { requirePath, rulesOf } from './rules.ts';

/** The storage tier; its client, or one for tests. */
export type FileStore = Omit<FileStoreClient, 'inFlight' | 'close'>;

export interface FileCall extends ScriptedCall {
  readonly store: FileStore;
  readonly address: Address;
  /** What the storage tier is told with everything. */
  readonly context: FileContext;
  /** Of contents and of work on whole folders. */
  readonly deadline: Deadline;
  /** For the first word of an answer, milliseconds. */
  readonly patienceMs: number;
  /**
   * Of a public file: what it is sent with in place of the headers of the API. `type` is undefined for an answer without
   * a content.
   */
  readonly shownWith?: (entry: FileEntry, type: string | undefined) => Headers;
}

const POST_BIT = 2;
const PUT_BIT = 4;

/** Does one call, until its time is over or its caller is gone. @throws MillraceError */
export async function duringCall(
  call: ScriptedCall,
  store: FileStore,
  { requestTimeoutMs, exportTimeoutMs }: { readonly requestTimeoutMs: number; readonly exportTimeoutMs: number },
  work: (call: FileCall) => Promise<void>,
): Promise<void> {
  const { request, reply, service, principal } = call;
  const address = addressOf(request);
  const { deadline, done } = timedDeadline(exportTimeoutMs);
  reply.onAborted(() => deadline.abort(callerGone()));
  const rules = rulesOf(principal, service);
  const context: FileContext = {
    service: service.name,
    requestId: request.http.id,
    writeBit: request.verb === 'PUT' ? PUT_BIT : POST_BIT,
    ...(rules && { rules }),
  };
  try {
    await work({ ...call, store, address, context, deadline, patienceMs: requestTimeoutMs });
  } finally {
    done();
  }
}

/** A storage that hangs keeps nobody for as long as a large file may take. */
export async function soon<T>({ deadline, patienceMs }: FileCall, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => deadline.abort(deadlinePassed()), patienceMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** For a path that the caller names beside the address. @throws MillraceError with the usual refusal */
export const requireNamed = ({ principal, service }: FileCall, path: string, verb: string): void =>
  requirePath(principal, service, path, verb);

/** One change: how it failed, if it did, and by which kind of storage, as words differ by it. */
export async function changeOne(
  { store, context, deadline }: FileCall,
  change: ChangeInit,
): Promise<{ readonly family: Family; readonly error: MillraceError | undefined }> {
  const { family, outcomes } = await store.change(context, [change], deadline);
  const [outcome] = outcomes;
  return { family, error: outcome && 'error' in outcome ? outcome.error : undefined };
}

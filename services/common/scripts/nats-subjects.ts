/**
 * The subjects of scripts on NATS; accounts of routers and workers need `millrace.script.v1.>` and `_INBOX.>`.
 *
 * - `…{lane}`: a RunBatch, in the queue group `scripting`. Its reply subject gets RunBatchReplies until all runs are
 *   answered. The first that leaves some open is the receipt: it bears the worker's own subject as reply subject.
 * - `…worker.{token}`: one worker. A RunBatch of cancels only, with the reply subject of the batch that they are of. What
 *   is empty is a question whether it is there: it need not answer, as NATS itself says so when nobody listens.
 * - `…{lane}.roll`: to all workers of the lane; each answers with its own subject as reply subject, behind the receipts of
 *   all that it had got before.
 * - `…{lane}.hello`: from a worker that begins, with its own subject as reply subject.
 */
import { nuid } from 'nats';

export type LaneName = 'patient' | 'quick';

const ROOT = 'millrace.script.v1';

export const QUEUE_GROUP = 'scripting';
export const runSubject = (lane: LaneName): string => `${ROOT}.${lane}`;
export const rollSubject = (lane: LaneName): string => `${ROOT}.${lane}.roll`;
export const helloSubject = (lane: LaneName): string => `${ROOT}.${lane}.hello`;
export const newWorkerSubject = (): string => `${ROOT}.worker.${nuid.next()}`;

/** Behind the last dot. */
export const lastToken = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);

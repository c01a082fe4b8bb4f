/**
 * Uploads in parts. Parts of one that is neither completed nor aborted stay for ever, and cost; which of those in a bucket
 * are ours nobody can see. Therefore each is noted in our own folder until it has ended, and what a process that was
 * killed has left behind is found there later.
 */
import { randomUUID } from 'node:crypto';
import * as s3 from '@aws-sdk/client-s3';
import { OWN_FOLDER } from '#common/files/path.ts';
import { whileBusy } from '../object/busy.ts';
import type { PartUpload, Written } from '../object/client.ts';
import { isSaid } from './errors.ts';

const NOTES = `${OWN_FOLDER}/uploads/`;
/** No upload of ours takes as long. */
const STALE_MS = 24 * 3_600_000;

export interface Clients {
  readonly client: s3.S3Client;
  /** Sends each request once. */
  readonly once: s3.S3Client;
}

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

export type Complete = (input: s3.CompleteMultipartUploadCommandInput, signal: AbortSignal) => Promise<Written>;

export class S3PartUpload implements PartUpload {
  readonly #client: s3.S3Client;
  readonly #upload: Upload;
  readonly #note: string;
  readonly #complete: Complete;
  readonly #parts: s3.CompletedPart[] = [];

  private constructor(client: s3.S3Client, upload: Upload, complete: Complete) {
    this.#client = client;
    this.#upload = upload;
    this.#note = NOTES + randomUUID();
    this.#complete = complete;
  }

  static async begin(
    { client, once }: Clients,
    input: s3.CreateMultipartUploadCommandInput & { Bucket: string; Key: string },
    complete: Complete,
    abortSignal: AbortSignal,
  ): Promise<S3PartUpload> {
    const create = () => once.send(new s3.CreateMultipartUploadCommand(input), { abortSignal });
    const { UploadId } = await whileBusy(create, abortSignal);
    const { Bucket, Key } = input;
    const begun = new S3PartUpload(client, { Bucket, Key, UploadId: UploadId as string }, complete);
    try {
      await begun.#write(abortSignal);
      return begun;
    } catch (error) {
      await begun.abort(AbortSignal.timeout(5_000)).catch(() => {});
      throw error;
    }
  }

  async send(number: number, bytes: Uint8Array, abortSignal: AbortSignal): Promise<void> {
    const command = new s3.UploadPartCommand({ ...this.#upload, PartNumber: number, Body: bytes });
    const { ETag } = await this.#client.send(command, { abortSignal });
    this.#parts[number - 1] = { PartNumber: number, ETag };
  }

  async complete(signal: AbortSignal): Promise<Written> {
    const written = await this.#complete({ ...this.#upload, MultipartUpload: { Parts: this.#parts } }, signal);
    await this.#forget(signal).catch(() => {}); // the next start finds that there is nothing to it
    return written;
  }

  async abort(abortSignal: AbortSignal): Promise<void> {
    await abortUpload(this.#client, this.#upload, abortSignal);
    await this.#forget(abortSignal);
  }

  async #write(abortSignal: AbortSignal): Promise<void> {
    const { Bucket, Key, UploadId } = this.#upload;
    const Body = JSON.stringify({ key: Key, uploadId: UploadId });
    const command = new s3.PutObjectCommand({ Bucket, Key: this.#note, Body, ContentType: 'application/json' });
    await this.#client.send(command, { abortSignal });
  }

  async #forget(abortSignal: AbortSignal): Promise<void> {
    const { Bucket } = this.#upload;
    await this.#client.send(new s3.DeleteObjectCommand({ Bucket, Key: this.#note }), { abortSignal });
  }
}

/** Ends what processes that are no more have begun and not ended. */
export async function sweepUploads(client: s3.S3Client, Bucket: string, staleMs = STALE_MS): Promise<void> {
  const abortSignal = AbortSignal.timeout(60_000);
  const { Contents = [] } = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: NOTES }), { abortSignal });
  for (const { Key = '', LastModified } of Contents) {
    if (!LastModified || Date.now() - LastModified.getTime() < staleMs) continue;
    const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key }), { abortSignal });
    const note = JSON.parse((await Body?.transformToString()) ?? '') as { key: string; uploadId: string };
    await abortUpload(client, { Bucket, Key: note.key, UploadId: note.uploadId }, abortSignal);
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key }), { abortSignal });
  }
}

async function abortUpload(client: s3.S3Client, upload: Upload, abortSignal: AbortSignal): Promise<void> {
  await client.send(new s3.AbortMultipartUploadCommand(upload), { abortSignal }).catch((error: unknown) => {
    if (!isSaid(error, 'NoSuchUpload')) throw error;
  });
}
